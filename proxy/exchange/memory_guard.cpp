// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/memory_guard.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kMeasureEvery{100};
constexpr std::chrono::milliseconds kMeasureWhenTight{5};
constexpr std::chrono::milliseconds kShortageTick{50};
constexpr std::chrono::seconds kNewcomersWait{3};
// Allocators and the kernel take more than what is accounted, so a crowd is
// measured again before it has filled this part of what was left.
constexpr std::uint64_t kPartOfTheRest = 4;
constexpr std::uint64_t kShortPercent = 85;
constexpr std::uint64_t kReliefPercent = 80;
constexpr std::uint64_t kCriticalPercent = 90;

std::uint64_t percentOf(std::uint64_t limit, std::uint64_t percent) {
  return limit / 100 * percent;
}

}  // namespace

void MemoryState::setLimit(std::uint64_t configured, std::uint32_t workers) {
  const std::lock_guard lock(mutex_);
  meter_ = std::make_unique<MemoryMeter>(configured);
  workers_.store(std::max(workers, 1U), std::memory_order_relaxed);
  limit_.store(0, std::memory_order_relaxed);
  measured_at_.store(0, std::memory_order_relaxed);
  limited_.store(meter_->limited(), std::memory_order_relaxed);
}

void MemoryState::measure(TimePoint now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || !meter_) {
    return;  // another worker is at it
  }
  const MemoryUse use = meter_->measure();
  used_.store(use.used, std::memory_order_relaxed);
  limit_.store(use.limit, std::memory_order_relaxed);
  measured_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  measured_.fetch_add(1, std::memory_order_release);
}

MemoryGuard::MemoryGuard(EventLoop& loop, MemoryState& state, std::function<void()> shed,
                         std::function<void()> on_relief)
    : loop_(loop), state_(state), shed_(std::move(shed)), on_relief_(std::move(on_relief)), tick_(loop, [this] {
        onTick();
      }) {}

MemoryUse MemoryGuard::use() const noexcept {
  return {.used = state_.used_.load(std::memory_order_relaxed), .limit = state_.limit_.load(std::memory_order_relaxed)};
}

// What was measured, and what has come since: the other workers' share is not
// looked at but taken to be like ours.
std::uint64_t MemoryGuard::estimate() noexcept {
  const std::uint64_t measured = state_.measured_.load(std::memory_order_acquire);
  if (measured != measured_) {
    measured_ = measured;
    buffered_when_measured_ = buffered_;
  }
  const std::int64_t grown = std::max<std::int64_t>(0, buffered_ - buffered_when_measured_);
  return state_.used_.load(std::memory_order_relaxed) +
         static_cast<std::uint64_t>(grown) * state_.workers_.load(std::memory_order_relaxed);
}

bool MemoryGuard::isShort() {
  if (!state_.limited()) {
    return false;
  }
  if (isDue()) {
    state_.measure(loop_.turnTime());
  }
  const std::uint64_t limit = state_.limit_.load(std::memory_order_relaxed);
  if (limit != 0 && !short_ && estimate() > percentOf(limit, kShortPercent)) {
    short_ = true;
    tick_.arm(kShortageTick);
  }
  return limit != 0 && short_;  // relief is the tick's to say
}

bool MemoryGuard::isDue() noexcept {
  const TimePoint::rep measured_at = state_.measured_at_.load(std::memory_order_relaxed);
  const auto age = loop_.turnTime() - TimePoint(TimePoint::duration(measured_at));
  if (measured_at == 0 || age >= kMeasureEvery) {
    return true;
  }
  const std::uint64_t used = state_.used_.load(std::memory_order_relaxed);
  const std::uint64_t limit = state_.limit_.load(std::memory_order_relaxed);
  const std::uint64_t now = estimate();
  return (now > used && now - used > (limit > used ? limit - used : 0) / kPartOfTheRest) ||
         (now > percentOf(limit, kShortPercent) && age >= kMeasureWhenTight);
}

bool MemoryGuard::isCritical() {
  return isShort() && estimate() > percentOf(state_.limit_.load(std::memory_order_relaxed), kCriticalPercent);
}

bool MemoryGuard::holdsNewcomers() {
  if (!isCritical()) {
    return false;
  }
  if (critical_since_ == TimePoint{}) {
    critical_since_ = loop_.turnTime();
  }
  return loop_.turnTime() - critical_since_ < kNewcomersWait;
}

void MemoryGuard::onTick() {
  returnFreeMemory();
  state_.measure(EventLoop::now());
  if (!isCritical()) {
    critical_since_ = {};
  }
  const std::uint64_t limit = state_.limit_.load(std::memory_order_relaxed);
  if (limit == 0 || estimate() <= percentOf(limit, kReliefPercent)) {
    short_ = false;
    on_relief_();
    return;
  }
  shed_();
  tick_.arm(kShortageTick);
}

}  // namespace gatewhy
