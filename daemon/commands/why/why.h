// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "daemon/fleet/fleet_reader.h"

namespace gatewhy {

struct WhyOptions {
  std::string request_id;         // whole, or its beginning
  bool last = false;              // the latest failure instead,
  std::string last_of;            // of this cause; "" = any
  std::vector<std::string> logs;  // "-" = standard input; empty = ask the running daemon
  FleetSource fleet;              // or the stream of a fleet, where `nats` is not empty
  std::string admin;              // its admin listener; "" = as in `config`
  std::string config;
  bool json = false;
};

// `gatewhy why REQUEST_ID`: kExitOk; kExitFailure where it is not found, where
// several ids begin so, or where no daemon could be reached.
[[nodiscard]] int runWhy(const WhyOptions& options);

}  // namespace gatewhy
