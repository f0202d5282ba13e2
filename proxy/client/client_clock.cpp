// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/client_clock.h"

namespace gatewhy {

void ClientClock::await(Wait wait, std::chrono::milliseconds limit) {
  wait_ = wait;
  since_ = loop_.turnTime();
  deadline_.arm(limit);
}

void ClientClock::stop() {
  wait_ = Wait::Nothing;
  deadline_.cancel();
}

void TransferClock::start(const ProgressLimits& limits, std::optional<std::uint64_t> moved) {
  limit_ = limits.idle;
  progress_.resume(loop_.turnTime(), limits, moved);
  next_look_.arm(progress_.interval());
}

void TransferClock::stop() {
  if (running()) {
    progress_.pause(loop_.turnTime());
    next_look_.cancel();
  }
}

std::optional<TimerFault> TransferClock::look(std::uint64_t moved) {
  const ProgressClock::Look look = progress_.look(EventLoop::now(), moved);
  if (look.verdict == ProgressClock::Verdict::Rearm) {
    next_look_.arm(progress_.interval());
    return std::nullopt;
  }
  const bool slow = look.verdict == ProgressClock::Verdict::TooSlow;
  return TimerFault{.timer = slow ? Timer::ClientRate : stalled_,
                    .limit_ms = static_cast<std::uint32_t>(limit_.count()),
                    .elapsed_ms = look.elapsed_ms,
                    .moved = look.moved,
                    .due = look.due};
}

void TransferClock::reset() {
  next_look_.cancel();
  progress_.reset();
}

}  // namespace gatewhy
