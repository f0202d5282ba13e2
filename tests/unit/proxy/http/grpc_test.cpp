// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/grpc.h"

#include <gtest/gtest.h>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

TEST(Grpc, KindIsToldByTheContentType) {
  struct Case {
    const char* content_type;
    GrpcKind kind;
  };
  for (const Case& each : {Case{"application/grpc", GrpcKind::Native},
                           {"application/grpc+proto", GrpcKind::Native},
                           {"application/grpc+json", GrpcKind::Native},
                           {"Application/GRPC;charset=utf-8", GrpcKind::Native},
                           {"application/grpc ; x=y", GrpcKind::Native},
                           {"application/grpc-web", GrpcKind::Web},
                           {"application/grpc-web+proto", GrpcKind::Web},
                           {"application/grpc-web-text", GrpcKind::Web},
                           {"application/grpc-web-text+proto", GrpcKind::Web},
                           {"application/grpcx", GrpcKind::None},
                           {"application/grpc-webx", GrpcKind::None},
                           {"application/grpc-websocket", GrpcKind::None},
                           {"application/grp", GrpcKind::None},
                           {"text/html", GrpcKind::None},
                           {"", GrpcKind::None}}) {
    EXPECT_EQ(grpcKind(each.content_type), each.kind) << each.content_type;
  }
}

TEST(Grpc, TimeoutIsADigitOrEightAndAUnit) {
  struct Case {
    const char* value;
    std::optional<milliseconds> timeout;
  };
  for (const Case& each : {Case{"1H", milliseconds(3'600'000)},
                           {"2M", milliseconds(120'000)},
                           {"3S", milliseconds(3000)},
                           {"99999999m", milliseconds(99'999'999)},
                           {"1500u", milliseconds(2)},
                           {"1n", milliseconds(1)},
                           {"0S", milliseconds(0)},
                           {"00000010m", milliseconds(10)},
                           {"99999999H", milliseconds(4'294'967'295)},
                           {"100000000m", std::nullopt},
                           {"10", std::nullopt},
                           {"S", std::nullopt},
                           {"", std::nullopt},
                           {"-1S", std::nullopt},
                           {"+1S", std::nullopt},
                           {"1.5S", std::nullopt},
                           {"1 S", std::nullopt},
                           {"1s", std::nullopt},
                           {"1ms", std::nullopt}}) {
    EXPECT_EQ(parseGrpcTimeout(each.value), each.timeout) << each.value;
  }
}

TEST(Grpc, TheEndOfACallIsReadFromTrailers) {
  const GrpcEnd end = grpcEndOf("x: y\r\nGrpc-Status: 14\r\ngrpc-message:  not%20now \r\n");
  EXPECT_EQ(end.status, 14U);
  EXPECT_EQ(end.message, "not%20now");
  EXPECT_EQ(grpcEndOf("").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status: \r\n").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status: OK\r\n").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status: -1\r\n").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status: 99999999999\r\n").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status").status, std::nullopt);
  EXPECT_EQ(grpcEndOf("grpc-status: 0").status, 0U);
}

TEST(Grpc, TheEndOfACallIsReadFromAHeadWithoutMessages) {
  ResponseParser parser;
  parser.expect(Method::Post);
  ASSERT_EQ(parser
                .feed("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: 5\r\n"
                      "grpc-message: no such file\r\n\r\n")
                .status,
            ParseStatus::Done);
  const GrpcEnd end = grpcEndOf(parser.head());
  EXPECT_EQ(end.status, 5U);
  EXPECT_EQ(end.message, "no such file");
}

TEST(Grpc, TheRequestsTimeoutIsFound) {
  RequestParser parser;
  ASSERT_EQ(parser.feed("POST /a/b HTTP/1.1\r\nHost: a\r\nGrpc-Timeout: 250m\r\nContent-Length: 0\r\n\r\n").status,
            ParseStatus::Done);
  EXPECT_EQ(grpcTimeoutOf(parser.head()), milliseconds(250));
}

}  // namespace
}  // namespace gatewhy
