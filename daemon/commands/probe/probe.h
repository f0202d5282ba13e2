// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "daemon/commands/probe/prober.h"

namespace gatewhy {

// A failure was diagnosed: the answer to the question, but not a good one.
inline constexpr int kExitDiagnosed = 3;

struct ProbeOptions {
  ProbeRequest request;
  std::string timeout;  // a duration; "" = the daemon's defaults
  bool all_addresses = false;
  unsigned repeat = 1;
  bool json = false;
};

// `gatewhy probe URL`: 0 where every request was answered, kExitDiagnosed
// where one failed, kExitUsage where it could not be asked.
[[nodiscard]] int runProbeCommand(ProbeOptions options);

}  // namespace gatewhy
