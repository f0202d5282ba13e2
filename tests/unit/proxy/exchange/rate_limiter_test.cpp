// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "proxy/net/address.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RateLimitConfig limit(std::uint32_t requests, Millis per, std::uint32_t burst) {
  return {.requests = requests, .per = per, .burst = burst};
}

std::uint64_t keyOf(const char* ip) {
  return RateLimiter::keyOf(Address::fromIp(ip, 0)->bytes());
}

TEST(RateLimiter, PassesABurstThenTheRate) {
  RateLimiter limiter(limit(10, Millis(1000), 3));
  const TimePoint start = EventLoop::now();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limiter.take(1, start)) << i;
  }
  EXPECT_EQ(limiter.take(1, start), milliseconds(100));
  EXPECT_EQ(limiter.take(1, start + milliseconds(99)), milliseconds(1)) << "what is refused does not count";
  EXPECT_FALSE(limiter.take(1, start + milliseconds(100)));
  EXPECT_EQ(limiter.take(1, start + milliseconds(100)), milliseconds(100));
  const TimePoint rested = start + seconds(100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limiter.take(1, rested)) << "rest fills the bucket, and no more than that";
  }
  EXPECT_TRUE(limiter.take(1, rested));
}

TEST(RateLimiter, BurstDefaultsToTheRequests) {
  RateLimiter limiter(limit(5, Millis(60000), 0));
  const TimePoint start = EventLoop::now();
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(limiter.take(1, start)) << i;
  }
  EXPECT_EQ(limiter.take(1, start), seconds(12));
}

TEST(RateLimiter, KeysAreCountedApart) {
  RateLimiter limiter(limit(1, Millis(1000), 1));
  const TimePoint start = EventLoop::now();
  for (std::uint64_t key = 0; key < 1000; ++key) {
    EXPECT_FALSE(limiter.take(key, start)) << key;
    EXPECT_TRUE(limiter.take(key, start)) << key;
  }
}

TEST(RateLimiter, LargestNumbersDoNotWrap) {
  RateLimiter limiter(limit(1, Millis(24 * 3'600'000), 1'000'000));
  const TimePoint start = EventLoop::now();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(limiter.take(1, start)) << i;
  }
  RateLimiter fast(limit(1'000'000, Millis(1), 1));
  EXPECT_FALSE(fast.take(1, start));
}

// A crowd larger than the table pushes out newcomers before the one that is
// over its limit.
TEST(RateLimiter, AFullTableForgetsWhoUsedLeast) {
  RateLimitConfig config = limit(100, Millis(1000), 100);
  config.max_keys = 64;
  RateLimiter limiter(config);
  const TimePoint start = EventLoop::now();
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(limiter.take(1, start));
  }
  for (std::uint64_t stranger = 100; stranger < 10'000; ++stranger) {
    EXPECT_FALSE(limiter.take(stranger, start));
  }
  EXPECT_TRUE(limiter.take(1, start)) << "its bucket is empty, theirs are nearly full";
}

TEST(RateLimiter, IsExactOverThreads) {
  RateLimiter limiter(limit(1000, Millis(3'600'000), 1000));
  const TimePoint start = EventLoop::now();
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        passed += limiter.take(7, start) ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(passed, 1000);
}

TEST(RateLimiter, KeyOfAnAddress) {
  EXPECT_EQ(keyOf("192.0.2.1"), keyOf("::ffff:192.0.2.1"));
  EXPECT_NE(keyOf("192.0.2.1"), keyOf("192.0.2.2"));
  EXPECT_EQ(keyOf("2001:db8:0:1::1"), keyOf("2001:db8:0:1:ffff::9"));
  EXPECT_NE(keyOf("2001:db8:0:1::1"), keyOf("2001:db8:0:2::1"));
}

}  // namespace
}  // namespace gatewhy
