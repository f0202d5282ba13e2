// SPDX-License-Identifier: Apache-2.0
// How the end of a connection is judged that came before the response.
#include "proxy/origin/end_judge.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <cerrno>

namespace gatewhy::test::end_judge {
namespace {

using How = EndFault::How;
using Scene = EndJudge::Scene;

constexpr std::uint64_t kWritten = 100;

std::optional<TcpSnapshot> tcp(std::uint8_t state, std::uint64_t acked) {
  TcpSnapshot seen;
  seen.state = state;
  seen.bytes_acked = acked;
  return seen;
}

TEST(EndJudge, AResetSpeaksForItself) {
  EndJudge judge;
  const auto end = judge.judge({.how = How::Reset, .error = ECONNRESET}, {.written = kWritten});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->how, How::Reset);
  EXPECT_FALSE(end->on_write);
  EXPECT_EQ(judge.state(), EndJudge::State::Judged);
}

TEST(EndJudge, AFinBehindAnswersBytesOrOnAUsedConnectionIsAFin) {
  for (const Scene& scene :
       {Scene{.reused = true, .written = kWritten}, Scene{.answered = true, .written = kWritten}}) {
    EndJudge judge;
    const auto end = judge.judge({.how = How::Fin}, scene);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::Fin);
    EXPECT_FALSE(end->reset_after_fin);
  }
}

// The write took the socket's error with it: the read behind it says FIN.
TEST(EndJudge, WhatAWriteMetIsTheEndWhereNothingWasAnswered) {
  const EndFault reset{.how = How::Reset, .error = ECONNRESET};
  EndJudge judge;
  const auto end = judge.judge({.how = How::Fin}, {.broken = &reset, .written = kWritten});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->how, How::Reset);
  EXPECT_TRUE(end->on_write);
  EndJudge of_answered;
  EXPECT_FALSE(of_answered.judge({.how = How::Fin}, {.answered = true, .broken = &reset})->on_write);
}

TEST(EndJudge, ABrokenPipeComesBehindARealFin) {
  const EndFault pipe{.how = How::Error, .error = EPIPE};
  EndJudge judge;
  EXPECT_FALSE(judge.judge({.how = How::Fin}, {.broken = &pipe, .written = kWritten}));
  EXPECT_EQ(judge.state(), EndJudge::State::Settling);
  const EndFault end = judge.settle(tcp(TCP_CLOSE_WAIT, kWritten), true);
  EXPECT_EQ(end.how, How::Fin);
  EXPECT_TRUE(end.reset_after_fin) << "it had closed before our bytes came";
}

TEST(EndJudge, AFinWithoutAWordHangsOnWhetherTheRequestIsAcknowledged) {
  const auto settling = [](bool tls) {
    EndJudge judge;
    EXPECT_FALSE(judge.judge({.how = How::Fin}, {.tls = tls, .written = kWritten}));
    return judge;
  };
  EXPECT_TRUE(settling(false).resetMayFollow(tcp(TCP_CLOSE_WAIT, kWritten - 1)));
  EXPECT_FALSE(settling(false).resetMayFollow(tcp(TCP_CLOSE_WAIT, kWritten))) << "the peer has all of it";
  EXPECT_FALSE(settling(false).resetMayFollow(tcp(TCP_CLOSE, 0))) << "it has come";
  EXPECT_FALSE(settling(false).resetMayFollow(std::nullopt)) << "no TCP";
  EXPECT_FALSE(settling(true).resetMayFollow(tcp(TCP_CLOSE_WAIT, 0))) << "TLS wrote more than the request";
}

TEST(EndJudge, TheResetThatFollowedSaysThatThePeerHadClosedBefore) {
  for (const bool reset : {true, false}) {
    EndJudge judge;
    EXPECT_FALSE(judge.judge({.how = How::Fin}, {.written = kWritten}));
    const EndFault end = judge.settle(tcp(reset ? TCP_CLOSE : TCP_CLOSE_WAIT, kWritten), false);
    EXPECT_EQ(end.reset_after_fin, reset);
    EXPECT_EQ(judge.state(), EndJudge::State::Judged);
  }
}

}  // namespace
}  // namespace gatewhy::test::end_judge
