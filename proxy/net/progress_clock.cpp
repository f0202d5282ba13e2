// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/progress_clock.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr int kLooksPerLimit = 20;
constexpr std::chrono::milliseconds kLongestInterval{1500};
// TCP tells of a reader in steps: measured on Linux, its window opens again
// when a sixteenth of its buffer is free and a whole segment fits, which are
// 64 KB on loopback. So silence is judged a little after its limit.
constexpr int kGraceLooks = 2;

}  // namespace

void ProgressClock::reset() {
  *this = ProgressClock();
}

std::chrono::milliseconds ProgressClock::interval() const {
  if (limits_.idle.count() == 0) {
    return std::chrono::milliseconds(0);
  }
  return std::clamp(limits_.idle / kLooksPerLimit, std::chrono::milliseconds(1), kLongestInterval);
}

void ProgressClock::resume(TimePoint now, const ProgressLimits& limits, std::optional<std::uint64_t> moved) {
  limits_ = limits;
  running_ = true;
  idle_since_ = counted_to_ = now;
  if (moved) {
    moved_ = moved;
    beginning_ = beginning_.value_or(Sample{.waited = waited_, .moved = *moved});
  }
}

void ProgressClock::pause(TimePoint now) {
  if (running_) {
    waited_ += now - counted_to_;
    running_ = false;
  }
}

ProgressClock::Look ProgressClock::look(TimePoint now, std::uint64_t moved) {
  waited_ += now - counted_to_;
  counted_to_ = now;
  if (!moved_ || moved > *moved_) {
    moved_ = moved;
    idle_since_ = now;
  }
  beginning_ = beginning_.value_or(Sample{.waited = waited_, .moved = moved});
  const Clock::duration silence = now - idle_since_;
  if (silence >= limits_.idle + kGraceLooks * interval()) {
    return Look{.verdict = Verdict::Stalled, .elapsed_ms = millisBetween(idle_since_, now)};
  }
  // Whoever moved once as the window began and never since is silent, not slow.
  const bool nearly_silent = silence + interval() >= limits_.idle;
  return limits_.minimum_rate != 0 && !nearly_silent ? judgeRate().value_or(Look{}) : Look{};
}

// A window that moves on with the looks, a little at a time.
std::optional<ProgressClock::Look> ProgressClock::judgeRate() {
  if (samples_.empty()) {
    samples_.push_back(*beginning_);
  }
  const auto passed = [this](const Sample& sample) { return waited_ - sample.waited >= limits_.idle; };
  const auto newest = std::find_if_not(samples_.begin(), samples_.end(), passed);
  if (newest != samples_.begin()) {
    samples_.erase(samples_.begin(), newest - 1);
  }
  const Sample from = samples_.front();
  if (waited_ - samples_.back().waited >= limits_.idle / kLooksPerLimit) {
    samples_.push_back(Sample{.waited = waited_, .moved = *moved_});
  }
  if (!passed(from)) {
    return std::nullopt;
  }
  const double elapsed_ms = std::chrono::duration<double, std::milli>(waited_ - from.waited).count();
  const std::uint64_t moved = *moved_ - from.moved;
  const auto due = static_cast<std::uint64_t>(static_cast<double>(limits_.minimum_rate) * elapsed_ms / 1000);
  if (moved == 0 || moved >= due) {
    return std::nullopt;  // none at all is silence, which is judged with its grace
  }
  return Look{.verdict = Verdict::TooSlow, .elapsed_ms = elapsed_ms, .moved = moved, .due = due};
}

}  // namespace gatewhy
