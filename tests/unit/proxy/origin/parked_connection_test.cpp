// SPDX-License-Identifier: Apache-2.0
// What a parked connection makes of an edge: only reading tells whether
// something came.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy::test {
namespace {

class Asker final : public PoolWaiter {
 public:
  void onLease(Lease /*lease*/) override {}
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return none_; }

 private:
  std::vector<std::size_t> none_;
};

class ParkedConnection : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    origin_.reset(ends[1]);
    auto link = std::make_unique<Link>();
    link->transport = Transport(Fd(ends[0]));
    connection_ = std::make_unique<H1OriginConnection>(loop_, HeadLimits{}, std::move(link));
  }
  void say(std::string_view text) const {
    ASSERT_EQ(::send(origin_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // As the loop does: through the handler that the pool has set.
  IoHandler& park() { return parkIn(pool_); }
  // As after a request that left the connection in step.
  IoHandler& parkIn(OriginPool& pool) {
    IoHandler& handler = *connection_;
    Asker asker;
    PoolRefusal refusal{};
    auto lease = pool.request(asker, true, refusal);
    pool.adopt(*lease, std::move(connection_));
    return handler;
  }
  [[nodiscard]] std::size_t parked() const { return pool_.parked(0); }

  static OriginConfig config() {
    OriginConfig made;
    made.name = "origin";
    made.endpoints.emplace_back().url = "http://origin.test";
    return made;
  }

  EventLoop loop_;
  OriginConfig config_ = config();
  std::shared_ptr<OriginState> state_ = std::make_shared<OriginState>();
  OriginPool pool_{loop_, config_, {std::make_shared<EndpointState>()}, state_, [] {}};
  Fd origin_;
  std::unique_ptr<H1OriginConnection> connection_;
};

TEST_F(ParkedConnection, StaysWhereAnEdgeBringsNothing) {
  IoHandler& handler = park();
  handler.onIo(true, true);
  handler.onIo(false, true);
  EXPECT_EQ(parked(), 1U);
}

TEST_F(ParkedConnection, GoesWithBytesNobodyAskedFor) {
  IoHandler& handler = park();
  say("HTTP/1.1 408 Request Timeout\r\n\r\n");
  handler.onIo(true, false);
  EXPECT_EQ(parked(), 0U);
  EXPECT_EQ(state_->unsolicited.count(), 1U);
  const auto told = pool_.takeUnsolicited();
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->first);
  EXPECT_EQ(told->endpoint, "http://origin.test");
  EXPECT_EQ(told->excerpt, "HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_FALSE(pool_.takeUnsolicited()) << "told once";
  state_->unsolicited.note("http://origin.test", "again");
  EXPECT_FALSE(pool_.takeUnsolicited()->first);
}

TEST_F(ParkedConnection, GoesWithItsEnd) {
  IoHandler& handler = park();
  origin_.reset();
  handler.onIo(true, false);
  EXPECT_EQ(parked(), 0U);
  EXPECT_EQ(state_->unsolicited.count(), 0U) << "an end is not a word";
}

TEST_F(ParkedConnection, IsParkedWithAnEdgeThatBroughtNothing) {
  connection_->readable = true;
  park();
  EXPECT_EQ(parked(), 1U);
}

TEST_F(ParkedConnection, IsNotParkedWithBytesNobodyAskedFor) {
  connection_->readable = true;
  say("x");
  park();
  EXPECT_EQ(parked(), 0U);
}

// keep_alive.timeout: auto.
class LearningPool : public ParkedConnection {
 protected:
  void SetUp() override {
    ParkedConnection::SetUp();
    config_.keep_alive.learn = true;
  }
  OriginPool& learning() {
    return pool_of_it_ ? *pool_of_it_ : pool_of_it_.emplace(loop_, config_, std::vector{endpoint_}, state_, [] {});
  }
  IoHandler& parkThere() { return parkIn(learning()); }
  // Whether a request would get the parked connection.
  bool isUsed() {
    Asker asker;
    PoolRefusal refusal{};
    const auto lease = learning().request(asker, false, refusal);
    return lease && lease->connection() != nullptr;
  }
  // Until the time of the parked connection is over.
  void letItExpire() {
    Deadline later(loop_, [this] { loop_.stop(); });
    later.arm(2 * endpoint_->idleLesson().timeout(EventLoop::now()));
    loop_.run();
  }
  std::shared_ptr<EndpointState> endpoint_ = std::make_shared<EndpointState>();
  std::optional<OriginPool> pool_of_it_;
};

TEST_F(LearningPool, AClosingIsALesson) {
  IoHandler& handler = parkThere();
  origin_.reset();
  handler.onIo(true, false);
  EXPECT_EQ(learning().parked(0), 0U);
  const auto limit = endpoint_->idleLesson().limit(EventLoop::now());
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->source, IdleLesson::Source::Closed);
}

TEST_F(LearningPool, AYoungOneIsUsed) {
  parkThere();
  EXPECT_TRUE(isUsed());
}

TEST_F(LearningPool, OneThatHasPassedItsTimeIsWatchedAndNotUsed) {
  endpoint_->idleLesson().noteClosed(std::chrono::milliseconds(150), EventLoop::now());
  IoHandler& handler = parkThere();
  letItExpire();
  EXPECT_EQ(learning().parked(0), 1U) << "to see when the origin closes it";
  EXPECT_FALSE(isUsed());
  EXPECT_EQ(learning().parked(0), 1U);
  origin_.reset();
  handler.onIo(true, false);
  EXPECT_EQ(learning().parked(0), 0U);
}

TEST_F(LearningPool, OnlyOneIsWatched) {
  endpoint_->idleLesson().noteClosed(std::chrono::milliseconds(150), EventLoop::now());
  parkThere();
  const Fd first = std::move(origin_);
  ParkedConnection::SetUp();
  parkThere();
  EXPECT_EQ(learning().parked(0), 2U);
  letItExpire();
  EXPECT_EQ(learning().parked(0), 1U);
}

TEST_F(LearningPool, WhatWasParkedBeforeAShorterLimitWasKnownIsNotRisked) {
  parkThere();
  endpoint_->idleLesson().noteSaid("timeout=0");
  Deadline later(loop_, [this] { loop_.stop(); });
  later.arm(std::chrono::milliseconds(5));
  loop_.run();
  EXPECT_FALSE(isUsed());
}

}  // namespace
}  // namespace gatewhy::test
