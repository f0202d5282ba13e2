// SPDX-License-Identifier: Apache-2.0
// The admin API's documents; their shapes are in docs/admin-api.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/recent_failures.h"
#include "daemon/daemon_view.h"
#include "daemon/metrics/certificate_expiry.h"
#include "daemon/metrics/traffic_history.h"

namespace gatewhy {

[[nodiscard]] std::string statusJson(const DaemonView& daemon, const std::vector<ListenerCertificate>& certificates);
[[nodiscard]] std::string originsJson(const DaemonView& daemon, const TrafficHistory& history);
[[nodiscard]] std::string historyJson(const TrafficHistory& history);
[[nodiscard]] std::string eventsJson(const RecentFailures::Page& page);

// "2026-01-31T23:59:59Z", with or without fractions of a second.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> readTimestamp(std::string_view text);
[[nodiscard]] std::string timestampText(std::int64_t unix_seconds);

}  // namespace gatewhy
