// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct TopOptions {
  std::string admin;  // "" = as in `config`
  std::string config;
  bool once = false;
};

// `gatewhy top`: the running daemon's state, anew each second until q; one
// time where standard output is no terminal. kExitOk; kExitFailure where the
// daemon could not be asked at all.
[[nodiscard]] int runTop(const TopOptions& options);

}  // namespace gatewhy
