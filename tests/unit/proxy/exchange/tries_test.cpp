// SPDX-License-Identifier: Apache-2.0
// The tries of one request: which may follow which, and what they tell.
#include "proxy/exchange/tries.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::tries {
namespace {

class TriesTest : public testing::Test, protected AttemptObserver {
 protected:
  TriesTest()
      : world_(", retry: {attempts: 1}"),
        request_(world_.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        record_(request_, client_, *world_.context.generation->shared, EventLoop::now()),
        forwarding_(request_, client_, *world_.context.generation->shared, record_),
        tries_(world_.context, *this, request_, client_, record_) {
    record_.route = &world_.config().routes.front();
  }
  void choose() {
    tries_.choose(*world_.context.generation, 0, world_.config().origins.front());
    forwarding_.choose(world_.config().origins.front(), world_.context.generation->shared->origins.front(),
                       world_.pool().health(), {});
  }
  // On a connection that was parked.
  FakeStream& start() {
    world_.park();
    static_cast<void>(tries_.next(forwarding_, nullptr, true));
    tries_.start();
    return world_.stream();
  }
  // As it is told to the exchange.
  [[nodiscard]] bool followed(bool repeatable) {
    EXPECT_TRUE(failure_) << "it has not failed";
    return tries_.followed(record_.diagnosed(*failure_), {}, repeatable);
  }
  static void breakOff(FakeStream& stream) {
    stream.setup.owner.onStreamFailed(Phase::ResponseHead, EndFault{.how = EndFault::How::Fin});
  }

  // AttemptObserver
  void onUploadReady() override {}
  void onResponseHead(const ResponseHead& /*head*/) override {}
  void onResponseData(std::string_view /*data*/) override {}
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override {}
  void onAttemptFailed(Observation seen, std::vector<AddressFailure> /*addresses*/) override {
    failure_ = std::move(seen);
  }

  FakeWorld world_;
  ClientFacts client_;
  const RequestHead& request_;
  ExchangeRecord record_;
  Forwarding forwarding_;
  std::optional<Observation> failure_;
  Tries tries_;
};

TEST_F(TriesTest, BeforeTheFirstThereIsNothingToTell) {
  EXPECT_EQ(tries_.current(), nullptr);
  EXPECT_FALSE(tries_.queued());
  EXPECT_FALSE(tries_.owesContinue());
  EXPECT_EQ(tries_.phase(), Phase::ClientRequest);
  Observation fault{.phase = Phase::ClientRequest, .fault = EndFault{.how = EndFault::How::Reset}};
  tries_.describe(fault, true);
  EXPECT_FALSE(fault.interrupted.has_value());
  const Observation late = tries_.late({.timer = Timer::Exchange});
  EXPECT_EQ(late.phase, Phase::Internal);
  EXPECT_EQ(std::get<TimerFault>(late.fault).longest_phase, Phase::Routing);
}

TEST_F(TriesTest, OneThatFoundItsConnectionClosedIsFollowedOnce) {
  choose();
  EXPECT_TRUE(tries_.mayFollow());
  breakOff(start());
  EXPECT_TRUE(followed(true));
  tries_.end();
  EXPECT_EQ(tries_.current(), nullptr);
  static_cast<void>(tries_.next(forwarding_, nullptr, true));
  tries_.start();
  EXPECT_EQ(tries_.current()->state(), Attempt::State::Connecting) << "a fresh connection: the last one was stale";
}

TEST_F(TriesTest, WhatCannotBeRepeatedIsNotFollowed) {
  choose();
  breakOff(start());
  EXPECT_FALSE(followed(false));
}

TEST_F(TriesTest, AClientThatIsRefusedGetsNoSecondTry) {
  client_.refused = Cause::ClientConnectionLimit;
  choose();
  EXPECT_FALSE(tries_.mayFollowUntouched());
  EXPECT_TRUE(tries_.mayFollow()) << "its body is kept as others' is";
}

TEST_F(TriesTest, WhatTheOriginWasAtIsToldOfAClientThatFails) {
  choose();
  start();
  Observation fault{.phase = Phase::ClientRequest, .fault = EndFault{.how = EndFault::How::Reset}};
  tries_.describe(fault, true);
  ASSERT_TRUE(fault.interrupted);
  EXPECT_EQ(fault.interrupted->phase, Phase::ResponseHead);
  EXPECT_EQ(fault.connection.endpoint, "http://origin.test");
  Observation late{.phase = Phase::ClientRequest, .fault = EndFault{.how = EndFault::How::Reset}};
  tries_.describe(late, false);
  EXPECT_EQ(late.connection.endpoint, "") << "the origin has answered";
}

TEST_F(TriesTest, TheExchangesLimitIsNobodysPhaseAndACallsIsItsOwn) {
  choose();
  start();
  EXPECT_EQ(tries_.late({.timer = Timer::Exchange}).phase, Phase::Internal);
  EXPECT_EQ(tries_.late({.timer = Timer::GrpcTimeout}).phase, Phase::ResponseHead);
}

TEST_F(TriesTest, OneThatIsGivenUpIsLeft) {
  choose();
  const FakeStream& stream = start();
  tries_.giveUp();
  EXPECT_EQ(tries_.current(), nullptr);
  EXPECT_TRUE(stream.left);
}

}  // namespace
}  // namespace gatewhy::test::tries
