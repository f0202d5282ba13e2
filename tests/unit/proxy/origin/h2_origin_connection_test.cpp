// SPDX-License-Identifier: Apache-2.0
// Streams on one connection of HTTP/2, played frame by frame from its other end.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <functional>
#include <optional>

#include "proxy/http/h1_parser.h"
#include "proxy/origin/h2_origin_connection.h"
#include "proxy/origin/http1_required.h"
#include "proxy/origin/origin_pool.h"
#include "tests/support/h2_frames.h"

namespace gatewhy::test::h2_origin {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kInternalError = 2, kRefusedStream = 7, kCancel = 8, kNoError = 0;

class Request final : public PoolWaiter, public ResponseObserver, public OriginStreamOwner {
 public:
  void onLease(Lease given) override { lease = std::move(given); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return none_; }

  void onUploadReady() override { ready = true; }
  void onUploadDrained() override { ++drained; }
  void onInterim(const ResponseHead& head) override { interims.push_back(head.status); }
  void onResponseHead(const ResponseHead& head) override { status = head.status; }
  void onResponseData(std::string_view data) override { body += data; }
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override {}
  [[nodiscard]] bool clientBlocked() const override { return blocked; }

  void appendHead(TextBuffer& out) override { out.append(head_text); }
  [[nodiscard]] bool repeatsMisdirected() override { return repeats; }
  [[nodiscard]] std::optional<UpgradeFault> judgeSwitch(const ResponseHead& /*head*/) override { return std::nullopt; }
  void onStreamComplete(bool /*extra_data*/, const std::string& given) override {
    complete = true;
    trailers = given;
    end();
  }
  void onStreamFailed(Phase where, Fault what) override {
    phase = where;
    fault = std::move(what);
    stream->describe(seen);
    end();
  }
  void end() {
    stream->leave();
    lease.end();
  }

  Lease lease;
  std::unique_ptr<OriginStream> stream;
  RequestParser parser{HeadLimits{}};
  std::string head_text;
  bool repeats = false, blocked = false;

  bool ready = false, complete = false;
  int drained = 0;
  std::vector<int> interims;
  int status = 0;
  std::string body, trailers;
  std::optional<Phase> phase;
  std::optional<Fault> fault;
  Observation seen;

 private:
  std::vector<std::size_t> none_;
};

class H2OriginConnectionTest : public testing::Test {
 protected:
  void connect(H2Patience patience = {}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    origin_.reset(ends[1]);
    auto link = std::make_unique<Link>();
    link->transport = Transport(Fd(ends[0]));
    ASSERT_TRUE(link->watch.start(loop_, ends[0], nullptr));
    config_.name = "origin";
    config_.endpoints.emplace_back().http = EndpointHttp::Http2;
    pool_.emplace(loop_, config_, std::vector{state_}, std::make_shared<OriginState>(), [] {});
    opener_ = &begin("GET /first HTTP/1.1\r\nHost: a\r\n\r\n", [&](Request& first) {
      connection_ = static_cast<H2OriginConnection*>(
          &pool_->adopt(first.lease, std::make_unique<H2OriginConnection>(loop_, H2OriginSettings{}, patience,
                                                                          redaction_, std::move(link), false)));
    });
  }
  // One more request, on the connection.
  Request& begin(const std::string& head, const std::function<void(Request&)>& lease = {}) {
    Request& request = requests_.emplace_back();
    PoolRefusal refusal{};
    auto given = pool_->request(request, false, refusal);
    EXPECT_TRUE(given);
    request.lease = std::move(*given);
    if (lease) {
      lease(request);
    }
    request.head_text = head;
    EXPECT_EQ(request.parser.feed(head).status, ParseStatus::Done);
    EXPECT_NE(request.lease.connection(), nullptr);
    request.stream = request.lease.connection()->open({.loop = loop_,
                                                       .scratch = scratch_,
                                                       .pipes = pipes_,
                                                       .redaction = redaction_,
                                                       .head = request.parser.head(),
                                                       .origin = config_,
                                                       .timeouts = config_.timeouts,
                                                       .owner = request,
                                                       .observer = request});
    request.stream->begin();
    return request;
  }
  void say(const std::string& frames) {
    ASSERT_EQ(::send(origin_.get(), frames.data(), frames.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frames.size()));
    turn();
  }
  // What has come is served, and what that leads to.
  void turn() {
    for (int i = 0; i < 3; ++i) {
      loop_.post([] {});
      loop_.turn();
    }
  }
  void turnUntil(const std::function<bool()>& met) {
    while (!met()) {
      loop_.turn();
    }
  }
  // What the origin has got since the last call; without the preface.
  std::vector<H2ReadFrame> heard() {
    std::array<char, 65536> bytes{};
    for (;;) {
      const ssize_t got = ::recv(origin_.get(), bytes.data(), bytes.size(), 0);
      if (got <= 0) {
        break;
      }
      heard_.append(bytes.data(), static_cast<std::size_t>(got));
    }
    const std::string preface = h2Preface();
    if (heard_.starts_with(preface)) {
      heard_.erase(0, preface.size());
    }
    return takeH2Frames(heard_);
  }
  [[nodiscard]] static std::optional<H2ReadFrame> find(const std::vector<H2ReadFrame>& frames, std::uint8_t type,
                                                       std::uint32_t stream) {
    for (const H2ReadFrame& frame : frames) {
      if (frame.type == type && frame.stream == stream && !frame.has(type == h2::kSettings ? h2::kAck : 0)) {
        return frame;
      }
    }
    return std::nullopt;
  }

