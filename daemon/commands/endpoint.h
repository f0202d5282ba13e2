// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct EndpointOptions {
  std::string admin;  // "" = as in `config`
  std::string config;
  std::string action;  // "drain", "ready" or "list"
  std::string origin;  // list: "" = all
  std::string url;     // "" = all of the origin's
};

// `gatewhy endpoint`: asks the running daemon, and prints what came of it.
// kExitOk, or kExitFailure where there is no daemon, origin or endpoint.
[[nodiscard]] int runEndpoint(const EndpointOptions& options);

}  // namespace gatewhy
