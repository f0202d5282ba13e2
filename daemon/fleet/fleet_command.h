// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "daemon/fleet/fleet_reader.h"
#include "daemon/fleet/fleet_stream.h"

namespace gatewhy {

struct FleetOptions {
  FleetSource source;
  std::string since = "1h";               // how far back the view begins
  std::string listen = "127.0.0.1:9181";  // of the page
  bool once = false;                      // print, and end
  bool json = false;                      // with once: as JSON
};

// `gatewhy fleet init`: exit status 0; 1 where it could not be done.
[[nodiscard]] int runFleetInit(const FleetStreamOptions& options);
// `gatewhy fleet`: the page, until SIGINT or SIGTERM; with `once` the same as text.
[[nodiscard]] int runFleet(const FleetOptions& options);
// `gatewhy top --from`: the text, again every two seconds where it is a terminal.
[[nodiscard]] int runFleetTop(const FleetOptions& options);

// For `why`: the last event under a filter; and who else saw its cause, by the
// heartbeats of the minutes around it, "" where these do not tell.
[[nodiscard]] Result<std::string, std::string> lastOfFleet(const FleetSource& source, const std::string& filter);
[[nodiscard]] std::string vantageWords(const FleetSource& source, const std::string& origin, const std::string& cause,
                                       const std::string& timestamp);

// For `why` and `report`: the lines of the stream under a filter. The error is a sentence.
[[nodiscard]] Result<std::uint64_t, std::string> readFleet(const FleetSource& source, const std::string& filter,
                                                           std::optional<FleetReader::Time> since,
                                                           const std::function<void(std::string_view line)>& on_line);

}  // namespace gatewhy
