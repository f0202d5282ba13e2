// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/grpc_call.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/exchange/grpc_answer.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Observation kCancel{.phase = Phase::ClientRequest, .fault = StreamFault{.how = StreamFault::How::Reset}};

class GrpcCallTest : public ::testing::Test, protected GrpcCall::Owner {
 protected:
  RequestHead request(const std::string& fields, const std::string& method = "POST", std::uint8_t version = 2) {
    request_.reset();
    EXPECT_EQ(request_.feed(method + " /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + fields + "\r\n").status,
              ParseStatus::Done);
    RequestHead head = request_.head();
    head.version_major = version;
    return head;
  }
  std::unique_ptr<GrpcCall> call(const std::string& fields = "Content-Type: application/grpc\r\n") {
    return GrpcCall::of(loop_, request(fields), *this);
  }
  const ResponseHead& response(const std::string& status, const std::string& fields) {
    response_.reset();
    response_.expect(Method::Post);
    EXPECT_EQ(response_.feed("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n" + fields + "\r\n").status,
              ParseStatus::Done);
    return response_.head();
  }
  void onLate(TimerFault fault) override {
    late_.push_back(fault);
    loop_.stop();
  }
  [[nodiscard]] std::uint64_t moved() const override { return moves_ != 0 ? std::exchange(moves_, moves_ - 1) : 0; }

  EventLoop loop_;
  RequestParser request_{HeadLimits{}};
  ResponseParser response_{HeadLimits{}};
  std::vector<TimerFault> late_;
  mutable std::uint64_t moves_ = 0;  // so many looks find that something has moved
};

TEST_F(GrpcCallTest, IsAPostWithAContentTypeOfGrpc) {
  EXPECT_TRUE(call()->native());
  EXPECT_EQ(call()->contentType(), "application/grpc");
  EXPECT_FALSE(call("Content-Type: application/grpc-web+proto\r\n")->native());
  EXPECT_EQ(call("Content-Type: application/grpc-web+proto\r\n")->contentType(), "application/grpc-web");
  EXPECT_EQ(call("Content-Type: application/grpc-web-text\r\n")->contentType(), "application/grpc-web-text");
  EXPECT_EQ(call("Content-Type: text/plain\r\n"), nullptr);
  EXPECT_EQ(call(""), nullptr);
  EXPECT_EQ(GrpcCall::of(loop_, request("Content-Type: application/grpc\r\n", "PUT"), *this), nullptr);
  EXPECT_EQ(GrpcCall::of(loop_, request("Content-Type: application/grpc\r\n", "POST", 1), *this), nullptr);
  EXPECT_NE(GrpcCall::of(loop_, request("Content-Type: application/grpc-web\r\n", "POST", 1), *this), nullptr);
}

struct GrpcAnswerCase {
  const char* status;
  const char* fields;
  const char* trailers;  // null: the answer is not taken
  std::optional<std::uint32_t> code;
  bool failed;
  bool finding = false;
};

TEST_F(GrpcCallTest, TheStatusIsThatOfTheTrailersTheHeadOrTheMapping) {
  const char* const grpc = "Content-Type: application/grpc+proto\r\n";
  for (const GrpcAnswerCase& each : {GrpcAnswerCase{"200 OK", grpc, "grpc-status: 0\r\n", 0, false},
                                     {"200 OK", grpc, "grpc-status: 5\r\ngrpc-message: a%20b\r\n", 5, false},
                                     {"200 OK", grpc, "grpc-status: 14\r\n", 14, true},
                                     {"200 OK", grpc, "grpc-status: 99\r\n", 99, true},
                                     {"200 OK", grpc, "", std::nullopt, true, true},
                                     {"200 OK", grpc, "x: y\r\n", std::nullopt, true, true},
                                     {"200 OK", "Content-Type: application/grpc\r\ngrpc-status: 7\r\n", "", 7, false},
                                     {"503 Busy", "Content-Type: text/html\r\ngrpc-status: 14\r\n", "", 14, true},
                                     {"200 OK", "Content-Type: text/html\r\n", nullptr, 2, true},
                                     {"200 OK", "Content-Type: application/grpc-web\r\n", nullptr, 2, true},
                                     {"200 OK", "", nullptr, 2, true},
                                     {"302 Found", "Location: /\r\n", nullptr, 2, true},
                                     {"401 No", "Content-Type: application/grpc\r\n", nullptr, 16, false},
                                     {"404 No", "Content-Type: text/html\r\n", nullptr, 12, true},
                                     {"502 Bad", "Content-Type: text/html\r\n", nullptr, 14, true}}) {
    const auto of = call();
    EXPECT_EQ(of->takesAnswer(response(each.status, each.fields)), each.trailers != nullptr) << each.status;
    if (each.trailers != nullptr) {
      EXPECT_EQ(of->onAnswerEnd(each.trailers).has(Finding::GrpcStatusMissing), each.finding) << each.trailers;
    }
    EXPECT_EQ(of->facts().status, each.code) << each.status << each.fields;
    EXPECT_EQ(of->failed(), each.failed) << each.status << each.fields;
  }
}

TEST_F(GrpcCallTest, GrpcWebPassesWhateverItIs) {
  const auto web = call("Content-Type: application/grpc-web\r\n");
  EXPECT_TRUE(web->takesAnswer(response("404 No", "Content-Type: text/html\r\n")));
  EXPECT_TRUE(web->onAnswerEnd("").empty());
  EXPECT_FALSE(web->failed());
  EXPECT_EQ(web->facts().status, std::nullopt);
}

TEST_F(GrpcCallTest, WhatWeSayIsNoFailureOfTheOrigins) {
  const auto of = call();
  of->noteOwn(GrpcStatus::Unavailable);
  EXPECT_FALSE(of->failed());
  EXPECT_EQ(of->facts().status, 14U);
}

TEST_F(GrpcCallTest, TheDeadlineIsToldOnceAndTakesThePlaceOfTheHeadsTimer) {
  const auto of = call("Content-Type: application/grpc\r\ngrpc-timeout: 20m\r\n");
  of->begin({}, EventLoop::now());
  EXPECT_EQ(of->timeouts().response_head.count(), 0);
  EXPECT_EQ(of->timeouts().response_idle.count(), 0);
  loop_.run();
  ASSERT_EQ(late_.size(), 1U);
  EXPECT_EQ(late_[0].timer, Timer::GrpcTimeout);
  EXPECT_EQ(late_[0].limit_ms, 20U);
  EXPECT_TRUE(of->overdue(kCancel).has_value());
}

TEST_F(GrpcCallTest, WithoutADeadlineTheHeadHasItsTimer) {
  const auto of = call("Content-Type: application/grpc\r\ngrpc-timeout: soon\r\n");
  of->begin({}, EventLoop::now() - std::chrono::hours(9));
  EXPECT_EQ(of->timeouts().response_head, OriginTimeouts().response_head);
  EXPECT_FALSE(of->overdue(kCancel).has_value());
}

TEST_F(GrpcCallTest, AClientsOwnDeadlineEndsALittleBeforeOurs) {
  const auto of = call("Content-Type: application/grpc\r\ngrpc-timeout: 1H\r\n");
  of->begin({}, EventLoop::now() - std::chrono::minutes(30));
  EXPECT_FALSE(of->overdue(kCancel).has_value());
  of->begin({}, EventLoop::now() - std::chrono::minutes(59));
  EXPECT_TRUE(of->overdue(kCancel).has_value());
  const Observation torn{.phase = Phase::ClientRequest, .fault = EndFault{.how = EndFault::How::Reset}};
  EXPECT_FALSE(of->overdue(torn).has_value()) << "its connection is gone: that is no cancel";
}

TEST_F(GrpcCallTest, SilenceIsToldOnlyWhereNothingMovesAnyMore) {
  const auto of = call();
  moves_ = 3;
  OriginTimeouts limits;
  limits.tunnel = Millis(40);
  of->begin(limits, EventLoop::now());
  loop_.run();
  ASSERT_EQ(late_.size(), 1U);
  EXPECT_EQ(late_[0].timer, Timer::Tunnel);
  EXPECT_GE(late_[0].elapsed_ms, 40);
  EXPECT_EQ(moves_, 0U);
}

TEST_F(GrpcCallTest, OurAnswerIsAHeadOnly) {
  const GrpcAnswer answer{.status = GrpcStatus::Unavailable,
                          .message = "refused: 100%",
                          .content_type = "application/grpc",
                          .proxy_status = "gw; error=connection_refused",
                          .retry_after_s = 3};
  RequestHead head = request("Content-Type: application/grpc-web\r\n", "POST", 1);
  const ClientFacts client;
  VariableSource source{.request = head,
                        .client = client,
                        .client_address = "192.0.2.1",
                        .scheme = "https",
                        .request_id = "req-1",
                        .route = "shop",
                        .origin = "shop"};
  const SynthesizedResponse over_h1 = synthesizeGrpc(answer, nullptr, source);
  EXPECT_THAT(over_h1.fields, HasSubstr("Content-Length: 0\r\n"));
  head.version_major = 2;
  const SynthesizedResponse made = synthesizeGrpc(answer, nullptr, source);
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.length, AnswerLength::None);
  EXPECT_EQ(made.body, "");
  for (const char* line : {"Content-Type: application/grpc\r\n", "grpc-status: 14\r\n",
                           "grpc-message: refused: 100%25\r\n", "X-Request-ID: req-1\r\n",
                           "Proxy-Status: gw; error=connection_refused\r\n", "grpc-retry-pushback-ms: 3000\r\n"}) {
    EXPECT_THAT(made.fields, HasSubstr(line));
  }
  EXPECT_THAT(made.fields, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(grpcTrailers(GrpcStatus::DeadlineExceeded, "a\nb"), "grpc-status: 4\r\ngrpc-message: a%0Ab\r\n");
}

TEST_F(GrpcCallTest, AMessageSaysAsMuchAsMayBeDisclosed) {
  const Diagnosis diagnosis =
      diagnose(Observation{.phase = Phase::Connect, .fault = ConnectFault{.error = 111}}, StatusPolicy{});
  EXPECT_EQ(grpcMessageOf(diagnosis, Disclose::None), "");
  EXPECT_EQ(grpcMessageOf(diagnosis, Disclose::Cause),
            "connection_refused: " + std::string(info(Cause::ConnectionRefused).seen));
  EXPECT_EQ(grpcMessageOf(diagnosis, Disclose::Evidence), "connection_refused: " + diagnosis.summary);
}

}  // namespace
}  // namespace gatewhy
