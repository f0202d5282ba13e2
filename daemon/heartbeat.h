// SPDX-License-Identifier: Apache-2.0
// Tells the service manager how the daemon is: WATCHDOG=1 only while every
// worker's loop turns, so that a stuck worker is restarted, and a status line
// with live counts. Supervisor's thread only.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/service_manager.h"
#include "proxy/worker.h"

namespace gatewhy {

class Heartbeat {
 public:
  // All three outlive it.
  Heartbeat(const ServiceManager& service, const ProxyCounters& counters,
            const std::vector<std::unique_ptr<Worker>>& workers)
      : service_(service), counters_(counters), workers_(workers) {}

  // How often beat() is wanted; absent where nobody listens.
  [[nodiscard]] std::optional<std::chrono::milliseconds> interval() const;
  // May be called more often.
  void beat();
  [[nodiscard]] std::string status() const;

 private:
  using Steady = std::chrono::steady_clock;

  const ServiceManager& service_;
  const ProxyCounters& counters_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  std::vector<std::shared_ptr<std::atomic<bool>>> pings_;
  Steady::time_point last_{};
};

}  // namespace gatewhy
