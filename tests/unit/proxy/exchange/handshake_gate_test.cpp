// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/handshake_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>

namespace gatewhy {
namespace {

class Shaker final : public Handshake {
 public:
  explicit Shaker(EventLoop& loop) : loop_(loop) {}
  void onHandshakePlace() override {
    began = true;
    if (ends_loop) {
      loop_.stop();
    }
  }
  void onHandshakeOverdue() override {
    overdue = true;
    done();
  }
  void done() { leaveHandshakeGate(); }
  using Handshake::waitsForHandshake;
  bool began = false, overdue = false, ends_loop = false;

 private:
  EventLoop& loop_;
};

class HandshakeGateTest : public ::testing::Test {
 protected:
  Shaker& enter(std::optional<std::uint64_t> client) {
    Shaker& made = shakers_.emplace_back(loop_);
    gate_.enter(made, client);
    return made;
  }
  // Until this one has begun.
  void runUntilBegun(Shaker& shaker) {
    shaker.ends_loop = true;
    loop_.run();
    EXPECT_TRUE(shaker.began);
  }

  EventLoop loop_;
  HandshakeTotals totals_;
  ClientCensus census_;
  HandshakeGate gate_{loop_, totals_, census_};
  std::deque<Shaker> shakers_;
};

TEST_F(HandshakeGateTest, MoreThanTheLimitWait) {
  gate_.setLimits(2, 0);
  Shaker& first = enter(1);
  EXPECT_TRUE(first.began);
  EXPECT_TRUE(enter(2).began);
  Shaker& third = enter(3);
  EXPECT_FALSE(third.began);
  EXPECT_TRUE(third.waitsForHandshake());
  first.done();
  runUntilBegun(third);
  EXPECT_EQ(2U, totals_.running.load());
  EXPECT_EQ(0U, gate_.waiting());
}

TEST_F(HandshakeGateTest, OneClientsCrowdDoesNotHoldUpTheNext) {
  gate_.setLimits(4, 2);
  enter(1);
  enter(1);
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(enter(1).began);
  }
  EXPECT_TRUE(enter(2).began);
  EXPECT_TRUE(enter(std::nullopt).began);  // trusted: limited with all others only
  Shaker& waits = enter(3);
  EXPECT_FALSE(waits.began);
  shakers_[202].done();
  runUntilBegun(waits);
}

TEST_F(HandshakeGateTest, TheOverdueGiveWayToThoseThatWait) {
  gate_.setLimits(1, 0);
  Shaker& stalls = enter(1);
  Shaker& next = enter(2);
  runUntilBegun(next);
  EXPECT_TRUE(stalls.overdue);
  EXPECT_FALSE(next.overdue);
}

// Few addresses with many stalled handshakes each must not make others queue
// behind all that they have waiting.
TEST_F(HandshakeGateTest, WhoHoldsNoneGoesBeforeThoseThatHoldMany) {
  gate_.setLimits(4, 0);
  for (int i = 0; i < 100; ++i) {
    enter(i % 2);
  }
  Shaker& newcomer = enter(7);
  EXPECT_FALSE(newcomer.began);
  runUntilBegun(newcomer);
  // Not all that are late: one, for the one that waits.
  EXPECT_EQ(1, std::count_if(shakers_.begin(), shakers_.end(), [](const Shaker& shaker) { return shaker.overdue; }));
  EXPECT_EQ(96U, gate_.waiting());
}

TEST_F(HandshakeGateTest, OverdueOnesOfOthersStayWhereOnlyOneClientWaits) {
  gate_.setLimits(8, 1);
  Shaker& slow = enter(1);
  Shaker& crowd = enter(2);
  Shaker& more = enter(2);
  runUntilBegun(more);
  EXPECT_TRUE(crowd.overdue);
  EXPECT_FALSE(slow.overdue);
}

TEST_F(HandshakeGateTest, LeavingWhileWaitingTakesNoPlace) {
  gate_.setLimits(1, 0);
  Shaker& first = enter(1);
  enter(2).done();
  first.done();
  EXPECT_EQ(0U, totals_.running.load());
  EXPECT_TRUE(enter(3).began);
}

}  // namespace
}  // namespace gatewhy
