// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace gatewhy {

struct WhyOptions {
  std::string request_id;
  std::vector<std::string> logs;  // "-" = standard input; empty = ask the running daemon
  std::string admin;              // its admin listener; "" = as in `config`
  std::string config;
  bool json = false;
};

// `gatewhy why REQUEST_ID`: kExitOk; kExitFailure where it is not found or
// nobody could be asked.
[[nodiscard]] int runWhy(const WhyOptions& options);

}  // namespace gatewhy
