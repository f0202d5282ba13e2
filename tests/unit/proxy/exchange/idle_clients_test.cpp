// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/idle_clients.h"

#include <gtest/gtest.h>

#include <string>

namespace gatewhy {
namespace {

class Named final : public IdleClient {
 public:
  Named(std::string name, std::string& gone) : name_(std::move(name)), gone_(gone) {}
  bool giveWay() override {
    if (spoke) {
      return false;
    }
    gone_ += name_;
    return true;
  }
  using IdleClient::idle;
  bool spoke = false;

 private:
  std::string name_;
  std::string& gone_;
};

class IdleClientsTest : public ::testing::Test {
 protected:
  TimePoint at(int ms) { return begin_ + std::chrono::milliseconds(ms); }
  TimePoint begin_ = EventLoop::now();
  EventLoop here_, there_;
  IdleEverywhere everywhere_;
  IdleClients& mine_ = everywhere_.enrol(here_);
  IdleClients& others_ = everywhere_.enrol(there_);
  std::string gone_;
  Named a_{"a", gone_}, b_{"b", gone_}, c_{"c", gone_};
};

TEST_F(IdleClientsTest, TheLongestIdleGivesWay) {
  mine_.add(a_, at(0));
  mine_.add(b_, at(1));
  mine_.add(c_, at(2));
  mine_.remove(a_);
  mine_.add(a_, at(3));
  while (mine_.giveWay()) {
  }
  EXPECT_EQ("bca", gone_);
  EXPECT_EQ(TimePoint::max(), mine_.longestSince());
  EXPECT_FALSE(a_.idle());
}

TEST_F(IdleClientsTest, WhoHasSpokenStays) {
  a_.spoke = true;
  mine_.add(a_, at(0));
  mine_.add(b_, at(1));
  EXPECT_EQ(IdleEverywhere::Room::Here, everywhere_.makeRoom(mine_));
  EXPECT_EQ("b", gone_);
  EXPECT_EQ(0U, mine_.size());
}

TEST_F(IdleClientsTest, OtherWorkersAreAsked) {
  EXPECT_EQ(IdleEverywhere::Room::None, everywhere_.makeRoom(mine_));
  mine_.add(a_, at(5));
  others_.add(b_, at(1));
  EXPECT_EQ(IdleEverywhere::Room::Elsewhere, everywhere_.makeRoom(mine_));
  EXPECT_EQ("", gone_);
  there_.post([this] { there_.stop(); });
  there_.run();
  EXPECT_EQ("b", gone_);
  EXPECT_EQ(IdleEverywhere::Room::Here, everywhere_.makeRoom(mine_));
  EXPECT_EQ("ba", gone_);
}

// Two of them, before the other worker gets to it: it has one that was idle
// longer than ours, and one that was not.
TEST_F(IdleClientsTest, WhoIsAskedTwiceGivesTheLongestIdleOfAll) {
  others_.add(a_, at(1));
  mine_.add(b_, at(5));
  others_.add(c_, at(9));
  EXPECT_EQ(IdleEverywhere::Room::Elsewhere, everywhere_.makeRoom(mine_));
  EXPECT_EQ(IdleEverywhere::Room::Elsewhere, everywhere_.makeRoom(mine_));
  for (EventLoop* loop : {&there_, &here_}) {
    loop->post([loop] { loop->stop(); });
    loop->run();
  }
  EXPECT_EQ("ab", gone_);
}

// Who has just come does not give way to itself, others do.
TEST_F(IdleClientsTest, TheNewestIsSpared) {
  mine_.add(b_, at(1));
  EXPECT_EQ(IdleEverywhere::Room::None, everywhere_.makeRoomForNewest(mine_));
  others_.add(a_, at(0));
  EXPECT_EQ(IdleEverywhere::Room::Elsewhere, everywhere_.makeRoomForNewest(mine_));
  mine_.add(c_, at(2));
  others_.remove(a_);
  EXPECT_EQ(IdleEverywhere::Room::Here, everywhere_.makeRoomForNewest(mine_));
  EXPECT_EQ("b", gone_);
}

TEST_F(IdleClientsTest, LeavesWhenDestroyed) {
  {
    Named gone("x", gone_);
    mine_.add(gone, at(0));
    mine_.add(a_, at(1));
  }
  EXPECT_EQ(at(1), mine_.longestSince());
}

}  // namespace
}  // namespace gatewhy
