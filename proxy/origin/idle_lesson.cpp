// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/idle_lesson.h"

#include <algorithm>
#include <charconv>

#include "diagnostics/field_id.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kOneMoment{250};
constexpr std::chrono::minutes kStaleCounts{10};
constexpr std::chrono::milliseconds kLeastMargin{100};
constexpr std::chrono::milliseconds kMostMargin{2000};
constexpr std::int64_t kMarginPart = 10;  // a tenth
constexpr std::int64_t kMostSaidSeconds = 86400;

}  // namespace

void IdleLesson::Moments::note(Milliseconds idle, TimePoint now) {
  if (last.count() >= 0 && now - last_at < kOneMoment) {
    last = std::max(last, idle);
    return;
  }
  before = last;
  before_at = last_at;
  last = idle;
  last_at = now;
}

void IdleLesson::noteClosed(Milliseconds idle, TimePoint now) {
  const std::lock_guard lock(mutex_);
  closed_moments_.note(idle, now);
  closed_ms_.store(std::max(closed_moments_.before, closed_moments_.last).count(), std::memory_order_relaxed);
}

void IdleLesson::noteStale(Milliseconds idle, TimePoint now) {
  const std::lock_guard lock(mutex_);
  stale_moments_.note(idle, now);
  if (stale_moments_.before.count() >= 0 && now - stale_moments_.before_at < kStaleCounts) {
    stale_ms_.store(std::max(stale_moments_.before, stale_moments_.last).count(), std::memory_order_relaxed);
    stale_until_.store((now + kStaleCounts).time_since_epoch().count(), std::memory_order_relaxed);
  }
}

void IdleLesson::noteSaid(std::string_view keep_alive) noexcept {
  constexpr std::string_view kName = "timeout";
  while (!keep_alive.empty()) {
    const std::size_t end = std::min(keep_alive.find(','), keep_alive.size());
    std::string_view parameter = keep_alive.substr(0, end);
    keep_alive.remove_prefix(std::min(end + 1, keep_alive.size()));
    parameter.remove_prefix(std::min(parameter.find_first_not_of(" \t"), parameter.size()));
    if (!equalsIgnoreCase(parameter.substr(0, kName.size()), kName)) {
      continue;
    }
    parameter.remove_prefix(kName.size());
    parameter.remove_prefix(std::min(parameter.find_first_not_of(" \t="), parameter.size()));
    std::int64_t seconds = -1;
    const auto read = std::from_chars(parameter.data(), parameter.data() + parameter.size(), seconds);
    if (read.ec == std::errc() && seconds >= 0) {
      said_ms_.store(std::min(seconds, kMostSaidSeconds) * 1000, std::memory_order_relaxed);
    }
    return;
  }
}

std::optional<IdleLesson::Limit> IdleLesson::limit(TimePoint now) const noexcept {
  std::optional<Limit> least;
  const auto take = [&least](std::int64_t ms, Source source) {
    if (ms >= 0 && (!least || ms < least->value.count())) {
      least = Limit{.value = Milliseconds(ms), .source = source};
    }
  };
  take(said_ms_.load(std::memory_order_relaxed), Source::Said);
  take(closed_ms_.load(std::memory_order_relaxed), Source::Closed);
  if (now.time_since_epoch().count() < stale_until_.load(std::memory_order_relaxed)) {
    take(stale_ms_.load(std::memory_order_relaxed), Source::Stale);
  }
  return least;
}

IdleLesson::Milliseconds IdleLesson::timeout(TimePoint now) const noexcept {
  const auto known = limit(now);
  if (!known) {
    return kCautious;
  }
  const Milliseconds margin = std::clamp<Milliseconds>(known->value / kMarginPart, kLeastMargin, kMostMargin);
  return std::clamp<Milliseconds>(known->value - margin, Milliseconds(1), kLongest);
}

std::string_view name(IdleLesson::Source source) {
  switch (source) {
    case IdleLesson::Source::None:
      return "none";
    case IdleLesson::Source::Closed:
      return "closed";
    case IdleLesson::Source::Said:
      return "said";
    case IdleLesson::Source::Stale:
      return "stale";
  }
  return {};
}

}  // namespace gatewhy
