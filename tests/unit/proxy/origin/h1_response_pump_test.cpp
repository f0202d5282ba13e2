// SPDX-License-Identifier: Apache-2.0
// How long a response is read at a time, and what is left in the socket.
#include "proxy/origin/h1_response_pump.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>

namespace gatewhy::test::h1_response_pump {
namespace {

constexpr std::string_view kUntilClose = "HTTP/1.1 200 OK\r\n\r\n";

class ResponsePump : public testing::Test,
                     private ResponseObserver,
                     private OriginStreamOwner,
                     private IoHandler,
                     private H1ResponseReader::Owner,
                     private H1ResponsePump::Owner {
 protected:
  ResponsePump() {
    RequestParser parser{HeadLimits{}};
    EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, ParseStatus::Done);
    request_ = parser.head();
    connection_.carry(request_, Strictness::Enforce, *this);
  }
  void say(std::string_view text) const {
    ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void run() {
    connection_.readable = true;
    pump_.run();
  }

  EventLoop loop_;
  Fd peer_;
  H1OriginConnection connection_{loop_, HeadLimits{}, connect()};
  std::string body_;
  int ends_ = 0, completes_ = 0, wakes_ = 0;
  bool blocked_ = false;
  std::function<void()> on_data_ = [] {};
  SpliceResult spliced_{.status = SpliceStatus::Unsupported};
  std::uint64_t ahead_ = 0;  // when splicing was asked for

 private:
  // IoHandler
  void onIo(bool /*readable*/, bool /*writable*/) override { ++wakes_; }
  // ResponseObserver
  void onResponseHead(const ResponseHead& /*head*/) override {}
  void onResponseData(std::string_view data) override {
    body_ += data;
    on_data_();
  }
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override {}
  [[nodiscard]] bool clientBlocked() const override { return blocked_; }
  [[nodiscard]] SpliceResult spliceResponse(Transport& /*from*/, std::uint64_t ahead) override {
    ahead_ = ahead;
    const SpliceResult once = spliced_;
    spliced_ = {.status = SpliceStatus::WouldBlock};
    return once;
  }
  // OriginStreamOwner
  void appendHead(TextBuffer& /*out*/) override {}
  [[nodiscard]] std::optional<UpgradeFault> judgeSwitch(const ResponseHead& /*head*/) override { return std::nullopt; }
  void onStreamComplete(bool /*extra_data*/, const std::string& /*trailers*/) override {}
  void onStreamFailed(Phase /*phase*/, Fault /*fault*/) override {}
  // H1ResponseReader::Owner
  void onContinue() override {}
  void onMoved(TimePoint /*when*/) override {}
  void onMoreAwaited() override {}
  void onReadComplete(bool /*extra_data*/) override {
    ++completes_;
    reader_.stop();
    pump_.stop();
  }
  void onReadFault(Phase /*phase*/, Fault /*fault*/) override { ADD_FAILURE(); }
  // H1ResponsePump::Owner
  void onEnded() override { ++ends_; }

  [[nodiscard]] std::unique_ptr<Link> connect() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_.reset(ends[1]);
    auto link = std::make_unique<Link>();
    link->transport = Transport(Fd(ends[0]));
    EXPECT_TRUE(link->watch.start(loop_, ends[0], nullptr));
    return link;
  }

  TextBuffer scratch_;
  SplicePipes pipes_;
  Redaction redaction_;
  RequestHead request_;
  OriginConfig origin_;
  OriginStreamSetup setup_{.loop = loop_,
                           .scratch = scratch_,
                           .pipes = pipes_,
                           .redaction = redaction_,
                           .head = request_,
                           .origin = origin_,
                           .timeouts = origin_.timeouts,
                           .owner = *this,
                           .observer = *this};
  H1ResponseReader reader_{connection_.parser, setup_, *this};

