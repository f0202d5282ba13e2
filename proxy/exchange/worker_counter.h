// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

namespace gatewhy {

// A number over all workers of which each writes only its own part, on a cache
// line of its own: counting moves no line from core to core, and takes no
// locked instruction.
class WorkerCounter {
 public:
  class alignas(64) Part {
   public:
    // All but value(): its worker's thread only.
    void add() noexcept { value_.store(value() + 1, std::memory_order_relaxed); }
    void subtract() noexcept { value_.store(value() - 1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

   private:
    friend class WorkerCounter;
    std::atomic<std::uint32_t> value_{0};
  };

  // A worker's part; lives as long as the counter. Any thread.
  [[nodiscard]] Part& newPart() {
    const std::lock_guard lock(mutex_);
    return parts_.emplace_back();
  }
  // The sum. Any thread.
  [[nodiscard]] std::uint32_t load(std::memory_order order = std::memory_order_relaxed) const {
    const std::lock_guard lock(mutex_);
    std::uint32_t sum = 0;
    for (const Part& part : parts_) {
      sum += part.value_.load(order);
    }
    return sum;
  }
  operator std::uint32_t() const { return load(); }  // as a std::atomic reads

 private:
  mutable std::mutex mutex_;
  std::deque<Part> parts_;
};

}  // namespace gatewhy
