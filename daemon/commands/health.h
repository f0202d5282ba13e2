// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct HealthOptions {
  std::string admin;   // where to ask; empty: as the configuration says
  std::string config;  // the file that names the admin listener
  bool ready = false;  // /readyz instead of /healthz
};

// `gatewhy health`: one line, and the exit status 0 where the running daemon
// says that it is alive (or ready), else 1. What a container's HEALTHCHECK
// runs: an image needs no other HTTP client.
[[nodiscard]] int runHealth(const HealthOptions& options);

}  // namespace gatewhy
