// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/progress_clock.h"

#include <gtest/gtest.h>

#include <functional>

namespace gatewhy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = ProgressClock::Verdict;

constexpr ProgressLimits kDefault{.idle = seconds(30), .minimum_rate = 16};

// Plays the timer: looks whenever the clock asks for it, at a counter that is
// a function of time, until it is satisfied no more or `most` has passed.
struct PacedRun {
  explicit PacedRun(const ProgressLimits& limits, std::optional<std::uint64_t> moved = std::nullopt) {
    clock.resume(now(), limits, moved);
  }
  ProgressClock::Look until(milliseconds most, const std::function<std::uint64_t(milliseconds)>& moved) {
    ProgressClock::Look look;
    while (at < most && look.verdict == Verdict::Rearm) {
      at += clock.interval();
      look = clock.look(now(), moved(at));
    }
    return look;
  }
  [[nodiscard]] TimePoint now() const { return TimePoint(seconds(1000)) + at; }
  ProgressClock clock;
  milliseconds at{0};
};

std::uint64_t bytesAt(milliseconds at, std::uint64_t per_second) {
  return static_cast<std::uint64_t>(at.count()) * per_second / 1000;
}

TEST(ProgressClock, SilenceIsLetGoAtItsLimitAndNotMuchLater) {
  for (const milliseconds limit : {milliseconds(1), milliseconds(500), milliseconds(30000), milliseconds(300000)}) {
    for (const auto known : {std::optional<std::uint64_t>(7), std::optional<std::uint64_t>()}) {
      PacedRun run({.idle = limit, .minimum_rate = 16}, known);
      const auto look = run.until(2 * limit + seconds(10), [](milliseconds) { return 7; });
      EXPECT_EQ(look.verdict, Verdict::Stalled);
      EXPECT_GE(run.at, limit);
      EXPECT_LE(run.at, limit + seconds(5));
      EXPECT_GE(look.elapsed_ms, static_cast<double>(limit.count()));
    }
  }
}

// A body's first bytes may come just before the clock starts or just after its
// first look: what is told of the silence behind them is the same.
TEST(ProgressClock, FewBytesAndThenNothingAreSilence) {
  for (const milliseconds limit : {milliseconds(300), milliseconds(30000)}) {
    for (const int first_looks : {0, 1}) {
      PacedRun run({.idle = limit, .minimum_rate = 16}, 0);
      const milliseconds came = first_looks * run.clock.interval();
      const auto look = run.until(2 * limit + seconds(10), [&](milliseconds at) { return at >= came ? 4U : 0U; });
      EXPECT_EQ(look.verdict, Verdict::Stalled) << limit.count() << " ms, looks before the bytes: " << first_looks;
      EXPECT_LE(run.at, limit + seconds(5));
    }
  }
}

TEST(ProgressClock, SteadyReadersOfAnyPaceStay) {
  for (const std::uint64_t pace : {100U, 2000U, 10000U, 64000U, 1000000000U}) {
    PacedRun run(kDefault);
    EXPECT_EQ(run.until(seconds(600), [&](milliseconds at) { return bytesAt(at, pace); }).verdict, Verdict::Rearm)
        << pace;
  }
}

// TCP tells of a window in jumps: bytes come in lumps with nothing between.
TEST(ProgressClock, LumpsWithPausesBelowTheLimitStay) {
  for (const seconds lump : {seconds(5), seconds(27), seconds(32)}) {
    PacedRun run(kDefault);
    const auto moved = [&](milliseconds at) { return static_cast<std::uint64_t>(at / lump) * 65536; };
    EXPECT_EQ(run.until(seconds(600), moved).verdict, Verdict::Rearm) << lump.count();
  }
}

TEST(ProgressClock, APauseOfThirteenSecondsStays) {
  PacedRun run(kDefault, 0);
  EXPECT_EQ(run.until(seconds(40), [](milliseconds at) { return at < seconds(13) ? 1000U : 2000000U; }).verdict,
            Verdict::Rearm);
}

TEST(ProgressClock, AByteASecondIsTooSlow) {
  PacedRun run(kDefault, 0);
  const auto look = run.until(seconds(600), [](milliseconds at) { return bytesAt(at, 1); });
  EXPECT_EQ(look.verdict, Verdict::TooSlow);
  EXPECT_GE(run.at, seconds(30));
  EXPECT_LE(run.at, seconds(35));
  EXPECT_LT(look.moved, 40U);
  EXPECT_GE(look.due, 480U);
  EXPECT_GE(look.elapsed_ms, 30000);
}

TEST(ProgressClock, WhoWasFastOnceIsNotExcusedForLong) {
  PacedRun run(kDefault, 0);
  const auto look = run.until(seconds(600), [](milliseconds at) {
    return at < seconds(60) ? bytesAt(at, 1000000) : 60000000 + bytesAt(at, 1);
  });
  EXPECT_EQ(look.verdict, Verdict::TooSlow);
  EXPECT_GE(run.at, seconds(89));
  EXPECT_LE(run.at, seconds(95));
}

TEST(ProgressClock, SmallUploadsEveryTwoSecondsStay) {
  PacedRun run(kDefault, 0);
  EXPECT_EQ(run.until(seconds(300), [](milliseconds at) { return at / seconds(2) * 100; }).verdict, Verdict::Rearm);
}

TEST(ProgressClock, NoMinimumRateNoSlowness) {
  PacedRun run({.idle = seconds(30), .minimum_rate = 0}, 0);
  EXPECT_EQ(run.until(seconds(300), [](milliseconds at) { return bytesAt(at, 1); }).verdict, Verdict::Rearm);
}

// The other side was waited for in between: neither limit counts that time.
TEST(ProgressClock, PausesAreNotThePeersFault) {
  PacedRun run(kDefault, 0);
  for (int round = 0; round < 20; ++round) {
    const auto seconds_waited = run.at + seconds(10);
    EXPECT_EQ(run.until(seconds_waited, [&](milliseconds) { return round * 1000U; }).verdict, Verdict::Rearm) << round;
    run.clock.pause(run.now());
    EXPECT_FALSE(run.clock.running());
    run.at += seconds(60);
    run.clock.resume(run.now(), kDefault, std::nullopt);
  }
}

TEST(ProgressClock, PausesDoNotHideSlowness) {
  PacedRun run(kDefault, 0);
  ProgressClock::Look look;
  int rounds = 0;
  while (look.verdict == Verdict::Rearm && rounds < 100) {
    ++rounds;
    look = run.until(run.at + seconds(10), [&](milliseconds) { return static_cast<std::uint64_t>(rounds); });
    run.clock.pause(run.now());
    run.at += seconds(10);
    run.clock.resume(run.now(), kDefault, std::nullopt);
  }
  EXPECT_EQ(look.verdict, Verdict::TooSlow);
  EXPECT_LE(rounds, 5);
}

TEST(ProgressClock, OffAsksForNoLook) {
  ProgressClock clock;
  clock.resume(TimePoint(seconds(1)), {}, 0);
  EXPECT_EQ(clock.interval(), milliseconds(0));
}

}  // namespace
}  // namespace gatewhy
