// SPDX-License-Identifier: Apache-2.0
// Whether a peer that is waited for still moves. Pure: it is given times and
// what the peer has moved so far, and says whether to look again or who was
// too slow; the sockets and the timer are its owner's. One clock watches one
// direction of one exchange. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

struct ProgressLimits {
  std::chrono::milliseconds idle{0};  // without any progress for so long; 0 = the clock is off
  std::uint64_t minimum_rate = 0;     // bytes a second, on average over `idle`; 0 = off
};

class ProgressClock {
 public:
  enum class Verdict : std::uint8_t {
    Rearm,    // look again after interval()
    Stalled,  // nothing moved for `idle`
    TooSlow,  // something did, below the minimum rate
  };
  struct Look {
    Verdict verdict = Verdict::Rearm;
    double elapsed_ms = 0;             // the time that was judged
    std::uint64_t moved = 0, due = 0;  // TooSlow: bytes in that time, and what the rate asks for
  };

  // Forgets everything: another exchange.
  void reset();
  // The peer is waited for from now on. `moved` is the counter's value where
  // it is known without asking the kernel: a download's is asked for at the
  // first look, which is then the beginning.
  void resume(TimePoint now, const ProgressLimits& limits, std::optional<std::uint64_t> moved);
  // It is not waited for any more: this time does not count against it.
  void pause(TimePoint now);
  [[nodiscard]] bool running() const { return running_; }
  // How long until the next look: a twentieth of the limit, 1.5 s at most, so
  // that a silent peer is let go three looks after its limit, no later. 0 = never.
  [[nodiscard]] std::chrono::milliseconds interval() const;

  // `moved` grows with whatever the peer took or sent; only growth counts.
  [[nodiscard]] Look look(TimePoint now, std::uint64_t moved);

 private:
  // What had moved when the peer had been waited for so long.
  struct Sample {
    Clock::duration waited{};
    std::uint64_t moved = 0;
  };
  [[nodiscard]] std::optional<Look> judgeRate();

  ProgressLimits limits_;
  bool running_ = false;
  std::optional<std::uint64_t> moved_;  // at the last look
  TimePoint idle_since_{};
  TimePoint counted_to_{};    // up to here `waited_` is counted
  Clock::duration waited_{};  // pauses left out
  std::optional<Sample> beginning_;
  // Oldest first; a window's worth. Empty until the first look: most exchanges
  // never wait so long.
  std::vector<Sample> samples_;
};

}  // namespace gatewhy
