// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace gatewhy {

struct RouteOptions {
  std::string config;
  std::string method, url;
  std::string client = "127.0.0.1";  // its address, for trusted_proxies and a route's `clients`
  std::vector<std::string> headers;  // "Name: value"
  bool json = false;
};

// `gatewhy route METHOD URL`: where a request would go, without sending it.
// Opens no port and no file but the configuration. 0; kExitFailure where no
// route matches; kExitUsage; kExitConfig.
[[nodiscard]] int runRoute(const RouteOptions& options);

}  // namespace gatewhy