 protected:
  H1ResponsePump pump_{connection_, setup_, reader_, *this};
};

TEST_F(ResponsePump, ItReadsWhatThereIs) {
  say(kUntilClose);
  say("abc");
  run();
  EXPECT_EQ(body_, "abc");
  EXPECT_FALSE(connection_.readable);
  EXPECT_EQ(ends_, 0);
}

TEST_F(ResponsePump, WithoutAnEdgeItReadsNothing) {
  say(kUntilClose);
  say("abc");
  pump_.run();
  EXPECT_EQ(body_, "");
}

TEST_F(ResponsePump, TheEndBehindTheBytesIsToldOnce) {
  say(kUntilClose);
  say("abc");
  peer_.reset();
  run();
  EXPECT_EQ(body_, "abc");
  EXPECT_EQ(ends_, 1);
  EXPECT_FALSE(connection_.readable);
}

TEST_F(ResponsePump, WhatTheClientDoesNotTakeStaysInTheSocket) {
  say(kUntilClose);
  blocked_ = true;
  run();
  say("abc");
  EXPECT_TRUE(connection_.readable) << "for when it takes some again";
  EXPECT_EQ(body_, "");
  blocked_ = false;
  pump_.run();
  EXPECT_EQ(body_, "abc");
}

// A parked connection would read again only to find nothing.
TEST_F(ResponsePump, BehindAWholeMessageThereIsNothingToRead) {
  say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  run();
  EXPECT_EQ(completes_, 1);
  EXPECT_FALSE(connection_.readable);
  say("more");
  run();
  EXPECT_EQ(body_, "ok") << "it is stopped";
}

TEST_F(ResponsePump, WhoeverItTellsMayRunIt) {
  say(kUntilClose);
  int depth = 0;
  on_data_ = [&] {
    EXPECT_EQ(++depth, 1);
    if (body_.size() < 3) {
      say("x");
    }
    pump_.run();
    --depth;
  };
  say("x");
  run();
  EXPECT_EQ(body_, "xxx");
}

TEST_F(ResponsePump, OthersGetTheirTurn) {
  say(kUntilClose);
  run();
  on_data_ = [&] { say("x"); };
  say("x");
  run();
  EXPECT_EQ(body_, std::string(32, 'x'));
  EXPECT_TRUE(connection_.readable);
  on_data_ = [] {};
  loop_.turn();
  EXPECT_EQ(wakes_, 1) << "what is left is nothing that the socket tells of again";
}

class ResponsePumpSplices : public ResponsePump {
 protected:
  void SetUp() override {
    say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLength) + "\r\n\r\n");
    run();
    EXPECT_EQ(ahead_, kLength);
    ahead_ = 0;
  }

  static constexpr std::uint64_t kLength = 2 * kSpliceFrom;
};

TEST_F(ResponsePumpSplices, WhatGoesAnotherWayIsCounted) {
  spliced_ = {.status = SpliceStatus::Ok, .size = 10};
  run();
  EXPECT_EQ(ahead_, kLength - 10);
  EXPECT_FALSE(connection_.readable) << "there is no more now";
}

TEST_F(ResponsePumpSplices, WhatCannotIsRead) {
  say("abc");
  spliced_ = {.status = SpliceStatus::Unsupported};
  run();
  EXPECT_EQ(body_, "abc");
}

TEST_F(ResponsePumpSplices, ItsEndIsTold) {
  spliced_ = {.status = SpliceStatus::Ended};
  run();
  EXPECT_EQ(ends_, 1);
  EXPECT_FALSE(connection_.readable);
}

// The rest is not worth a pipe.
TEST_F(ResponsePumpSplices, ASmallRestIsRead) {
  spliced_ = {.status = SpliceStatus::Ok, .size = kLength - kSpliceFrom + 1};
  say("abc");
  run();
  EXPECT_EQ(body_, "abc");
}

}  // namespace
}  // namespace gatewhy::test::h1_response_pump
