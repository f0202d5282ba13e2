// SPDX-License-Identifier: Apache-2.0
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

constexpr HeadLimits kSmall{.section = 100, .start_line = 40, .field = 30, .fields = 4};

void expectLimit(const Outcome& outcome, ParseError error, std::uint64_t offset, std::uint64_t limit) {
  EXPECT_EQ(outcome.error, nameOf(error)) << outcome;
  EXPECT_EQ(outcome.offset, offset) << outcome;
  EXPECT_EQ(outcome.size, limit + 1) << outcome;
  EXPECT_EQ(outcome.limit, limit) << outcome;
}

std::string startLine(std::size_t size) {
  std::string line = "GET / HTTP/1.1";
  line.insert(5, size - line.size(), 'p');
  return line + "\r\n";
}

std::string field(char name, std::size_t size) {
  return std::string(1, name) + ": " + std::string(size - 3, 'v') + "\r\n";
}

TEST(HeadLimits, StartLineExactlyAtItsLimit) {
  EXPECT_EQ(parseRequest(startLine(40) + "Host: a\r\n\r\n", kSmall).status, ParseStatus::Done);
  expectLimit(parseRequest(startLine(41) + "Host: a\r\n\r\n", kSmall), E::StartLineTooLong, 40, 40);
}

TEST(HeadLimits, UnfinishedStartLineIsRefusedWhenItPasses) {
  EXPECT_EQ(parseRequest("GET /" + std::string(37, 'p'), kSmall).status, ParseStatus::NeedMore);
  expectLimit(parseRequest("GET /" + std::string(38, 'p'), kSmall), E::StartLineTooLong, 40, 40);
  expectLimit(parseRequest(std::string(500, 'G'), kSmall), E::StartLineTooLong, 40, 40);
}

TEST(HeadLimits, LimitWinsOverWhatIsWrongInTheSameLine) {
  expectLimit(parseRequest("GET /\x01" + std::string(500, 'p') + " HTTP/1.1\r\n", kSmall), E::StartLineTooLong, 40, 40);
  expectLimit(parseRequest("GET / HTTP/1.1\r\nX y" + std::string(500, 'p') + "\r\n", kSmall), E::FieldTooLarge, 46, 30);
}

TEST(HeadLimits, BadMethodWinsOverALimitThatCameLater) {
  const Outcome outcome = parseRequest("G(" + std::string(500, 'p') + "\r\n", kSmall);
  EXPECT_EQ(outcome.error, "MethodInvalid");
  EXPECT_EQ(outcome.offset, 1U);
}

TEST(HeadLimits, BadMethodAtTheVeryLimit) {
  for (std::size_t size = 38; size < 46; ++size) {
    parseRequest(std::string(size, 'G') + "(" + std::string(20, 'p'), kSmall);
    parseRequest(std::string(size, 'G') + "\r\n", kSmall);
    parseRequest(std::string(size, 'G') + "\n", kSmall);
  }
}

TEST(HeadLimits, FieldExactlyAtItsLimit) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(parseRequest(start + field('X', 30) + "\r\n", kSmall).status, ParseStatus::Done);
  const Outcome outcome = parseRequest(start + field('X', 31) + "\r\n", kSmall);
  expectLimit(outcome, E::FieldTooLarge, start.size() + 30, 30);
  EXPECT_EQ(outcome.header_name, "X");
  expectLimit(parseRequest(start + std::string(33, 'n'), kSmall), E::FieldTooLarge, start.size() + 30, 30);
}

TEST(HeadLimits, SectionExactlyAtItsLimit) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n" + field('X', 20);  // 47
  const std::string fits = start + field('Y', 30) + field('Z', 17);            // 98
  ASSERT_EQ(fits.size() + 2, 100U);
  EXPECT_EQ(parseRequest(fits + "\r\n", kSmall).status, ParseStatus::Done);
  const Outcome outcome = parseRequest(start + field('Y', 30) + field('Z', 18) + "\r\n", kSmall);
  expectLimit(outcome, E::HeadTooLarge, 100, 100);
  EXPECT_EQ(outcome.header_name, "Y");
}

TEST(HeadLimits, SectionPassedByAnUnfinishedField) {
  const std::string start = startLine(40) + "Host: a\r\n" + field('X', 20) + field('Y', 15);  // 90
  ASSERT_EQ(start.size(), 90U);
  EXPECT_EQ(parseRequest(start + "Z: 4567890", kSmall).status, ParseStatus::NeedMore);
  expectLimit(parseRequest(start + "Z: 45678901", kSmall), E::HeadTooLarge, 100, 100);
}

