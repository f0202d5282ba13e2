// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "daemon/log/log_destination.h"
#include "daemon/log/spool.h"

namespace gatewhy {

// The thread that gets lines from a spool to their destination, in their
// order. A destination that is away is tried again, ever more slowly; lines
// stay in the spool until it has taken them.
class SpoolSender {
 public:
  SpoolSender(std::shared_ptr<Spool> spool, std::shared_ptr<LogDestination> destination,
              std::chrono::milliseconds stop_time)
      : spool_(std::move(spool)), destination_(std::move(destination)), stop_time_(stop_time) {}

  // Returns at most `stop_time`, and what one write takes, after Spool::requestStop().
  void run();

 private:
  bool send(std::string_view lines);
  void recovered();
  bool outOfTime();

  std::shared_ptr<Spool> spool_;
  std::shared_ptr<LogDestination> destination_;
  const std::chrono::milliseconds stop_time_;
  std::uint64_t failed_ = 0;  // writes, since the last that went well
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace gatewhy
