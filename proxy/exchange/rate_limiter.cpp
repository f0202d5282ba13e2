// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/rate_limiter.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <random>

namespace gatewhy {
namespace {

// The finaliser of MurmurHash3: every bit of the key moves every bit of the set.
std::uint64_t mixed(std::uint64_t value) noexcept {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

std::uint64_t randomSeed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

std::uint32_t burstOf(const RateLimitConfig& config) {
  return config.burst == 0 ? config.requests : config.burst;
}

}  // namespace

RateLimiter::RateLimiter(const RateLimitConfig& config)
    : config_(config),
      began_(EventLoop::now()),
      interval_(std::max<std::int64_t>(1, std::chrono::nanoseconds(config.per).count() / config.requests)),
      seed_(randomSeed()) {
  // A century is enough of a wait, and far from the end of the type.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
  const std::int64_t more = burstOf(config) - 1;
  tolerance_ = more > kMost / interval_ ? kMost : more * interval_;
  const std::uint64_t keys = config.key == RateLimitKey::Route ? kWays : config.max_keys;
  slots_.resize(std::bit_ceil(std::max<std::uint64_t>(keys, kWays)));
}

std::uint64_t RateLimiter::keyOf(const std::array<std::uint8_t, 16>& address) noexcept {
  const auto bigEndian = [&](std::size_t from, std::size_t to) {
    std::uint64_t value = 0;
    for (std::size_t i = from; i < to; ++i) {
      value = (value << 8) | address[i];
    }
    return value;
  };
  constexpr std::uint64_t kMapped = 0xffffULL << 32;  // as a prefix it would be 0:ffff::/32, which nobody has
  const bool v4 = bigEndian(0, 8) == 0 && bigEndian(8, 12) == 0xffff;
  return v4 ? kMapped | bigEndian(12, 16) : bigEndian(0, 8);
}

std::size_t RateLimiter::setOf(std::uint64_t key) const noexcept {
  return static_cast<std::size_t>(mixed(key ^ seed_)) & (slots_.size() / kWays - 1);
}

std::optional<std::chrono::nanoseconds> RateLimiter::take(std::uint64_t key, TimePoint now) {
  return judge(key, now, true);
}

std::optional<std::chrono::nanoseconds> RateLimiter::wait(std::uint64_t key, TimePoint now) {
  return judge(key, now, false);
}

std::optional<std::chrono::nanoseconds> RateLimiter::judge(std::uint64_t key, TimePoint now, bool takes) {
  const std::int64_t at = std::max<std::int64_t>(0, std::chrono::nanoseconds(now - began_).count());
  const std::size_t set = setOf(key);
  const std::lock_guard lock(shards_[set % kShards].mutex);
  Slot* const first = &slots_[set * kWays];
  Slot* slot = std::find_if(first, first + kWays, [key](const Slot& s) { return s.key == key && s.full_at != 0; });
  std::int64_t full_at = at;
  if (slot != first + kWays) {
    full_at = std::max(slot->full_at, at);
  } else {
    slot = std::min_element(first, first + kWays, [](const Slot& a, const Slot& b) { return a.full_at < b.full_at; });
  }
  if (full_at - at > tolerance_) {
    return std::chrono::nanoseconds(full_at - at - tolerance_);
  }
  if (takes) {
    *slot = Slot{.key = key, .full_at = full_at + interval_};
  }
  return std::nullopt;
}

}  // namespace gatewhy
