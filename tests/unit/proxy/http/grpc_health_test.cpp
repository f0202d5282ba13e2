// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/grpc_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using std::string_literals::operator""s;
using ::testing::HasSubstr;

// As the answer's content has it.
std::string prefixed(const std::string& message) {
  return std::string(4, '\0') + static_cast<char>(message.size()) + message;
}

TEST(GrpcHealth, ARequestNamesItsService) {
  EXPECT_EQ(healthRequest(""), "\0\0\0\0\0"s);
  EXPECT_EQ(healthRequest("a.B"), "\0\0\0\0\5\x0a\3a.B"s);
  const std::string longest(255, 'x');
  EXPECT_EQ(healthRequest(longest), "\0\0\0\1\x02\x0a\xff\x01"s + longest);
}

TEST(GrpcHealth, AnAnswerSaysAStatus) {
  struct Row {
    std::string message;
    std::uint64_t status;
  };
  for (const Row& row : {Row{"", 0}, Row{"\x08\x01"s, 1}, Row{"\x08\x02"s, 2}, Row{"\x08\x03"s, 3}, Row{"\x08\x07"s, 7},
                         Row{"\x08\xac\x02"s, 300}, Row{"\x08\x02\x08\x01"s, 1},
                         // Fields of a later version of the protocol, of each type, around it.
                         Row{"\x10\x05\x1a\3abc\x21"s + "12345678" + "\x2d" + "1234" + "\x08\x01"s, 1},
                         Row{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, ~std::uint64_t{0}}}) {
    const auto status = servingStatus(prefixed(row.message));
    ASSERT_TRUE(status) << status.error();
    EXPECT_EQ(*status, row.status);
  }
  EXPECT_EQ(servingStatusName(1), "SERVING");
  EXPECT_EQ(servingStatusName(3), "SERVICE_UNKNOWN");
  EXPECT_EQ(servingStatusName(4), "");
}

TEST(GrpcHealth, WhatIsNoAnswerSaysWhy) {
  struct Row {
    std::string content;
    const char* complaint;
  };
  for (const Row& row : {Row{"", "it has no message"}, Row{"\0\0\0"s, "ends within the prefix: 00 00 00"},
                         Row{"\1\0\0\0\2\x08\x01"s, "compressed, which was not asked for: 01 00 00 00 02 08 01"},
                         Row{"\0\0\0\0\3\x08\x01"s, "should have 3 bytes, and 2 came"},
                         Row{"\0\0\0\0\2\x08\x01\0\0\0\0\0"s, "should have 2 bytes, and 7 came"},
                         Row{"\xff\xff\xff\xff\xff"s, "compressed"}, Row{"\0\xff\xff\xff\xff"s, "4294967295 bytes"},
                         Row{"<!doctype html><title>"s, "compressed, which was not asked for: 3c 21 64"}}) {
    const auto status = servingStatus(row.content);
    ASSERT_FALSE(status) << row.complaint;
    EXPECT_THAT(status.error(), HasSubstr(row.complaint));
  }
  for (const std::string& message :
       {"\x08"s, "\x08\x80"s, "\0\1"s, "\x0a\2a"s, "\x0a"s, "\x11"s + "1234567", "\x15"s + "123", "\x0b\x0c"s, "\x0e"s,
        "\x08"s + std::string(10, '\xff') + "\x01", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s}) {
    const auto status = servingStatus(prefixed(message));
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error(), HasSubstr("is not that of a health check")) << testing::PrintToString(message);
  }
}

TEST(GrpcHealth, EveryCutOfAnAnswerIsRead) {
  const std::string whole = prefixed("\x10\x05\x1a\3abc\x21"s + "12345678" + "\x2d" + "1234" + "\x08\x01");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(servingStatus(whole.substr(0, size))) << size;
  }
}

TEST(GrpcHealth, OnlyServingIsWell) {
  const auto complaint = [](std::optional<std::uint32_t> status, std::string_view message, const std::string& content) {
    return healthComplaint({.status = status, .message = message}, content).value_or("");
  };
  EXPECT_EQ(complaint(0, "", prefixed("\x08\x01")), "");
  EXPECT_EQ(complaint(0, "", prefixed("\x08\x02")), "answered NOT_SERVING, not SERVING");
  EXPECT_EQ(complaint(0, "", prefixed("")), "answered UNKNOWN, not SERVING");
  EXPECT_EQ(complaint(0, "", prefixed("\x08\x03")), "answered SERVICE_UNKNOWN, not SERVING");
  EXPECT_EQ(complaint(0, "", prefixed("\x08\x09")), "answered with status 9, not SERVING");
  EXPECT_EQ(complaint(0, "", ""), "gave an answer that cannot be read: it has no message");
  EXPECT_EQ(complaint({}, "", prefixed("\x08\x01")), "ended without a grpc-status");
  EXPECT_EQ(complaint(5, "unknown%20service", ""), "ended with grpc-status 5 (NOT_FOUND): unknown service");
  EXPECT_EQ(complaint(12, "", prefixed("\x08\x01")), "ended with grpc-status 12 (UNIMPLEMENTED)");
  EXPECT_EQ(complaint(99, "", ""), "ended with grpc-status 99");
}

TEST(GrpcHealth, AHeadThatIsNoGrpcIsNamed) {
  const auto complaint = [](const std::string& head) {
    ResponseParser parser(HeadLimits{});
    parser.expect(Method::Post);
    EXPECT_EQ(parser.feed(head).status, ParseStatus::Done);
    return healthHeadComplaint(parser.head()).value_or("");
  };
  EXPECT_EQ(complaint("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n\r\n"), "");
  EXPECT_EQ(complaint("HTTP/1.1 200 OK\r\nContent-Type: application/grpc+proto\r\n\r\n"), "");
  EXPECT_EQ(complaint("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n"),
            "answered 404 with Content-Type text/html, which is no gRPC");
  EXPECT_EQ(complaint("HTTP/1.1 503 No\r\nContent-Type: application/grpc\r\n\r\n"),
            "answered 503 with Content-Type application/grpc, which is no gRPC");
  EXPECT_EQ(complaint("HTTP/1.1 200 OK\r\n\r\n"), "answered 200 without a Content-Type, which is no gRPC");
}

}  // namespace
}  // namespace gatewhy
