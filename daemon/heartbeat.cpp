// SPDX-License-Identifier: Apache-2.0
#include "daemon/heartbeat.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kStatusEvery{5000};

}  // namespace

std::optional<std::chrono::milliseconds> Heartbeat::interval() const {
  if (!service_.listens()) {
    return std::nullopt;
  }
  return std::min(service_.watchdogInterval().value_or(kStatusEvery), kStatusEvery);
}

void Heartbeat::beat() {
  const auto every = interval();
  const auto now = Steady::now();
  if (!every || now - last_ < *every) {
    return;
  }
  last_ = now;
  service_.status(status());
  const bool all_turn =
      std::all_of(pings_.begin(), pings_.end(), [](const auto& ping) { return ping->load(std::memory_order_relaxed); });
  if (!all_turn) {
    return;  // the pings stay: a loop that is late is alive when it answers
  }
  service_.alive();
  pings_.clear();
  for (const auto& worker : workers_) {
    worker->ping(pings_.emplace_back(std::make_shared<std::atomic<bool>>(false)));
  }
}

std::string Heartbeat::status() const {
  return fmt::format("{} client connections, {} exchanges in flight",
                     counters_.client_connections.load(std::memory_order_relaxed),
                     counters_.exchanges_in_flight.load(std::memory_order_relaxed));
}

}  // namespace gatewhy