  EventLoop loop_;
  TextBuffer scratch_;
  SplicePipes pipes_;
  Redaction redaction_;
  OriginConfig config_;
  std::shared_ptr<EndpointState> state_ = std::make_shared<EndpointState>();
  std::optional<OriginPool> pool_;
  std::deque<Request> requests_;
  H2OriginConnection* connection_ = nullptr;
  Request* opener_ = nullptr;
  Fd origin_;
  std::string heard_;
};

TEST_F(H2OriginConnectionTest, ARequestAndItsAnswer) {
  connect();
  turn();
  const auto sent = heard();
  ASSERT_TRUE(find(sent, h2::kHeaders, 1));
  EXPECT_TRUE(find(sent, h2::kHeaders, 1)->has(h2::kEndStream));
  say(h2Settings() + h2Headers(1, {{":status", "103"}}, false) + h2Headers(1, {{":status", "200"}}, false) +
      h2Data(1, "hello"));
  EXPECT_EQ(opener_->interims, std::vector{103});
  EXPECT_EQ(opener_->status, 200);
  EXPECT_EQ(opener_->body, "hello");
  EXPECT_FALSE(opener_->complete);
  say(h2Headers(1, {{"grpc-status", "0"}}));
  EXPECT_TRUE(opener_->complete);
  EXPECT_EQ(opener_->trailers, "grpc-status: 0\r\n");
  EXPECT_EQ(pool_->parked(0), 1U);
}

TEST_F(H2OriginConnectionTest, AFaultReachesEachWithItsOwnPhaseAndBytes) {
  connect();
  Request& second = begin("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  Request& third = begin("POST /third HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  say(h2Settings() + h2Headers(1, {{":status", "200"}}, false) + h2Data(1, "abc"));
  third.stream->sendData("12");
  turn();
  origin_.reset();
  turn();
  EXPECT_EQ(opener_->phase, Phase::ResponseBody);
  EXPECT_EQ(opener_->seen.bytes.body_received, 3U);
  EXPECT_EQ(opener_->seen.connection.stream, 1);
  EXPECT_EQ(second.phase, Phase::ResponseHead);
  EXPECT_TRUE(second.seen.bytes.request_complete);
  EXPECT_EQ(third.phase, Phase::RequestWrite);
  EXPECT_FALSE(third.seen.bytes.request_complete);
  EXPECT_GT(third.seen.bytes.request_written, 0U);
  EXPECT_EQ(third.seen.connection.stream, 5);
  for (const Request& request : requests_) {
    EXPECT_TRUE(std::holds_alternative<EndFault>(*request.fault));
    EXPECT_EQ(request.seen.connection.protocol, "h2");
  }
  EXPECT_EQ(pool_->parked(0), 0U);
}

TEST_F(H2OriginConnectionTest, GoAwayLetsThoseEndThatItNames) {
  connect();
  Request& second = begin("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  say(h2Settings() + h2GoAway(1, kNoError));
  ASSERT_TRUE(second.fault);
  EXPECT_EQ(std::get<StreamFault>(*second.fault).how, StreamFault::How::GoAway);
  EXPECT_TRUE(connection_->draining());
  EXPECT_EQ(connection_->room(), 0U);
  EXPECT_FALSE(opener_->fault);
  say(h2Headers(1, {{":status", "204"}}));
  EXPECT_TRUE(opener_->complete);
  EXPECT_EQ(pool_->parked(0), 0U);
}

TEST_F(H2OriginConnectionTest, GoAwayWithAnErrorExplainsTheCloseBehindIt) {
  connect();
  say(h2Settings() + h2GoAway(1, kInternalError, "out of memory"));
  EXPECT_FALSE(opener_->fault) << "it is named";
  origin_.reset();
  turn();
  ASSERT_TRUE(opener_->fault);
  EXPECT_EQ(std::get<StreamFault>(*opener_->fault).detail, "out of memory");
}

TEST_F(H2OriginConnectionTest, AParkedConnectionLeavesWithGoAwayOrItsEnd) {
  for (const bool goaway : {true, false}) {
    config_ = OriginConfig();
    requests_.clear();
    connect();
    say(h2Settings() + h2Headers(1, {{":status", "204"}}));
    ASSERT_EQ(pool_->parked(0), 1U);
    if (goaway) {
      say(h2GoAway(1, kNoError));
    } else {
      origin_.reset();
      turn();
    }
    EXPECT_EQ(pool_->parked(0), 0U);
  }
}

TEST_F(H2OriginConnectionTest, WhoLeavesIsResetAndItsSiblingsGoOn) {
  connect();
  Request& second = begin("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  say(h2Settings());
  static_cast<void>(heard());
  opener_->end();
  turn();
  const auto reset = find(heard(), h2::kRstStream, 1);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->number(0), kCancel);
  say(h2Headers(3, {{":status", "204"}}));
  EXPECT_TRUE(second.complete);
  EXPECT_EQ(pool_->parked(0), 1U);
}

TEST_F(H2OriginConnectionTest, AnEarlyAnswerEndsTheUpload) {
  connect();
  Request& upload = begin("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  upload.stream->sendData("1");
  say(h2Settings());
  static_cast<void>(heard());
  say(h2Headers(3, {{":status", "413"}}, false) + h2Data(3, "much", true));
  EXPECT_TRUE(upload.complete);
  EXPECT_EQ(upload.body, "much");
  const auto reset = find(heard(), h2::kRstStream, 3);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->number(0), kCancel) << "of the request: the answer is whole";
}

TEST_F(H2OriginConnectionTest, AWindowOpensAsTheClientTakesBytes) {
  connect();
  opener_->blocked = true;
  const std::string piece(16384, 'x');
  std::string body = h2Settings() + h2SettingsAck() + h2Headers(1, {{":status", "200"}}, false);
  for (int i = 0; i < 12; ++i) {
    body += h2Data(1, piece);
  }
  static_cast<void>(heard());
  say(body);
  EXPECT_FALSE(find(heard(), h2::kWindowUpdate, 1));
  opener_->blocked = false;
  opener_->stream->resumeBody();
  turn();
  const auto update = find(heard(), h2::kWindowUpdate, 1);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->number(0), 12U * 16384);
}

TEST_F(H2OriginConnectionTest, AWindowThatStaysClosedIsAStall) {
  config_.timeouts.send = 20ms;
  connect();
  say(h2Settings({{4, 2}}));  // INITIAL_WINDOW_SIZE
  Request& upload = begin("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  upload.stream->sendData("12345");
  EXPECT_TRUE(upload.stream->sendBlocked());
  turnUntil([&] { return upload.fault.has_value(); });
  const auto* stalled = std::get_if<StreamFault>(&*upload.fault);
  ASSERT_NE(stalled, nullptr);
  EXPECT_EQ(stalled->how, StreamFault::How::Stalled);
  EXPECT_EQ(upload.phase, Phase::RequestWrite);
}

// All windows are open. What there was of the upload had room in the output.
TEST_F(H2OriginConnectionTest, ASocketThatStaysFullIsNoStallOfHttp2) {
  config_.timeouts.send = 20ms;
  connect();
  constexpr std::uint32_t kOpen = 1U << 30;
  say(h2Settings({{4, kOpen}}) + h2WindowUpdate(0, kOpen));
  Request& upload = begin("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  while (!connection_->socketBlocked()) {
    upload.stream->sendData(std::string(10000, 'x'));
    turn();
  }
  turnUntil([&] { return upload.fault.has_value(); });
  EXPECT_EQ(upload.phase, Phase::RequestWrite);
  ASSERT_TRUE(std::holds_alternative<TimerFault>(*upload.fault));
  EXPECT_EQ(std::get<TimerFault>(*upload.fault).timer, Timer::Send);
}

TEST_F(H2OriginConnectionTest, ANewOneIsGivenWhatTheLastOneTook) {
  connect();
  EXPECT_EQ(state_->streams(), EndpointState::kMostStreams);
  say(h2Settings({{3, 2}}));
  EXPECT_EQ(state_->streams(), 2U);
  say(h2Settings({{3, 0}}));
  EXPECT_EQ(state_->streams(), 1U) << "there is no other way to find out that it takes some again";
}

TEST_F(H2OriginConnectionTest, UploadsGoOnWhenTheWindowOpens) {
  connect();
  say(h2Settings({{4, 2}}));
  Request& upload = begin("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  upload.stream->sendData("12345");
  turn();
  EXPECT_EQ(upload.drained, 0);
  say(h2WindowUpdate(3, 10));
  EXPECT_EQ(upload.drained, 1);
  EXPECT_FALSE(upload.stream->sendBlocked());
}

TEST_F(H2OriginConnectionTest, NoSettingsInTimeIsAFault) {
  connect({.settings = 20ms});
  turnUntil([&] { return opener_->fault.has_value(); });
  EXPECT_EQ(std::get<StreamFault>(*opener_->fault).how, StreamFault::How::NoSettings);
  turn();
  EXPECT_TRUE(find(heard(), h2::kGoAway, 0));
}

TEST_F(H2OriginConnectionTest, AnUnansweredPingIsAFault) {
  connect({.silence = 20ms, .pong = 20ms});
  say(h2Settings());
  turnUntil([&] { return opener_->fault.has_value(); });
  EXPECT_EQ(std::get<StreamFault>(*opener_->fault).how, StreamFault::How::PingTimeout);
  EXPECT_TRUE(find(heard(), h2::kPing, 0));
}

TEST_F(H2OriginConnectionTest, AnAnsweredPingIsNone) {
  connect({.silence = 20ms, .pong = 3000ms, .next_ping = 20ms});
  say(h2Settings());
  for (int i = 0; i < 2; ++i) {
    std::optional<H2ReadFrame> ping;
    turnUntil([&] {
      ping = find(heard(), h2::kPing, 0);
      return ping.has_value();
    });
    say(h2Ping(ping->payload, true));
  }
  EXPECT_FALSE(opener_->fault);
}

TEST_F(H2OriginConnectionTest, AMisdirectedRequestMayBeTriedAgain) {
  connect();
  opener_->repeats = true;
  say(h2Settings() + h2Headers(1, {{":status", "421"}}));
  ASSERT_TRUE(opener_->fault);
  EXPECT_EQ(std::get<StreamFault>(*opener_->fault).how, StreamFault::How::Misdirected);
  EXPECT_TRUE(requiresHttp1(*opener_->fault));
  Request& passed_on = begin("GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
  turn();
  say(h2Headers(3, {{":status", "421"}}));
  EXPECT_EQ(passed_on.status, 421);
  EXPECT_TRUE(passed_on.complete);
}

// Some origins count a stream for a moment after its end: to ask again at once
// is to be refused again.
TEST_F(H2OriginConnectionTest, BehindTwoRefusalsAnotherConnectionHasToDo) {
  for (const bool parked : {true, false}) {
    config_ = OriginConfig();
    requests_.clear();
    connect();
    Request& refused = begin("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    say(h2Settings() + (parked ? h2Headers(1, {{":status", "204"}}) : "") + h2RstStream(3, kRefusedStream));
    ASSERT_TRUE(refused.fault);
    EXPECT_NE(connection_->room(), 0U);
    begin("GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    turn();
    say(h2RstStream(5, kRefusedStream));
    EXPECT_EQ(connection_->room(), 0U);
    EXPECT_EQ(pool_->parked(0), parked ? 1U : 0U);
    Request other;
    PoolRefusal refusal{};
    auto lease = pool_->request(other, false, refusal);
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->connection(), nullptr) << "it is to open one";
    lease->end();
    turnUntil([&] { return connection_->room() != 0; });
    lease = pool_->request(other, false, refusal);
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->connection(), connection_);
    lease->end();
  }
}

// A lease is given before its stream is opened.
TEST_F(H2OriginConnectionTest, ALeaseTakesTheRoomOfItsStream) {
  connect();
  say(h2Settings({{3, 2}}));
  EXPECT_EQ(connection_->room(), 1U);
  Request next;
  PoolRefusal refusal{};
  auto lease = pool_->request(next, false, refusal);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->connection(), connection_);
  EXPECT_EQ(connection_->room(), 0U);
  Request other;
  auto elsewhere = pool_->request(other, false, refusal);
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->connection(), nullptr) << "it is to open one";
  elsewhere->end();
  lease->end();
  EXPECT_EQ(connection_->room(), 1U);
}

TEST_F(H2OriginConnectionTest, AStreamThatCannotBeOpenedSaysSo) {
  connect();
  say(h2Settings({{3, 1}}));
  EXPECT_EQ(connection_->refusal().how, StreamFault::How::NoRoom);
  say(h2GoAway(1, kNoError));
  EXPECT_EQ(connection_->refusal().how, StreamFault::How::GoAway);
}

TEST_F(H2OriginConnectionTest, WhatIsNoHttp2IsAFaultOfAll) {
  connect();
  Request& second = begin("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  say("HTTP/1.1 400 Bad Request\r\n\r\n");
  for (const Request* request : {opener_, &second}) {
    ASSERT_TRUE(request->fault);
    EXPECT_EQ(std::get<StreamFault>(*request->fault).how, StreamFault::How::Protocol);
  }
}

}  // namespace
}  // namespace gatewhy::test::h2_origin
