// SPDX-License-Identifier: Apache-2.0
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

#define OK "HTTP/1.1 200 OK\r\n"
#define END "\r\n"

void expectResponsesRefused(const std::vector<Refusal>& rows, Method method = Method::Get) {
  for (const Refusal& row : rows) {
    const Marked marked = unmark(row.bytes);
    expectRefused(parseResponse(marked.bytes, method), marked, row.error);
  }
}

void expectResponsesAccepted(const std::vector<Acceptance>& rows, Method method = Method::Get) {
  for (const Acceptance& row : rows) {
    const Outcome outcome = parseResponse(row.bytes, method);
    EXPECT_EQ(outcome.status, ParseStatus::Done) << escaped(row.bytes) << "\n" << outcome;
    EXPECT_EQ(outcome.consumed, row.bytes.size()) << escaped(row.bytes);
    EXPECT_EQ(outcome.result, row.words) << escaped(row.bytes);
  }
}

TEST(ResponseRefused, WhatIsNoHttpByItsFirstOctets) {
  expectResponsesRefused({
      {"«ICY 200 OK\r\n"sv, E::NotHttp},
      {"«SSH-2.0-OpenSSH_9.2\r\n"sv, E::NotHttp},
      {"«220 mail ESMTP\r\n"sv, E::NotHttp},
      {"«<html>"sv, E::NotHttp},
      {"«\x15\x03\x01"sv, E::NotHttp},
      {"«\0\0\x12\x04\0\0\0\0\0"sv, E::NotHttp},
      {"«http/1.1 200 OK\r\n"sv, E::NotHttp},
      {"H«ttp/1.1 200 OK\r\n"sv, E::NotHttp},
      {"HTTP« 1.1 200 OK\r\n"sv, E::NotHttp},
      {"HTTP«S/1.1 200 OK\r\n"sv, E::NotHttp},
      {"HT«\r\n"sv, E::NotHttp},
      {"HTT«\nP/1.1 200 OK\r\n"sv, E::NotHttp},
      {"« HTTP/1.1 200 OK\r\n"sv, E::NotHttp},
      {"«\tHTTP/1.1 200 OK\r\n"sv, E::NotHttp},
      {"«GET / HTTP/1.1\r\n"sv, E::NotHttp},
      {"«{\"a\":1}"sv, E::NotHttp},
      {"«\xef\xbb\xbfHTTP/1.1 200 OK\r\n"sv, E::NotHttp},
      {"«\r\nHTTP/1.1 200 OK\r\n"sv, E::StartLineEmpty},
      {"«\nHTTP/1.1 200 OK\r\n"sv, E::StartLineEmpty},
  });
}

TEST(ResponseRefused, BadVersion) {
  expectResponsesRefused({
      {"HTTP/«2 200\r\n"sv, E::VersionUnsupported},
      {"HTTP/«2.0 200 OK\r\n"sv, E::VersionUnsupported},
      {"HTTP/«0.9 200 OK\r\n"sv, E::VersionUnsupported},
      {"HTTP/«3 200\r\n"sv, E::VersionUnsupported},
      {"HTTP/«x.1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/« 1.1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1« 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1«0.1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1«,1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1.«x 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1.« 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1.1«1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1.1«.1 200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/1.1«,200 OK\r\n"sv, E::VersionInvalid},
      {"HTTP/«\0"sv, E::Nul},
      {"HTTP/1.«\r\n"sv, E::BareCr},
  });
}

TEST(ResponseRefused, BadStatusLine) {
  expectResponsesRefused({
      {"HTTP/1.1«\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 20«\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 20« OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 200«0 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 200«OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 200«\tOK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «-200 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «+20 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 2«x0 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «000 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «099 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «600 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 «999 OK\r\n"sv, E::StatusInvalid},
      {"HTTP/1.1 « 200 OK\r\n"sv, E::StartLineWhitespace},
      {"HTTP/1.1 «\t200 OK\r\n"sv, E::StartLineWhitespace},
      {"HTTP/1.1«\t200 OK\r\n"sv, E::StartLineWhitespace},
      {"HTTP/1.1 200 a«\x01\r\n"sv, E::ReasonInvalid},
      {"HTTP/1.1 200 «\x7f\r\n"sv, E::ReasonInvalid},
      {"HTTP/1.1 200 a«\0b\r\n"sv, E::Nul},
      {"HTTP/1.1 200 a«\rb\r\n"sv, E::BareCr},
      {"HTTP/1.1«\r200 OK\r\n"sv, E::BareCr},
      {"HTTP/1.1 200 OK«\n"sv, E::BareLf},
      {"HTTP/1.1«\n"sv, E::BareLf},
  });
}

