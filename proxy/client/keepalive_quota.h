// SPDX-License-Identifier: Apache-2.0
// For how many requests, and for how long, one client connection is used:
// limits.client_keepalive_requests and limits.client_keepalive_time. One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/config.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

class KeepAliveQuota {
 public:
  explicit KeepAliveQuota(TimePoint began) : began_(began) {}

  void onRequest() { ++requests_; }
  // The connection is to take no request beyond those that it has.
  [[nodiscard]] bool spent(const ClientLimits& limits, TimePoint now) const {
    return (limits.client_keepalive_requests != 0 && requests_ >= limits.client_keepalive_requests) ||
           (limits.client_keepalive_time.count() != 0 && now - began_ >= lifetime(limits.client_keepalive_time));
  }

 private:
  // Up to a tenth less: what began together, as after a restart, must not end
  // together. The clock's last digits are as good as chance.
  [[nodiscard]] std::chrono::nanoseconds lifetime(std::chrono::nanoseconds limit) const {
    constexpr std::int64_t kSteps = 1024;
    constexpr std::int64_t kTenth = 10;
    return limit - limit / kTenth * (began_.time_since_epoch().count() % kSteps) / kSteps;
  }

  TimePoint began_;
  std::uint32_t requests_ = 0;
};

}  // namespace gatewhy
