// SPDX-License-Identifier: Apache-2.0
// For how long a client is waited for. What it has to say or to show comes one
// at a time, so one deadline with a name serves it (ClientClock). What it
// uploads and takes while an exchange runs is judged by its progress, each
// direction by a clock of its own (TransferClock).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/progress_clock.h"

namespace gatewhy {

class ClientClock {
 public:
  enum class Wait : std::uint8_t {
    Nothing,
    Opening,   // for what comes before HTTP: PROXY header, TLS
    Request,   // for the first byte of a request
    Head,      // for the rest of its head
    Delivery,  // for a sign that what was sent has arrived
    Goodbye,   // for its own end, behind an answer that closes
  };
  ClientClock(EventLoop& loop, std::function<void()> on_late) : loop_(loop), deadline_(loop, std::move(on_late)) {}

  // Instead of what it was waited for; a limit of 0 is none.
  void await(Wait wait, std::chrono::milliseconds limit);
  // The deadline stands, for the next thing.
  void awaitInstead(Wait wait) { wait_ = wait; }
  // The same thing, until then.
  void limit(std::chrono::milliseconds from_now) { deadline_.arm(from_now); }
  void stop();
  [[nodiscard]] Wait awaits() const { return wait_; }
  // Of the wait that began last, also once it is over.
  [[nodiscard]] double waitedMs() const { return millisBetween(since_, EventLoop::now()); }

 private:
  EventLoop& loop_;
  Wait wait_ = Wait::Nothing;
  TimePoint since_{};
  Deadline deadline_;
};

// One direction of an exchange with its client.
class TransferClock {
 public:
  // `stalled`: the name of the limit. `on_look`: time for look().
  TransferClock(EventLoop& loop, Timer stalled, std::function<void()> on_look)
      : loop_(loop), stalled_(stalled), next_look_(loop, std::move(on_look)) {}

  [[nodiscard]] bool running() const { return progress_.running(); }
  // Whether the client is waited for from now on; where it is not, the time
  // does not count against it. `moved` as ProgressClock::resume() wants it.
  void watch(bool waited_for, const ProgressLimits& limits, std::optional<std::uint64_t> moved) {
    if (waited_for && !running()) {
      start(limits, moved);
    } else if (!waited_for) {
      stop();
    }
  }
  void stop();
  // What it failed to do, if anything.
  [[nodiscard]] std::optional<TimerFault> look(std::uint64_t moved);
  // Forgets everything: another exchange.
  void reset();

 private:
  void start(const ProgressLimits& limits, std::optional<std::uint64_t> moved);

  EventLoop& loop_;
  Timer stalled_;
  std::chrono::milliseconds limit_{0};
  ProgressClock progress_;
  Deadline next_look_;
};

}  // namespace gatewhy