TEST(HeadLimits, SectionSmallerThanTheStartLine) {
  const HeadLimits limits{.section = 20, .start_line = 40, .field = 30, .fields = 4};
  expectLimit(parseRequest(startLine(30), limits), E::StartLineTooLong, 20, 20);
}

TEST(HeadLimits, FieldCount) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(parseRequest(start + "A:\r\nB:\r\nC:\r\n\r\n", kSmall).status, ParseStatus::Done);
  const Outcome outcome = parseRequest(start + "A:\r\nB:\r\nC:\r\nD:\r\n\r\n", kSmall);
  expectLimit(outcome, E::TooManyFields, start.size() + 12, 4);
  EXPECT_EQ(outcome.header_name, "D");
}

TEST(HeadLimits, EmptyLinesBeforeTheRequestDoNotCount) {
  EXPECT_EQ(parseRequest("\r\n\r\n" + startLine(40) + "Host: a\r\n\r\n", kSmall).status, ParseStatus::Done);
  const Outcome outcome = parseRequest("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(outcome.error, "StartLineEmpty");
  EXPECT_EQ(outcome.consumed, 10U);
}

TEST(HeadLimits, ZeroIsNoLimit) {
  RequestParser parser{HeadLimits{0, 0, 0, 0}};
  std::string bytes =
      "GET /" + std::string(100000, 'p') + " HTTP/1.1\r\nHost: a\r\nX: " + std::string(100000, 'v') + "\r\n";
  for (int i = 0; i < 1000; ++i) {
    bytes += "Y: z\r\n";
  }
  EXPECT_EQ(parser.feed(bytes + "\r\n").status, ParseStatus::Done);
  EXPECT_EQ(parser.head().fields.size(), 1002U);
}

// Longer than what the reader copies at once.
// Without a limit of its own a line has all of the head's, and whoever takes
// most of it is named.
TEST(HeadLimits, OneLineMayFillTheHead) {
  constexpr HeadLimits shared{.section = 200, .start_line = 0, .field = 0, .fields = 4};
  const std::string start = startLine(20);
  EXPECT_EQ(parseRequest(start + "Host: a\r\n" + field('A', 200 - 22 - 9 - 2 - 2) + "\r\n", shared).error, "");
  EXPECT_EQ(parseRequest(startLine(200 - 2 - 9 - 2) + "Host: a\r\n\r\n", shared).error, "");
  expectLimit(parseRequest(startLine(200), shared), E::StartLineTooLong, 200, 200);
  expectLimit(parseRequest(start + "Host: a\r\n" + field('A', 190), shared), E::FieldTooLarge, 200, 200);
  expectLimit(parseRequest(start + "Host: a\r\n" + field('A', 80) + field('B', 90), shared), E::HeadTooLarge, 200, 200);
}

TEST(HeadLimits, LongHeadsInEverySplit) {
  const std::string start = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nCookie: " + std::string(2000, 'c') + "\r\n";
  std::string bytes = start;
  for (int i = 0; i < 20; ++i) {
    bytes += "X-" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
  }
  const Outcome good = parseRequest(bytes + "\r\nbody");
  EXPECT_EQ(good.status, ParseStatus::Done);
  EXPECT_EQ(good.consumed, bytes.size() + 2);
  const Outcome bad = parseRequest(bytes + "X\r\n\r\n" + std::string(100, 'b'));
  EXPECT_EQ(bad.error, "FieldColonMissing");
  EXPECT_EQ(bad.offset, bytes.size() - 4 + 1);
}

TEST(HeadLimits, TooManyNominations) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: a";
  for (int i = 0; i < 64; ++i) {
    bytes += ",a";
  }
  const std::size_t last = bytes.size() - 1;
  const Outcome outcome = parseRequest(bytes + "\r\n\r\n");
  EXPECT_EQ(outcome.error, "ConnectionInvalid");
  EXPECT_EQ(outcome.offset, last);
}

TEST(HeadLimits, ApplyToResponses) {
  expectLimit(parseResponse("HTTP/1.1 200 " + std::string(100, 'r'), Method::Get, kSmall), E::StartLineTooLong, 40, 40);
  expectLimit(parseResponse("HTTP/1.1 200 OK\r\nX: " + std::string(100, 'r'), Method::Get, kSmall), E::FieldTooLarge,
              47, 30);
}

}  // namespace
}  // namespace gatewhy::test
