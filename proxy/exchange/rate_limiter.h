// SPDX-License-Identifier: Apache-2.0
// A token bucket per key in bounded memory, by the generic cell rate algorithm
// (ITU-T I.371): of each key only the time is kept at which its bucket will be
// full again.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "config/config.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// Shared by all workers; any thread. A call holds one of 64 locks for the
// length of a look at eight slots.
class RateLimiter {
 public:
  explicit RateLimiter(const RateLimitConfig& config);

  // Takes a token of `key`: nullopt, or how long until there is one.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> take(std::uint64_t key, TimePoint now);

  // The same, and takes nothing.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> wait(std::uint64_t key, TimePoint now);

  [[nodiscard]] const RateLimitConfig& config() const { return config_; }

  // The key of a client (16 bytes, v4-mapped for IPv4). Of IPv6 the /64: one
  // subscriber has all of it.
  [[nodiscard]] static std::uint64_t keyOf(const std::array<std::uint8_t, 16>& address) noexcept;

 private:
  // A key lives in one of the slots of its set. What has to make room is the
  // slot whose bucket is full soonest: it has the least to forget.
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShards = 64;
  struct Slot {
    std::uint64_t key = 0;
    std::int64_t full_at = 0;  // ns since began_; 0 = never used
  };
  struct alignas(64) Shard {
    std::mutex mutex;
  };

  [[nodiscard]] std::optional<std::chrono::nanoseconds> judge(std::uint64_t key, TimePoint now, bool takes);
  [[nodiscard]] std::size_t setOf(std::uint64_t key) const noexcept;

  RateLimitConfig config_;
  TimePoint began_;
  std::int64_t interval_;   // ns for one token to come back
  std::int64_t tolerance_;  // how far ahead full_at may be for one more to pass
  std::uint64_t seed_;      // nobody outside can choose keys that share a set
  std::vector<Slot> slots_;
  std::array<Shard, kShards> shards_;
};

}  // namespace gatewhy
