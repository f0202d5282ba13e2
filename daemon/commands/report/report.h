// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "daemon/fleet/fleet_reader.h"

namespace gatewhy {

struct ReportOptions {
  std::vector<std::string> logs;  // files, plain or gzip; "-" or none: standard input
  FleetSource fleet;              // instead: the stream of a fleet, where `nats` is not empty
  std::string since, until;       // "" = all
  std::string origin;             // "" = all
  std::string html;               // file to write a page to
  bool json = false;
};

// `gatewhy report`: kExitOk; kExitFailure where a log cannot be read or the
// page not be written; kExitUsage.
[[nodiscard]] int runReport(const ReportOptions& options);

}  // namespace gatewhy