TEST(ResponseRefused, BadFields) {
  expectResponsesRefused({
      {OK "X: y«\n" END ""sv, E::BareLf},
      {OK "«\n"sv, E::BareLf},
      {OK "X« : y\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "X«\r\n" END ""sv, E::FieldColonMissing},
      {OK "«: y\r\n" END ""sv, E::FieldNameEmpty},
      {OK "«<html>\r\n" END ""sv, E::FieldNameInvalid},
      {OK "X: «\x01\r\n" END ""sv, E::FieldValueInvalid},
      {OK "X: «\0\r\n" END ""sv, E::Nul},
      {OK "X: y\r\n« z\r\n" END ""sv, E::FieldFolded},
      {OK "« X: y\r\n" END ""sv, E::FieldNameInvalid},
      {OK "Connection: a« c\r\n" END ""sv, E::ConnectionInvalid},
      {OK "Connection: «content-length\r\n" END ""sv, E::ConnectionInvalid},
  });
}

TEST(ResponseRefused, BadFraming) {
  const std::vector<Refusal> rows{
      {OK "Content-Length: «x\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length:«\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: «-1\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: 5, «5\r\n" END ""sv, E::ContentLengthRepeated},
      {OK "Content-Length: 5, «6\r\n" END ""sv, E::ContentLengthDiffers},
      {OK "Content-Length: 5, «x\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: 922337203685477580«8\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: 5\r\nContent-Length: «5\r\n" END ""sv, E::ContentLengthRepeated},
      {OK "Content-Length: 5\r\nContent-Length: «6\r\n" END ""sv, E::ContentLengthDiffers},
      {OK "Content-Length: 5\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::LengthAndCoding},
      {OK "Transfer-Encoding: chunked\r\nContent-Length: «5\r\n" END ""sv, E::LengthAndCoding},
      {OK "Transfer-Encoding: «gzip, chunked\r\n" END ""sv, E::CodingUnsupported},
      {OK "Transfer-Encoding: «gzip\r\n" END ""sv, E::CodingUnsupported},
      {OK "Transfer-Encoding: «identity\r\n" END ""sv, E::CodingUnsupported},
      {OK "Transfer-Encoding: chunked, «gzip\r\n" END ""sv, E::ChunkedNotLast},
      {OK "Transfer-Encoding: chunked, «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {OK "Transfer-Encoding:«\r\n" END ""sv, E::ChunkedNotLast},
      {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: «chunked\r\n\r\n"sv, E::CodingInHttp10},
      {"HTTP/1.1 204 No\r\nContent-Length: 1\r\nTransfer-Encoding: «chunked\r\n\r\n"sv, E::LengthAndCoding},
  };
  expectResponsesRefused(rows);
  expectResponsesRefused(rows, Method::Head);
}

TEST(ResponseAccepted, StatusLines) {
  expectResponsesAccepted({
      {"HTTP/1.1 200 OK\r\n\r\n"sv, "200 'OK' 1.1 until_close close"},
      {"HTTP/1.1 200 \r\n\r\n"sv, "200 '' 1.1 until_close close"},
      {"HTTP/1.1 200\r\n\r\n"sv, "200 '' 1.1 until_close close"},
      {"HTTP/1.0 200 OK\r\n\r\n"sv, "200 'OK' 1.0 until_close close"},
      {"HTTP/1.7 200 OK\r\n\r\n"sv, "200 'OK' 1.1 until_close close"},
      {"HTTP/1.1 200  OK \r\n\r\n"sv, "200 ' OK ' 1.1 until_close close"},
      {"HTTP/1.1 404 Pas trouv\xe9\r\n\r\n"sv, "404 'Pas trouv\xe9' 1.1 until_close close"},
      {"HTTP/1.1 200 a\tb\r\n\r\n"sv, "200 'a\tb' 1.1 until_close close"},
      {"HTTP/1.1 200 123: x\r\n\r\n"sv, "200 '123: x' 1.1 until_close close"},
      {"HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n"sv, "599 'x' 1.1 0 keep"},
      {"HTTP/1.1 299 x\r\nContent-Length: 0\r\n\r\n"sv, "299 'x' 1.1 0 keep"},
  });
}

TEST(ResponseAccepted, Framing) {
  expectResponsesAccepted({
      {OK "Content-Length: 5\r\n" END ""sv, "200 'OK' 1.1 5 keep"},
      {OK "Content-Length: 0\r\n" END ""sv, "200 'OK' 1.1 0 keep"},
      {OK "Transfer-Encoding: Chunked\r\n" END ""sv, "200 'OK' 1.1 chunked keep"},
      {OK "Transfer-Encoding: chunked\r\nConnection: close\r\n" END ""sv, "200 'OK' 1.1 chunked close"},
      {OK "Connection: keep-alive\r\n" END ""sv, "200 'OK' 1.1 until_close close"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"sv, "200 'OK' 1.0 5 close"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"sv, "200 'OK' 1.0 5 keep"},
      {"HTTP/1.1 204 No Content\r\n\r\n"sv, "204 'No Content' 1.1 none keep"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"sv, "204 'No Content' 1.1 none(0) keep"},
      {"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n"sv, "205 'Reset' 1.1 0 keep"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"sv, "304 'Not Modified' 1.1 none(77) keep"},
      {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"sv, "304 'Not Modified' 1.1 none keep"},
      {"HTTP/1.1 100 Continue\r\n\r\n"sv, "100 'Continue' 1.1 none keep"},
      {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"sv, "103 'Early Hints' 1.1 none keep"},
      {"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"sv,
       "101 'Switching' 1.1 none keep upgrade"},
  });
}

TEST(ResponseAccepted, AnswersToHeadHaveNoBody) {
  expectResponsesAccepted(
      {
          {OK "Content-Length: 5\r\n" END ""sv, "200 'OK' 1.1 none(5) keep"},
          {OK "Transfer-Encoding: chunked\r\n" END ""sv, "200 'OK' 1.1 none keep"},
          {OK END ""sv, "200 'OK' 1.1 none keep"},
      },
      Method::Head);
}

TEST(ResponseAccepted, AnswersToConnect) {
  expectResponsesAccepted(
      {
          {OK "Content-Length: 5\r\n" END ""sv, "200 'OK' 1.1 none keep"},
          {OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END ""sv, "200 'OK' 1.1 none keep"},
          {"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n"sv, "403 'No' 1.1 5 keep"},
      },
      Method::Connect);
}

TEST(ResponseAccepted, InterimThenFinal) {
  ResponseParser parser{HeadLimits{}};
  const std::string bytes = "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi";
  const ParseStep interim = parser.feed(bytes);
  ASSERT_EQ(interim.status, ParseStatus::Done);
  EXPECT_EQ(parser.head().status, 100);
  parser.reset();
  const ParseStep final_step = parser.feed(std::string_view(bytes).substr(interim.consumed));
  ASSERT_EQ(final_step.status, ParseStatus::Done);
  EXPECT_EQ(interim.consumed + final_step.consumed, bytes.size() - 2);
  EXPECT_EQ(parser.head().content_length, 2U);
}

TEST(ResponseAccepted, LastCompleteLine) {
  ResponseParser parser{HeadLimits{}};
  EXPECT_EQ(parser.lastCompleteLine(), "");
  parser.feed("HTTP/1.1 200");
  EXPECT_EQ(parser.lastCompleteLine(), "");
  parser.feed(" OK\r\nServer: x\r");
  EXPECT_EQ(parser.lastCompleteLine(), "HTTP/1.1 200 OK");
  parser.feed("\nDate: to");
  EXPECT_EQ(parser.lastCompleteLine(), "Server: x");
  parser.reset();
  EXPECT_EQ(parser.lastCompleteLine(), "");
}

TEST(ResponseRefused, EvidenceKeepsTheFirstOctets) {
  ResponseParser parser{HeadLimits{}};
  ASSERT_EQ(parser.feed("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").status, ParseStatus::Error);
  EXPECT_EQ(parser.fault().excerpt, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
  parser.reset();
  ASSERT_EQ(parser.feed("HTTP/1.1 999 No way\r\n").status, ParseStatus::Error);
  EXPECT_EQ(parser.fault().token, "999");
}

}  // namespace
}  // namespace gatewhy::test
