// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_flood_guard.h"

#include <gtest/gtest.h>

#include <chrono>

namespace gatewhy::test {
namespace {

using namespace std::chrono_literals;

H2FrameHead frame(H2FrameType type, std::uint32_t length = 4, std::uint8_t flags = 0) {
  return {.length = length, .type = type, .flags = flags, .stream = 1};
}

class H2FloodGuardTest : public ::testing::Test {
 protected:
  // So many frames within the second.
  H2FloodGuard::Verdict send(const H2FrameHead& each, int count, bool open = true) {
    H2FloodGuard::Verdict verdict;
    for (int sent = 0; sent < count && !verdict; ++sent) {
      verdict = guard.onFrame(each, open, now);
    }
    return verdict;
  }

  H2FloodGuard guard{H2FloodLimits{}};
  H2FloodGuard::Instant now{1h};
};

struct UselessRow {
  const char* what;
  H2FrameHead frame;
  bool open;
  H2Flood kind;
};

class H2UselessFrames : public H2FloodGuardTest, public ::testing::WithParamInterface<UselessRow> {};

TEST_P(H2UselessFrames, AreAFloodOverAHundredASecond) {
  EXPECT_FALSE(send(GetParam().frame, 100, GetParam().open));
  const auto verdict = send(GetParam().frame, 1, GetParam().open);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, GetParam().kind);
  EXPECT_EQ(verdict->count, 101U);
  EXPECT_EQ(verdict->limit, 100U);
}

TEST_P(H2UselessFrames, AreNoneAtAHundredASecond) {
  for (int second = 0; second < 100; ++second, now += 1s) {
    EXPECT_FALSE(send(GetParam().frame, 100, GetParam().open));
  }
}

TEST_P(H2UselessFrames, AreNoneBesideEnoughUsefulOnes) {
  for (int second = 0; second < 20; ++second, now += 1s) {
    for (int useful = 0; useful < 100; ++useful) {
      guard.onUseful(now);
      EXPECT_FALSE(send(GetParam().frame, 10, GetParam().open));
    }
  }
}

TEST_P(H2UselessFrames, AreAFloodBesideTooFewUsefulOnes) {
  bool ended = false;
  for (int useful = 0; useful < 1000 && !ended; ++useful) {
    guard.onUseful(now);
    ended = send(GetParam().frame, 11, GetParam().open).has_value();
  }
  EXPECT_TRUE(ended);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, H2UselessFrames,
    ::testing::Values(UselessRow{"settings", frame(H2FrameType::Settings), true, H2Flood::Settings},
                      UselessRow{"ping", frame(H2FrameType::Ping), true, H2Flood::Ping},
                      UselessRow{"priority", frame(H2FrameType::Priority), true, H2Flood::Priority},
                      UselessRow{"priority_update", frame(H2FrameType::PriorityUpdate), true, H2Flood::Priority},
                      UselessRow{"window_update", frame(H2FrameType::WindowUpdate), true, H2Flood::WindowUpdate},
                      UselessRow{"empty_data", frame(H2FrameType::Data, 0), true, H2Flood::EmptyData},
                      UselessRow{"reset", frame(H2FrameType::RstStream), false, H2Flood::Reset},
                      UselessRow{"unknown", frame(static_cast<H2FrameType>(0x2a)), true, H2Flood::UnknownFrame},
                      UselessRow{"push_promise", frame(H2FrameType::PushPromise), true, H2Flood::UnknownFrame},
                      UselessRow{"goaway", frame(H2FrameType::GoAway), true, H2Flood::GoAway}),
    [](const auto& row) { return row.param.what; });

TEST_F(H2FloodGuardTest, WhatServesIsNotCounted) {
  EXPECT_FALSE(send(frame(H2FrameType::Data, 100), 10000));
  EXPECT_FALSE(send(frame(H2FrameType::Data, 0, kH2EndStream), 10000));
  EXPECT_FALSE(send(frame(H2FrameType::Headers), 10000));
  EXPECT_FALSE(send(frame(H2FrameType::RstStream), 10000));  // of an open stream: judged by onEarlyReset()
}

TEST_F(H2FloodGuardTest, TheKindIsTheMostFrequent) {
  EXPECT_FALSE(send(frame(H2FrameType::Ping), 60));
  EXPECT_EQ(send(frame(H2FrameType::Settings), 100)->kind, H2Flood::Ping);
}

TEST_F(H2FloodGuardTest, PaddingAloneIsEmptyData) {
  H2FloodGuard::Verdict verdict;
  for (int each = 0; each < 101; ++each) {
    verdict = guard.onPadding(now);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::EmptyData);
}

TEST_F(H2FloodGuardTest, StreamsOverTheLimitAreAFlood) {
  H2FloodGuard::Verdict verdict;
  for (int each = 0; each < 101; ++each) {
    verdict = guard.onRefusedStream(now);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::Refused);
}

TEST_F(H2FloodGuardTest, AcknowledgementsMayComeASecondLater) {
  for (int useful = 0; useful < 100; ++useful) {
    guard.onUseful(now);
  }
  now += 1100ms;
  EXPECT_FALSE(send(frame(H2FrameType::WindowUpdate), 1000));
}

TEST_F(H2FloodGuardTest, AcknowledgementsOfNothingMayNot) {
  for (int useful = 0; useful < 100; ++useful) {
    guard.onUseful(now);
  }
  now += 2100ms;
  EXPECT_TRUE(send(frame(H2FrameType::WindowUpdate), 1000));
}

// grpc++ and grpc-js measure the bandwidth with a PING for each round trip in
// which data came: 100 MiB both ways, 1 ms away.
TEST_F(H2FloodGuardTest, GrpcMeasuresItsBandwidth) {
  for (int millisecond = 0; millisecond < 1000; ++millisecond, now += 1ms) {
    for (int data = 0; data < 6; ++data) {
      EXPECT_FALSE(send(frame(H2FrameType::Data, 16384), 1));
      guard.onUseful(now);
      EXPECT_FALSE(send(frame(H2FrameType::WindowUpdate), 2));
    }
    EXPECT_FALSE(send(frame(H2FrameType::Ping, 8), 1));
  }
}

// ---- resets ----------------------------------------------------------------

TEST_F(H2FloodGuardTest, ABrowserLeavesAPageWithAHundredImages) {
  guard.onStream(now);
  for (int image = 0; image < 100; ++image) {
    guard.onStream(now);
  }
  for (int image = 0; image < 100; ++image) {
    EXPECT_FALSE(guard.onEarlyReset(now));
  }
}

TEST_F(H2FloodGuardTest, RapidResetIsAFlood) {
  H2FloodGuard::Verdict verdict;
  int resets = 0;
  for (; !verdict && resets < 1000; ++resets, now += 10ms) {
    guard.onStream(now);
    verdict = guard.onEarlyReset(now);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::RapidReset);
  EXPECT_EQ(resets, 101);
}

TEST_F(H2FloodGuardTest, ResetsOfLessThanHalfAreFine) {
  for (int each = 0; each < 1000; ++each, now += 5ms) {
    guard.onStream(now);
    guard.onStream(now);
    guard.onStream(now);
    EXPECT_FALSE(guard.onEarlyReset(now));
  }
}

TEST_F(H2FloodGuardTest, SlowResetsAreFine) {
  for (int each = 0; each < 1000; ++each, now += 120ms) {
    guard.onStream(now);
    EXPECT_FALSE(guard.onEarlyReset(now));
  }
}

TEST_F(H2FloodGuardTest, ResetsThatAreProvokedCountAsTheClients) {
  H2FloodGuard::Verdict verdict;
  for (int each = 0; !verdict && each < 1000; ++each, now += 10ms) {
    guard.onStream(now);
    verdict = each % 3 == 0 ? guard.onEarlyReset(now) : guard.onProvokedReset(now);
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::ProvokedReset);
  EXPECT_EQ(verdict->count, 101U);
}

// ---- blocks of fields ------------------------------------------------------

TEST_F(H2FloodGuardTest, ABlockHasSoManyContinuations) {
  for (int block = 0; block < 20; ++block, now += 1s) {
    EXPECT_FALSE(send(frame(H2FrameType::Headers), 1));
    EXPECT_FALSE(send(frame(H2FrameType::Continuation), 8));
  }
  const auto verdict = send(frame(H2FrameType::Continuation), 1);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::Continuation);
}

