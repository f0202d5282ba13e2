// SPDX-License-Identifier: Apache-2.0
// How many streams a connection of HTTP/2 has to give.
#include "proxy/origin/h2_stream_room.h"

#include <gtest/gtest.h>

namespace gatewhy::test::h2_stream_room {
namespace {

constexpr std::uint32_t kMost = 10;

class H2StreamRoomTest : public testing::Test {
 protected:
  [[nodiscard]] std::uint32_t left() const { return room_.left(kMost, 0, 0); }
  void waitFor(std::chrono::milliseconds time) {
    bool over = false;
    Deadline deadline(loop_, [&over] { over = true; });
    deadline.arm(time);
    while (!over) {
      loop_.turn();
    }
  }

  EventLoop loop_;
  int changes_ = 0;
  H2StreamRoom room_{loop_, [this] { ++changes_; }};
};

TEST_F(H2StreamRoomTest, WhatIsOpenAndWhatIsYetToBeOpenedTakeTheSameRoom) {
  EXPECT_EQ(room_.left(kMost, 0, 0), kMost);
  EXPECT_EQ(room_.left(kMost, 3, 4), 6U) << "one of four has no stream yet";
  EXPECT_EQ(room_.left(kMost, 4, 3), 6U) << "one of four streams is nobody's any more";
  EXPECT_EQ(room_.left(kMost, 10, 10), 0U);
}

// A later SETTINGS may allow fewer than there are.
TEST_F(H2StreamRoomTest, ALimitBelowWhatIsOpenLeavesNone) {
  EXPECT_EQ(room_.left(2, 3, 3), 0U);
  EXPECT_EQ(room_.left(0, 0, 0), 0U);
}

TEST_F(H2StreamRoomTest, ASecondRefusalInARowIsAPause) {
  room_.onRefused();
  EXPECT_EQ(left(), kMost);
  EXPECT_EQ(changes_, 0);
  const TimePoint refused = EventLoop::now();
  room_.onRefused();
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(changes_, 1);
  while (changes_ == 1) {
    loop_.turn();
  }
  EXPECT_GE(EventLoop::now() - refused, H2StreamRoom::kPause);
  EXPECT_EQ(left(), kMost);
}

TEST_F(H2StreamRoomTest, AnAnswerBetweenThemIsNone) {
  room_.onRefused();
  room_.onAnswered();
  room_.onRefused();
  EXPECT_EQ(left(), kMost);
  EXPECT_EQ(changes_, 0);
}

TEST_F(H2StreamRoomTest, AnAnswerDoesNotEndAPause) {
  room_.onRefused();
  room_.onRefused();
  room_.onAnswered();
  EXPECT_EQ(left(), 0U);
}

TEST_F(H2StreamRoomTest, ARefusalBehindAPauseBeginsAnotherOne) {
  room_.onRefused();
  room_.onRefused();
  while (left() == 0) {
    loop_.turn();
  }
  room_.onRefused();
  EXPECT_EQ(left(), 0U);
}

TEST_F(H2StreamRoomTest, ARefusalInAPauseBeginsItAnew) {
  room_.onRefused();
  room_.onRefused();
  waitFor(H2StreamRoom::kPause / 2);
  const TimePoint refused = EventLoop::now();
  room_.onRefused();
  while (left() == 0) {
    loop_.turn();
  }
  EXPECT_GE(EventLoop::now() - refused, H2StreamRoom::kPause);
}

TEST_F(H2StreamRoomTest, NothingIsToldOnceItIsStopped) {
  room_.onRefused();
  room_.onRefused();
  room_.stop();
  waitFor(2 * H2StreamRoom::kPause);
  EXPECT_EQ(changes_, 1);
}

}  // namespace
}  // namespace gatewhy::test::h2_stream_room
