// SPDX-License-Identifier: Apache-2.0
// A sign of life for a fleet: every five seconds an event that says who runs
// on which version and configuration, and how many exchanges and failures each
// origin had, as not everything may be sent. Main thread only.
#pragma once

#include <chrono>
#include <optional>

#include "daemon/daemon_view.h"
#include "daemon/log/event_log.h"

namespace gatewhy {

class FleetHeartbeat {
 public:
  explicit FleetHeartbeat(const DaemonView& view) : view_(view) {}  // which outlives it

  // nullopt: no destination of the log is read by a fleet.
  [[nodiscard]] std::optional<std::chrono::milliseconds> dueIn(const EventLog& log) const;
  // May be called more often.
  void beat(EventLog& log);

 private:
  using Clock = std::chrono::steady_clock;
  const DaemonView& view_;
  Clock::time_point due_{};
};

}  // namespace gatewhy