TEST_F(H2FloodGuardTest, ABlockHasSoManyOctets) {
  EXPECT_FALSE(send(frame(H2FrameType::Headers, 16384), 1));
  EXPECT_FALSE(send(frame(H2FrameType::Continuation, 16384), 7));
  const auto verdict = send(frame(H2FrameType::Continuation, 1), 1);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, H2Flood::HeaderBlock);
  EXPECT_EQ(verdict->limit, 128U * 1024);
}

// ---- replies ---------------------------------------------------------------

TEST_F(H2FloodGuardTest, RepliesThatAreNotReadAreAFlood) {
  for (int each = 0; each < 1000; ++each) {
    EXPECT_FALSE(guard.onReply());
  }
  EXPECT_EQ(guard.onReply()->kind, H2Flood::Unread);
}

TEST_F(H2FloodGuardTest, RepliesThatAreReadAreForgotten) {
  for (int turn = 0; turn < 100; ++turn) {
    for (int each = 0; each < 500; ++each) {
      EXPECT_FALSE(guard.onReply());
    }
    guard.onSent();
  }
}

TEST_F(H2FloodGuardTest, EveryKindHasItsWords) {
  for (std::size_t kind = 0; kind < kH2Floods; ++kind) {
    EXPECT_FALSE(name(static_cast<H2Flood>(kind)).empty());
    EXPECT_FALSE(description(static_cast<H2Flood>(kind)).empty());
  }
}

}  // namespace
}  // namespace gatewhy::test
