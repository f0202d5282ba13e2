// SPDX-License-Identifier: Apache-2.0
// Keeps the process below its memory limit: above 85 % of it new requests are
// refused, idle clients and heads that do not end go and bodies are no longer
// read, until it is below 80 %. Above 90 % newcomers wait to be accepted, where
// that lasts they are not heard, and heads are no longer read. Measured ten times a second while there is traffic, more
// often the nearer the limit is; in between, bytes that connections have buffered are added.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "proxy/exchange/memory_meter.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// What all workers know. Any thread.
class MemoryState {
 public:
  // On start and reload. `workers` share what is left.
  void setLimit(std::uint64_t configured, std::uint32_t workers);
  [[nodiscard]] bool limited() const noexcept { return limited_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryGuard;
  void measure(TimePoint now);

  std::mutex mutex_;  // of the meter; whoever finds it taken does without
  std::unique_ptr<MemoryMeter> meter_;
  std::atomic<bool> limited_{false};
  std::atomic<std::uint32_t> workers_{1};
  std::atomic<std::uint64_t> used_{0}, limit_{0}, measured_{0};  // bytes, bytes, how often
  std::atomic<TimePoint::rep> measured_at_{0};
};

// One worker's; its thread only.
class MemoryGuard {
 public:
  // `on_relief`: what was held back may go on. `shed`: has some clients that
  // nobody waits for close; called every 50 ms while memory is short.
  MemoryGuard(EventLoop& loop, MemoryState& state, std::function<void()> shed, std::function<void()> on_relief);

  // Bytes that a connection buffers more or, negative, less than before.
  void account(std::int64_t change) noexcept { buffered_ += change; }
  [[nodiscard]] std::int64_t buffered() const noexcept { return buffered_; }
  // Nearly used up: no more is to be begun. A load and a comparison, unless it
  // is time to measure.
  [[nodiscard]] bool isShort();
  // So nearly that a refusal would cost too much.
  [[nodiscard]] bool isCritical();
  // Whether newcomers had better wait in the kernel's queue, whose bytes are
  // not ours. False where it has been critical for longer than they would wait.
  [[nodiscard]] bool holdsNewcomers();
  [[nodiscard]] MemoryUse use() const noexcept;

 private:
  [[nodiscard]] std::uint64_t estimate() noexcept;
  // Whether to measure: what is known is old, or much has come since.
  [[nodiscard]] bool isDue() noexcept;
  void onTick();

  EventLoop& loop_;
  MemoryState& state_;
  std::function<void()> shed_, on_relief_;
  std::int64_t buffered_ = 0, buffered_when_measured_ = 0;
  std::uint64_t measured_ = 0;
  bool short_ = false;
  TimePoint critical_since_{};  // seen so at each tick; TimePoint{} = it is not
  Deadline tick_;
};

}  // namespace gatewhy
