// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/client_clock.h"

#include <gtest/gtest.h>

#include <vector>

#include "proxy/client/leaving_watch.h"
#include "tests/edges/fake_kernel.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Wait = ClientClock::Wait;

struct ClientClockTest : testing::Test {
  void pass(seconds time) {
    kernel.passTime(time);
    // The kernel's clock stands still by itself: what is due is served in the turn.
    DeferredCall nothing(loop, [] {});
    nothing.schedule();
    loop.turn();
  }

  test::FakeKernel kernel;
  EventLoop loop;
  std::vector<Wait> late;
  ClientClock clock{loop, [this] { late.push_back(clock.awaits()); }};
};

TEST_F(ClientClockTest, SaysForWhatItWaitedInVain) {
  clock.await(Wait::Head, seconds(10));
  pass(seconds(9));
  EXPECT_TRUE(late.empty());
  EXPECT_EQ(clock.waitedMs(), 9000);
  pass(seconds(2));
  EXPECT_EQ(late, std::vector{Wait::Head});
}

TEST_F(ClientClockTest, WaitsForOneThingAtATime) {
  clock.await(Wait::Request, seconds(10));
  pass(seconds(9));
  clock.await(Wait::Head, seconds(10));
  pass(seconds(9));
  EXPECT_TRUE(late.empty());
  clock.stop();
  EXPECT_EQ(clock.awaits(), Wait::Nothing);
  pass(seconds(9));
  EXPECT_TRUE(late.empty());
}

TEST_F(ClientClockTest, ADeadlineCanStandForTheNextThing) {
  clock.await(Wait::Opening, seconds(10));
  pass(seconds(9));
  clock.awaitInstead(Wait::Request);
  pass(seconds(2));
  EXPECT_EQ(late, std::vector{Wait::Request});
}

TEST_F(ClientClockTest, ADrainShortensTheWait) {
  clock.await(Wait::Request, seconds(100));
  clock.limit(seconds(1));
  pass(seconds(2));
  EXPECT_EQ(late, std::vector{Wait::Request});
}

TEST_F(ClientClockTest, NoLimitIsNone) {
  clock.await(Wait::Request, milliseconds(0));
  pass(seconds(1000));
  EXPECT_TRUE(late.empty());
}

struct TransferClockTest : ClientClockTest {
  TransferClock transfer{loop, Timer::ClientBody, [this] { ++looks; }};
  int looks = 0;
};

TEST_F(TransferClockTest, NamesTheLimitThatWasExceeded) {
  transfer.watch(true, {.idle = seconds(10), .minimum_rate = 100}, 0);
  EXPECT_TRUE(transfer.running());
  pass(seconds(1));
  EXPECT_EQ(looks, 1);
  EXPECT_FALSE(transfer.look(1));
  pass(seconds(30));
  EXPECT_EQ(looks, 2);
  const auto silent = transfer.look(1);
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->timer, Timer::ClientBody);
  EXPECT_EQ(silent->limit_ms, 10'000U);
  const auto slow = transfer.look(2);
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->timer, Timer::ClientRate);
  EXPECT_EQ(slow->moved, 1U);
}

TEST_F(TransferClockTest, DoesNotLookWhileNobodyIsWaitedFor) {
  transfer.watch(true, {.idle = seconds(10)}, 0);
  transfer.stop();
  EXPECT_FALSE(transfer.running());
  pass(seconds(100));
  EXPECT_EQ(looks, 0);
}

struct LeavingWatchTest : ClientClockTest {
  LeavingWatch leaving{loop, [this] { ++looks; }};
  int looks = 0;
};

TEST_F(LeavingWatchTest, ProbesTwiceBeforeTheAnswer) {
  leaving.begin(false, 100);
  for (const int probes : {1, 2}) {
    pass(seconds(11));
    EXPECT_EQ(looks, probes);
    EXPECT_EQ(leaving.beforeAnswer(), LeavingWatch::Verdict::Probe);
  }
  pass(seconds(11));
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(leaving.beforeAnswer(), LeavingWatch::Verdict::Waits);
  pass(seconds(100));
  EXPECT_EQ(looks, 3);
}

TEST_F(LeavingWatchTest, SilenceInTheMiddleOfAnAnswerIsTakenForItsEnd) {
  leaving.begin(true, 100);
  pass(seconds(1));
  EXPECT_EQ(looks, 0);
  pass(seconds(5));
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(leaving.duringAnswer(100, false), LeavingWatch::Verdict::Left);
  EXPECT_EQ(leaving.duringAnswer(100, true), LeavingWatch::Verdict::Waits) << "it is the client's turn";
  EXPECT_EQ(leaving.duringAnswer(101, false), LeavingWatch::Verdict::Waits) << "a reset would have come";
}

TEST_F(LeavingWatchTest, WhoWasProbedIsThere) {
  leaving.begin(false, 100);
  EXPECT_EQ(leaving.beforeAnswer(), LeavingWatch::Verdict::Probe);
  EXPECT_EQ(leaving.duringAnswer(100, false), LeavingWatch::Verdict::Waits);
}

}  // namespace
}  // namespace gatewhy
