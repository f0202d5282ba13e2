// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct DemoOptions {
  std::string from = "127.0.0.1:8080";
  std::string admin = "127.0.0.1:9180";  // or "off"
};

// `gatewhy demo`: the daemon in front of an origin that fails on demand; runs
// until SIGTERM or SIGINT. Returns the exit status.
int runDemo(const DemoOptions& options = {});

}  // namespace gatewhy
