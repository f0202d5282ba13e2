// SPDX-License-Identifier: Apache-2.0
// Refusing everything is no virtue: odd, but legal, and seen in practice.
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

#define FIRST "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n"

void expectRequestsAccepted(const std::vector<Acceptance>& rows) {
  for (const Acceptance& row : rows) {
    const Outcome outcome = parseRequest(row.bytes);
    EXPECT_EQ(outcome.status, ParseStatus::Done) << escaped(row.bytes) << "\n" << outcome;
    EXPECT_EQ(outcome.consumed, row.bytes.size()) << escaped(row.bytes);
    EXPECT_EQ(outcome.result, row.words) << escaped(row.bytes);
  }
}

TEST(RequestAccepted, StartLines) {
  expectRequestsAccepted({
      {FIRST END ""sv, "GET / 1.1 a none keep"},
      {"\r\n" FIRST END ""sv, "GET / 1.1 a none keep"},
      {"\r\n\r\n\r\n\r\n" FIRST END ""sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.0\r\n\r\n"sv, "GET / 1.0  none close"},
      {"GET / HTTP/1.9\r\nHost: a\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "get / 1.1 a none keep"},
      {"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "M-SEARCH / 1.1 a none keep"},
      {"!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "!#$%&'*+-.^_`|~ / 1.1 a none keep"},
      {"1 / HTTP/1.1\r\nHost: a\r\n\r\n"sv, "1 / 1.1 a none keep"},
      {"PROPFIND /dav HTTP/1.1\r\nHost: a\r\n\r\n"sv, "PROPFIND /dav 1.1 a none keep"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"sv, "OPTIONS * 1.1 a none keep"},
      {"OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n"sv, "OPTIONS /x 1.1 a none keep"},
      {"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"sv, "CONNECT / 1.1 b none keep"},
      {"CONNECT b:443 HTTP/1.1\r\nHost: B\r\n\r\n"sv, "CONNECT / 1.1 b none keep"},
      {"CONNECT [2001:DB8::1]:443 HTTP/1.0\r\n\r\n"sv, "CONNECT / 1.0 2001:db8::1 none close"},
  });
}

TEST(RequestAccepted, Targets) {
  expectRequestsAccepted({
      {"GET // HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET // 1.1 a none keep"},
      {"GET //b/c HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET //b/c 1.1 a none keep"},
      {"GET /? HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /? 1.1 a none keep"},
      {"GET /?a=b?c HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /?a=b?c 1.1 a none keep"},
      {"GET /a?{b}|^`<>\"\\ HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /a?{b}|^`<>\"\\ 1.1 a none keep"},
      {"GET /a[1] HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /a[1] 1.1 a none keep"},
      {"GET /%zz%00 HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /%zz%00 1.1 a none keep"},
      {"GET /../../etc HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /../../etc 1.1 a none keep"},
      {"GET /a:b@c,d;e HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /a:b@c,d;e 1.1 a none keep"},
      {"GET /http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"sv, "GET /http://b/ 1.1 a none keep"},
      {"GET http://b/c?d HTTP/1.1\r\nHost: b\r\n\r\n"sv, "GET /c?d 1.1 b none keep absolute"},
      {"GET HTTP://B HTTP/1.1\r\nHost: b\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n"sv, "GET /?q 1.1 b none keep absolute"},
      {"GET http://b:80/ HTTP/1.1\r\nHost: b\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET http://b/ HTTP/1.1\r\nHost: B:80\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET http://b:/ HTTP/1.1\r\nHost: b:\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET https://b/ HTTP/1.1\r\nHost: b:443\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET http://b:8080/ HTTP/1.1\r\nHost: b:8080\r\n\r\n"sv, "GET / 1.1 b none keep absolute"},
      {"GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"sv, "GET / 1.1 ::1 none keep absolute"},
      {"GET http://b/ HTTP/1.0\r\n\r\n"sv, "GET / 1.0 b none close absolute"},
      {"OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n"sv, "OPTIONS / 1.1 b none keep absolute"},
  });
}

TEST(RequestAccepted, Hosts) {
  expectRequestsAccepted({
      {"GET / HTTP/1.1\r\nHost:a\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nhOsT: EXAMPLE.com\r\n\r\n"sv, "GET / 1.1 example.com none keep"},
      {"GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: a:00080\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n"sv, "GET / 1.1 192.0.2.1 none keep"},
      {"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"sv, "GET / 1.1 ::1 none keep"},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"sv, "GET / 1.1 ::1 none keep"},
      {"GET / HTTP/1.1\r\nHost: [::FFFF:192.0.2.1]:\r\n\r\n"sv, "GET / 1.1 ::ffff:192.0.2.1 none keep"},
      {"GET / HTTP/1.1\r\nHost: a_b.c-d\r\n\r\n"sv, "GET / 1.1 a_b.c-d none keep"},
      {"GET / HTTP/1.1\r\nHost: a.\r\n\r\n"sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.1\r\nHost: xn--caf-dma.example\r\n\r\n"sv, "GET / 1.1 xn--caf-dma.example none keep"},
      {"GET / HTTP/1.1\r\nHost: 1\r\n\r\n"sv, "GET / 1.1 1 none keep"},
      {"GET / HTTP/1.0\r\nHost: a\r\n\r\n"sv, "GET / 1.0 a none close"},
  });
}

TEST(RequestAccepted, Fields) {
  expectRequestsAccepted({
      {FIRST "X:\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X: \t \r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X:y\r\nX:z\r\nx:\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X: a\tb  c\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X: \x80\xff\xc3\xa9 abcdefghijkl\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X: :;,\"\\()<>@[]{}?=/#%\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "!#$%&'*+-.^_`|~1: y\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "X_Y: z\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "1: z\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Content-Lengths: x\r\nTransfer-Encodin: x\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Content_Length: 5\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Cookie: a=b; c=\"d\"\r\n" END ""sv, "GET / 1.1 a none keep"},
  });
}

TEST(RequestAccepted, Bodies) {
  expectRequestsAccepted({
      {POST "Content-Length: 0\r\n" END ""sv, "POST /x 1.1 a 0 keep"},
      {POST "Content-Length: 5\r\n" END ""sv, "POST /x 1.1 a 5 keep"},
      {POST "Content-Length:5\t\r\n" END ""sv, "POST /x 1.1 a 5 keep"},
      {POST "CONTENT-LENGTH: 5\r\n" END ""sv, "POST /x 1.1 a 5 keep"},
      {POST "Content-Length: 00000000000000000000000000000000000005\r\n" END ""sv, "POST /x 1.1 a 5 keep"},
      {POST "Content-Length: 9223372036854775807\r\n" END ""sv, "POST /x 1.1 a 9223372036854775807 keep"},
      {FIRST "Content-Length: 3\r\n" END ""sv, "GET / 1.1 a 3 keep"},
      {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"sv, "POST / 1.0  3 close"},
      {POST "Transfer-Encoding: chunked\r\n" END ""sv, "POST /x 1.1 a chunked keep"},
      {POST "transfer-encoding:CHUNKED \t\r\n" END ""sv, "POST /x 1.1 a chunked keep"},
      {FIRST "Transfer-Encoding: Chunked\r\n" END ""sv, "GET / 1.1 a chunked keep"},
      {POST END ""sv, "POST /x 1.1 a none keep"},
      {POST "Content-Length: 1\r\nExpect: 100-continue\r\n" END ""sv, "POST /x 1.1 a 1 keep expect"},
      {POST "Transfer-Encoding: chunked\r\nExpect: 100-CONTINUE\r\n" END ""sv, "POST /x 1.1 a chunked keep expect"},
      {POST "Content-Length: 1\r\nExpect: ,100-continue,\r\n" END ""sv, "POST /x 1.1 a 1 keep expect"},
      {POST "Content-Length: 1\r\nExpect:\r\n" END ""sv, "POST /x 1.1 a 1 keep"},
      {POST "Content-Length: 0\r\nExpect: 100-continue\r\n" END ""sv, "POST /x 1.1 a 0 keep"},
      {FIRST "Expect: 100-continue\r\n" END ""sv, "GET / 1.1 a none keep"},
      {"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: x\r\n\r\n"sv, "POST / 1.0  1 close"},
  });
}

TEST(RequestAccepted, Connections) {
  expectRequestsAccepted({
      {FIRST "Connection: close\r\n" END ""sv, "GET / 1.1 a none close"},
      {FIRST "Connection: CLOSE\r\n" END ""sv, "GET / 1.1 a none close"},
      {FIRST "Connection: keep-alive\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Connection: keep-alive, close\r\n" END ""sv, "GET / 1.1 a none close"},
      {FIRST "Connection: keep-alive\r\nConnection: close\r\n" END ""sv, "GET / 1.1 a none close"},
      {FIRST "Connection:\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Connection: ,, ,close,\r\n" END ""sv, "GET / 1.1 a none close"},
      {FIRST "Connection: closed\r\n" END ""sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"sv, "GET / 1.0  none keep"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"sv, "GET / 1.0  none close"},
      {FIRST "Keep-Alive: 5\r\nConnection: keep-alive\r\n" END ""sv, "GET / 1.1 a none keep -Keep-Alive"},
      {FIRST "Connection: x-b, Authorization\r\nX-B: 1\r\nAUTHORIZATION: 2\r\nX-C: 3\r\n" END ""sv,
       "GET / 1.1 a none keep -X-B -AUTHORIZATION"},
      {FIRST "X-Forwarded-For: b\r\nConnection: x-forwarded-for\r\n" END ""sv,
       "GET / 1.1 a none keep -X-Forwarded-For"},
      {FIRST "Connection: Upgrade\r\nUpgrade: websocket\r\n" END ""sv, "GET / 1.1 a none keep upgrade -Upgrade"},
      {FIRST "Upgrade: websocket\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Connection: upgrade\r\n" END ""sv, "GET / 1.1 a none keep"},
      {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"sv, "GET / 1.0  none close -Upgrade"},
      {FIRST "TE: trailers\r\nConnection: TE\r\n" END ""sv, "GET / 1.1 a none keep trailers -TE"},
      {FIRST "TE: gzip;q=0.5, Trailers\r\nConnection: te\r\n" END ""sv, "GET / 1.1 a none keep trailers -TE"},
      {FIRST "TE: gzip\r\n" END ""sv, "GET / 1.1 a none keep"},
      {FIRST "Proxy-Connection: keep-alive\r\n" END ""sv, "GET / 1.1 a none keep"},
  });
}

TEST(RequestAccepted, UnfinishedHeadsWantMore) {
  for (const std::string_view bytes : {""sv, "\r"sv, "\r\n"sv, "G"sv, "GET"sv, "GET "sv, "GET / HTTP/1.1"sv,
                                       "GET / HTTP/1.1\r"sv, "GET / HTTP/1.1\r\n"sv, "GET / HTTP/1.1\r\nHos"sv,
                                       "GET / HTTP/1.1\r\nHost: a\r\n"sv, "GET / HTTP/1.1\r\nHost: a\r\n\r"sv}) {
    EXPECT_EQ(parseRequest(bytes).status, ParseStatus::NeedMore) << escaped(bytes);
  }
}

TEST(RequestAccepted, StartedWithTheFirstOctetOfAHead) {
  RequestParser parser{HeadLimits{}};
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("\r\n\r\n").status, ParseStatus::NeedMore);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("G").status, ParseStatus::NeedMore);
  EXPECT_TRUE(parser.started());
  parser.reset();
  EXPECT_FALSE(parser.started());
}

TEST(RequestAccepted, PipelinedHeadsOneAfterTheOther) {
  RequestParser parser{HeadLimits{}};
  const std::string bytes = FIRST "Cookie: 1\r\n\r\nHEAD /b HTTP/1.0\r\n\r\n";
  const ParseStep first = parser.feed(bytes);
  ASSERT_EQ(first.status, ParseStatus::Done);
  EXPECT_EQ(parser.head().fields.size(), 2U);
  parser.reset();
  const ParseStep second = parser.feed(std::string_view(bytes).substr(first.consumed));
  ASSERT_EQ(second.status, ParseStatus::Done);
  EXPECT_EQ(inWords(parser.head()), "HEAD /b 1.0  none close");
  EXPECT_EQ(parser.head().method, Method::Head);
}

TEST(RequestAccepted, ViewsOfTheHead) {
  RequestParser parser{HeadLimits{}};
  const std::string_view bytes = "GET http://A:81/p?q HTTP/1.1\r\nHost: a:81\r\nX:  v \r\nuser-agent: u\r\n\r\n";
  ASSERT_EQ(parser.feed(bytes).status, ParseStatus::Done);
  const RequestHead& head = parser.head();
  EXPECT_EQ(head.bytes, bytes);
  EXPECT_EQ(head.authority(), "A:81");
  EXPECT_EQ(head.target(), "http://A:81/p?q");
  EXPECT_EQ(head.valueOf(FieldId::UserAgent), "u");
  EXPECT_EQ(head.name(head.fields[1]), "X");
  EXPECT_EQ(head.value(head.fields[1]), "v");
  EXPECT_EQ(head.count(FieldId::Host), 1U);
  EXPECT_EQ(head.find(FieldId::Via), nullptr);
}

}  // namespace
}  // namespace gatewhy::test
