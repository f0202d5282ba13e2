// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "daemon/fleet/fleet_reader.h"
#include "diagnostics/result.h"

namespace gatewhy {

struct FleetStreamOptions {
  FleetSource source;
  int replicas = 1;
  std::int64_t max_age_s = 7L * 24 * 3600;  // 0 = no limit
  std::int64_t max_bytes = 0;               // 0 = no limit
};

// Makes the stream, or makes it as it is asked for where it is there: subjects
// "gatewhy.>", the oldest events give way, message ids are remembered for ten
// minutes. Doing it again changes nothing. The text says what was done.
[[nodiscard]] Result<std::string, std::string> initFleetStream(const FleetStreamOptions& options);

}  // namespace gatewhy
