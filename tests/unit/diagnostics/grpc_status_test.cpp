// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/grpc_status.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "diagnostics/diagnosis.h"

namespace gatewhy {
namespace {

Diagnosis decided(Cause cause) {
  return diagnose(Observation{.phase = info(cause).phase,
                              .fault = DecisionFault{.cause = cause, .detail = {}, .size = {}, .limit = {}}},
                  StatusPolicy{});
}

TEST(GrpcStatusTest, OnlyTheseOfAnOriginAreFailures) {
  const std::set<std::uint32_t> failures = {2, 4, 12, 13, 14, 15};
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    const auto code = static_cast<std::uint32_t>(row.status);
    EXPECT_EQ(isGrpcFailure(code), failures.contains(code)) << row.name;
    EXPECT_EQ(grpcStatusName(code), row.name);
    EXPECT_TRUE(row.meaning.ends_with('.')) << row.name;
  }
  EXPECT_EQ(grpcStatusName(17), "");
  EXPECT_TRUE(isGrpcFailure(17));
}

// gRPC's "HTTP to gRPC Status Code Mapping", word for word.
TEST(GrpcStatusTest, AnHttpStatusIsReadAsClientsReadIt) {
  EXPECT_EQ(grpcStatusOfHttp(400), GrpcStatus::Internal);
  EXPECT_EQ(grpcStatusOfHttp(401), GrpcStatus::Unauthenticated);
  EXPECT_EQ(grpcStatusOfHttp(403), GrpcStatus::PermissionDenied);
  EXPECT_EQ(grpcStatusOfHttp(404), GrpcStatus::Unimplemented);
  for (const std::uint16_t code : {429, 502, 503, 504}) {
    EXPECT_EQ(grpcStatusOfHttp(code), GrpcStatus::Unavailable) << code;
  }
  for (const std::uint16_t code : {200, 204, 302, 405, 500, 520}) {
    EXPECT_EQ(grpcStatusOfHttp(code), GrpcStatus::Unknown) << code;
  }
}

TEST(GrpcStatusTest, AFailureOfOursSaysWhatACallerCanDo) {
  struct Case {
    Cause cause;
    GrpcStatus status;
  };
  for (const Case& each : {Case{Cause::NoHealthyEndpoint, GrpcStatus::Unavailable},
                           {Cause::OriginConnectionLimit, GrpcStatus::Unavailable},
                           {Cause::ProxyDraining, GrpcStatus::Unavailable},
                           {Cause::ProxyMemoryExhausted, GrpcStatus::Unavailable},
                           {Cause::ProxyInternalError, GrpcStatus::Internal},
                           {Cause::NoRoute, GrpcStatus::Unimplemented},
                           {Cause::RequestDenied, GrpcStatus::PermissionDenied},
                           {Cause::RateLimited, GrpcStatus::ResourceExhausted},
                           {Cause::ClientBodyTooLarge, GrpcStatus::ResourceExhausted},
                           {Cause::ClientCredentialsMissing, GrpcStatus::Unauthenticated},
                           {Cause::ClientRequestMalformed, GrpcStatus::Internal},
                           {Cause::ExchangeTimeout, GrpcStatus::DeadlineExceeded}}) {
    EXPECT_EQ(grpcStatusOf(decided(each.cause)), each.status) << name(each.cause);
  }
  const Diagnosis refused =
      diagnose(Observation{.phase = Phase::Connect, .fault = ConnectFault{.error = 111}}, StatusPolicy{});
  EXPECT_EQ(grpcStatusOf(refused), GrpcStatus::Unavailable);
}

TEST(GrpcStatusTest, TheDeadlineOfACallIsTheExchanges) {
  const Diagnosis late = diagnose(Observation{.phase = Phase::ResponseHead,
                                              .fault = TimerFault{.timer = Timer::GrpcTimeout,
                                                                  .limit_ms = 1000,
                                                                  .elapsed_ms = 1000.5,
                                                                  .longest_phase = Phase::ResponseHead}},
                                  StatusPolicy{});
  EXPECT_EQ(late.cause, Cause::ExchangeTimeout);
  EXPECT_EQ(late.blame, Blame::Origin);
  EXPECT_EQ(grpcStatusOf(late), GrpcStatus::DeadlineExceeded);
  EXPECT_NE(late.summary.find("grpc-timeout"), std::string::npos) << late.summary;
}

TEST(GrpcStatusTest, AnOriginsResetIsReadByItsCode) {
  struct Case {
    std::uint32_t code;
    GrpcStatus status;
  };
  for (const Case& each : {Case{0, GrpcStatus::Internal},
                           {2, GrpcStatus::Internal},
                           {7, GrpcStatus::Unavailable},
                           {8, GrpcStatus::Cancelled},
                           {11, GrpcStatus::ResourceExhausted},
                           {12, GrpcStatus::PermissionDenied}}) {
    const StreamFault reset{.how = StreamFault::How::Reset, .code = each.code, .stream = 1};
    EXPECT_EQ(grpcStatusOf(diagnose(Observation{.phase = Phase::ResponseHead, .fault = reset}, StatusPolicy{})),
              each.status)
        << each.code;
  }
}

TEST(GrpcStatusTest, MessagesArePercentEncodedAndCutBetweenOctets) {
  EXPECT_EQ(encodeGrpcMessage("plain: text", 100), "plain: text");
  EXPECT_EQ(encodeGrpcMessage("100%\r\n\xC3\xBC", 100), "100%25%0D%0A%C3%BC");
  EXPECT_EQ(encodeGrpcMessage("ab\n", 4), "ab");
  EXPECT_EQ(encodeGrpcMessage("ab\n", 5), "ab%0A");
  EXPECT_EQ(decodeGrpcMessage("100%25%0d%0A%C3%bc", 100), "100%\r\n\xC3\xBC");
  EXPECT_EQ(decodeGrpcMessage("%zz%4%", 100), "%zz%4%");
  EXPECT_EQ(decodeGrpcMessage("abcdef", 3), "abc");
}

// The tables of docs/grpc.md stand between marks; the rest is written by hand.
TEST(GrpcStatusTest, TheManualsTablesAreUpToDate) {
  const std::string path = GATEWHY_SOURCE_DIR "/docs/grpc.md";
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string before = text;
  const auto put = [&text](const std::string& mark, const std::string& table) {
    const std::string open = "<!-- " + mark + " -->\n", close = "<!-- /" + mark + " -->";
    const std::size_t begin = text.find(open), end = text.find(close);
    ASSERT_NE(begin, std::string::npos) << mark;
    ASSERT_NE(end, std::string::npos) << mark;
    text.replace(begin + open.size(), end - begin - open.size(), table);
  };
  put("statuses", grpcStatusesMarkdown());
  put("causes", grpcCausesMarkdown());
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    GTEST_SKIP() << path << " written";
  }
  EXPECT_TRUE(text == before) << path << " differs; run make docs";
}

}  // namespace
}  // namespace gatewhy
