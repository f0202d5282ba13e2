// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_stream_log.h"

#include <gtest/gtest.h>

namespace gatewhy::test {
namespace {

constexpr auto kNone = std::nullopt;
using LogFault = H2StreamLog::Fault;

class H2StreamLogTest : public ::testing::Test {
 protected:
  std::optional<LogFault> headers(H2StreamId id, bool ends = false) {
    return log.onFrame({.type = H2FrameType::Headers, .flags = flag(ends), .stream = id});
  }
  std::optional<LogFault> data(H2StreamId id, bool ends = false) {
    return log.onFrame({.type = H2FrameType::Data, .flags = flag(ends), .stream = id});
  }
  std::optional<LogFault> reset(H2StreamId id) { return log.onFrame({.type = H2FrameType::RstStream, .stream = id}); }

  static std::uint8_t flag(bool ends) { return static_cast<std::uint8_t>(ends ? kH2EndStream : 0); }

  H2StreamLog log;
};

TEST_F(H2StreamLogTest, AMessageEndsOnce) {
  EXPECT_EQ(headers(1), kNone);
  EXPECT_EQ(data(1), kNone);
  EXPECT_EQ(headers(1, true), kNone);
  EXPECT_EQ(data(1), LogFault::Closed);
  EXPECT_EQ(headers(1), LogFault::Closed);
  EXPECT_EQ(reset(1), kNone);
}

TEST_F(H2StreamLogTest, AResetEndsToo) {
  EXPECT_EQ(headers(1), kNone);
  EXPECT_EQ(reset(1), kNone);
  EXPECT_EQ(reset(1), kNone);
  EXPECT_EQ(data(1), LogFault::Closed);
}

TEST_F(H2StreamLogTest, StreamsAreOpenedUpwards) {
  EXPECT_EQ(headers(5, true), kNone);
  EXPECT_EQ(headers(3), LogFault::Backwards);
  EXPECT_EQ(headers(7), kNone);
  EXPECT_EQ(data(5), LogFault::Closed);
  EXPECT_EQ(data(7), kNone);
}

TEST_F(H2StreamLogTest, OthersAreNotJudged) {
  EXPECT_EQ(headers(2), kNone);
  EXPECT_EQ(data(0), kNone);
  EXPECT_EQ(data(9), kNone);
  EXPECT_EQ(log.onFrame({.type = H2FrameType::WindowUpdate, .stream = 1}), kNone);
}

TEST_F(H2StreamLogTest, TheLatestAreRemembered) {
  for (H2StreamId id = 1; id < 4000; id += 2) {
    EXPECT_EQ(headers(id, true), kNone);
    EXPECT_EQ(data(id), LogFault::Closed);
  }
  EXPECT_EQ(data(3999 - 2 * 255), LogFault::Closed);
  EXPECT_EQ(data(3999 - 2 * 256), kNone);
}

TEST_F(H2StreamLogTest, SkippedOnesWereNotOpened) {
  EXPECT_EQ(headers(1, true), kNone);
  EXPECT_EQ(headers(511), kNone);
  EXPECT_EQ(headers(1, true), LogFault::Closed);
  EXPECT_EQ(headers(3), LogFault::Backwards);
  EXPECT_EQ(headers(2001), kNone);
  EXPECT_EQ(headers(1999), LogFault::Backwards);
  EXPECT_EQ(headers(1), kNone);  // forgotten
}

TEST_F(H2StreamLogTest, TheHighestIsAStreamToo) {
  constexpr H2StreamId kHighest = 0x7fffffff;
  EXPECT_EQ(headers(kHighest - 2), kNone);
  EXPECT_EQ(headers(kHighest, true), kNone);
  EXPECT_EQ(data(kHighest), LogFault::Closed);
  EXPECT_EQ(data(kHighest - 2), kNone);
}

}  // namespace
}  // namespace gatewhy::test
