// SPDX-License-Identifier: Apache-2.0
// Heads of requests: what they become, and what is refused.
#include "tests/unit/proxy/http/h2/h2_world.h"

namespace gatewhy::test {
namespace {

struct HeadRow {
  std::string_view what;
  H2TestFields fields;
  bool ends = true;
  std::string event;
};

class H2RequestHead : public ::testing::TestWithParam<HeadRow> {};

TEST_P(H2RequestHead, BecomesThis) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, GetParam().fields, GetParam().ends));
  ASSERT_EQ(world.events.size(), 1U) << world.all();
  EXPECT_EQ(world.events[0], GetParam().event);
}

std::vector<HeadRow> goodHeads() {
  return {
      {"a request", kGet, true, "head 1 GET / HTTP/1.1|host: a.example|| ends"},
      {"a body of unknown length", kPost, false, "head 1 POST / HTTP/1.1|host: a.example||"},
      {"fields keep their order", with(kGet, {{"b", "1"}, {"a", "2"}}), true,
       "head 1 GET / HTTP/1.1|host: a.example|b: 1|a: 2|| ends"},
      {"an empty value", with(kGet, {{"b", ""}}), true, "head 1 GET / HTTP/1.1|host: a.example|b: || ends"},
      {"crumbs", with(kGet, {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}), true,
       "head 1 GET / HTTP/1.1|host: a.example|x: y|cookie: a=1; b=2|| ends"},
      {"Host alone",
       {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "b.example"}},
       true,
       "head 1 GET / HTTP/1.1|host: b.example|| ends"},
      {"Host says the same", with(kGet, {{"host", "A.example:80"}}), true,
       "head 1 GET / HTTP/1.1|host: a.example|| ends"},
      {"a query",
       {{":method", "GET"}, {":path", "/a?b=c"}, {":scheme", "http"}, {":authority", "a:81"}},
       true,
       "head 1 GET /a?b=c HTTP/1.1|host: a:81|| ends"},
      {"OPTIONS *",
       {{":method", "OPTIONS"}, {":path", "*"}, {":scheme", "http"}, {":authority", "a"}},
       true,
       "head 1 OPTIONS * HTTP/1.1|host: a|| ends"},
      {"TE: trailers", with(kGet, {{"te", "trailers"}}), true,
       "head 1 GET / HTTP/1.1|host: a.example|te: trailers|| ends"},
      {"CONNECT",
       {{":method", "CONNECT"}, {":authority", "a:443"}},
       false,
       "head 1 CONNECT a:443 HTTP/1.1|host: a:443||"},
      {"a WebSocket",
       {{":method", "CONNECT"},
        {":protocol", "websocket"},
        {":scheme", "https"},
        {":path", "/chat"},
        {":authority", "a"},
        {"origin", "https://a"},
        {"sec-websocket-version", "13"}},
       false,
       "head 1 GET /chat HTTP/1.1|host: a|connection: upgrade|upgrade: websocket|origin: https://a|"
       "sec-websocket-version: 13|sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==|| protocol websocket"},
  };
}

INSTANTIATE_TEST_SUITE_P(Rows, H2RequestHead, ::testing::ValuesIn(goodHeads()));

TEST(H2Request, TheHeadIsWeighedAsHttp11) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"expect", "100-continue"}, {"te", "trailers"}}), false));
  EXPECT_EQ(world.head().method, Method::Post);
  EXPECT_EQ(world.head().host, "a.example");
  EXPECT_EQ(world.head().body, BodyKind::Chunked);
  EXPECT_TRUE(world.head().expect_continue);
  EXPECT_TRUE(world.head().te_trailers);
  EXPECT_EQ(world.head().path(), "/");
}

TEST(H2Request, AKnownLengthIsALength) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"content-length", "3"}}), false));
  EXPECT_EQ(world.head().body, BodyKind::Length);
  EXPECT_EQ(world.head().content_length, 3U);
}

TEST(H2Request, AWebSocketIsAnUpgrade) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1,
                                   {{":method", "CONNECT"},
                                    {":protocol", "websocket"},
                                    {":scheme", "https"},
                                    {":path", "/chat"},
                                    {":authority", "a"}},
                                   false));
  EXPECT_TRUE(world.head().upgrade);
  EXPECT_EQ(world.head().body, BodyKind::None);
}

// ---- refused ---------------------------------------------------------------

class H2RequestFault : public ::testing::TestWithParam<HeadRow> {};

TEST_P(H2RequestFault, IsToldAndNoRequest) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, GetParam().fields, GetParam().ends));
  ASSERT_EQ(world.events.size(), 1U) << world.all();
  EXPECT_EQ(world.events[0], GetParam().event);
  const bool reset = GetParam().event.find(" reset ") != std::string::npos;
  EXPECT_EQ(world.saw("RST_STREAM 1 PROTOCOL_ERROR"), reset);
  EXPECT_EQ(world.session.streams(), reset ? 0U : 1U);
}

std::vector<HeadRow> badHeads() {
  const H2TestFields none_but_method = {{":method", "GET"}};
  return {
      {"no method",
       {{":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
       true,
       "fault 1 reset pseudo_header_missing ':method' 0"},
      {"no scheme",
       {{":method", "GET"}, {":authority", "a"}, {":path", "/"}},
       true,
       "fault 1 reset pseudo_header_missing ':scheme' 0"},
      {"no path",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "https"}},
       true,
       "fault 1 reset pseudo_header_missing ':path' 0"},
      {"an empty path",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "https"}, {":path", ""}},
       true,
       "fault 1 reset pseudo_header_missing ':path' 0"},
      {"a path twice", with(kGet, {{":path", "/"}}), true, "fault 1 reset pseudo_header_repeated ':path' 0"},
      {"an unknown pseudo-header field", with(kGet, {{":x", "/"}}), true, "fault 1 reset pseudo_header_unknown ':x' 0"},
      {"one of responses", with(kGet, {{":status", "200"}}), true, "fault 1 reset pseudo_header_unknown ':status' 0"},
      {"one behind others",
       with(with(none_but_method, {{":scheme", "https"}, {":path", "/"}, {"a", "b"}}), {{":authority", "a"}}), true,
       "fault 1 reset pseudo_header_misplaced ':authority' 22"},
      {":protocol of a GET", with(kGet, {{":protocol", "websocket"}}), true,
       "fault 1 reset pseudo_header_misplaced ':protocol' 0"},
      {"a path of CONNECT",
       {{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}},
       true,
       "fault 1 reset pseudo_header_misplaced ':path' 0"},
      {"an absolute path",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "https"}, {":path", "https://a/"}},
       true,
       "fault 1 answer target_invalid ':path' 7"},
      {"a path with a space",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "https"}, {":path", "/a b"}},
       true,
       "fault 1 answer target_invalid ':path' 9"},
      {"a path with a line end",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "https"}, {":path", "/ HTTP/1.1\r\na: b"}},
       true,
       "fault 1 answer target_invalid ':path' 8"},
      {"a method with a space",
       {{":method", "GET /x"}, {":authority", "a"}, {":scheme", "https"}, {":path", "/"}},
       true,
       "fault 1 answer method_invalid ':method' 12"},
      {"an authority with a line end",
       {{":method", "GET"}, {":authority", "a\r\nx: y"}, {":scheme", "https"}, {":path", "/"}},
       true,
       "fault 1 answer host_invalid ':authority' 13"},
      {"a strange scheme",
       {{":method", "GET"}, {":authority", "a"}, {":scheme", "ftp"}, {":path", "/"}},
       true,
       "fault 1 answer target_invalid ':scheme' 9"},
      {"user information",
       {{":method", "GET"}, {":authority", "u@a"}, {":scheme", "https"}, {":path", "/"}},
       true,
       "fault 1 answer host_invalid 'host' 23"},
      {"no authority at all",
       {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}},
       true,
       "fault 1 answer host_missing '' 16"},
      {"Host says something else", with(kGet, {{"host", "b.example"}}), true, "fault 1 answer host_invalid 'host' 33"},
      {"two Hosts", with(kGet, {{"host", "a.example"}, {"host", "a.example"}}), true,
       "fault 1 answer host_duplicate 'host' 33"},
      {"upper case", with(kGet, {{"Accept", "*"}}), true, "fault 1 reset field_name_uppercase 'Accept' 33"},
      {"a name that is no token", with(kGet, {{"a b", "c"}}), true, "fault 1 reset field_name_invalid 'a b' 34"},
      {"a colon in a name", with(kGet, {{"a:b", "c"}}), true, "fault 1 reset field_name_invalid 'a:b' 34"},
      {"no name", with(kGet, {{"", "c"}}), true, "fault 1 reset field_name_empty '' 33"},
      {"a line end in a value", with(kGet, {{"a", "b\r\nx: y"}}), true, "fault 1 reset bare_cr 'a' 37"},
      {"NUL in a value", with(kGet, {{"a", std::string_view("b\0c", 3)}}), true, "fault 1 reset nul 'a' 37"},
      {"a blank before a value", with(kGet, {{"a", " b"}}), true, "fault 1 reset field_value_invalid 'a' 36"},
      {"a blank behind a value", with(kGet, {{"a", "b\t"}}), true, "fault 1 reset field_value_invalid 'a' 37"},
      {"Connection", with(kGet, {{"connection", "close"}}), true, "fault 1 reset field_of_connection 'connection' 33"},
      {"Transfer-Encoding", with(kPost, {{"transfer-encoding", "chunked"}}), false,
       "fault 1 reset field_of_connection 'transfer-encoding' 34"},
      {"TE", with(kGet, {{"te", "gzip"}}), true, "fault 1 reset field_of_connection 'te' 33"},
      {"a length without a body", with(kPost, {{"content-length", "1"}}), true,
       "fault 1 reset body_length_differs 'content-length' 0"},
      {"two lengths", with(kPost, {{"content-length", "1"}, {"content-length", "2"}}), false,
       "fault 1 answer content_length_differs 'content-length' 69"},
      {"an unknown expectation", with(kPost, {{"expect", "200-ok"}}), false,
       "fault 1 answer expectation_unknown 'expect' 42"},
  };
}

INSTANTIATE_TEST_SUITE_P(Rows, H2RequestFault, ::testing::ValuesIn(badHeads()));

TEST(H2Request, ProtocolIsUnknownWhereItWasNotOffered) {
  H2World world({.extended_connect = false});
  world.feed(h2Hello() + h2Headers(1, {{":method", "CONNECT"}, {":protocol", "websocket"}}, false));
  EXPECT_EQ(world.all(), "fault 1 reset pseudo_header_unknown ':protocol' 0\n");
}

TEST(H2Request, WhatWasUnderstoodOfAFaultyHeadIsThere) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kGet, {{"user-agent", "x"}, {"Bad", "y"}})));
  EXPECT_EQ(world.head().methodToken(), "GET");
  EXPECT_EQ(world.head().host, "a.example");
  EXPECT_EQ(world.head().valueOf(FieldId::UserAgent), "x");
}

TEST(H2Request, EvidenceHidesCredentials) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kGet, {{"authorization", "Bearer abc\x01"}})));
  EXPECT_EQ(world.last_fault.header_name, "authorization");
  EXPECT_EQ(world.last_fault.excerpt.find("abc"), std::string::npos);
}

// ---- how much --------------------------------------------------------------

TEST(H2Request, AListThatIsTooLongIsAnswered) {
  H2World world({.header_list = 1000});
  world.feed(h2Hello() + h2Headers(1, with(kGet, {{"a", std::string(900, 'x')}})));
  EXPECT_EQ(world.all(), "fault 1 answer head_too_large 'a' 33\n");
  EXPECT_EQ(world.last_fault.limit, 1000U);
  EXPECT_GT(world.last_fault.size, 1000U);
  world.feed(h2Headers(3, kGet));
  EXPECT_TRUE(world.told("head 3 GET / HTTP/1.1|host: a.example|| ends"));
}

TEST(H2Request, ManyFieldsAreCountedAsHttp11Does) {
  H2World world({.head = {.fields = 3}});
  world.feed(h2Hello() + h2Headers(1, with(kGet, {{"a", "1"}, {"b", "1"}, {"c", "1"}})));
  EXPECT_TRUE(world.events.at(0).starts_with("fault 1 answer too_many_fields")) << world.all();
}

TEST(H2Request, ABombOfHpackEndsTheConnection) {
  H2World world({.header_list = 4096});
  std::string block = hpackBlock(kGet) + hpackIndexed("a", std::string(3000, 'x'));
  for (int reference = 0; reference < 10000; ++reference) {
    block += kHpackNewest;
  }
  EXPECT_FALSE(world.feed(h2Hello() + h2Frame(h2::kHeaders, h2::kEndHeaders | h2::kEndStream, 1, block)));
  EXPECT_EQ(world.all(), "over flood ENHANCE_YOUR_CALM header_bomb\n");
  EXPECT_TRUE(world.saw("GOAWAY 0 1 ENHANCE_YOUR_CALM")) << ::testing::PrintToString(world.seen.lines);
}

TEST(H2Request, ContinuationsAreBounded) {
  H2World world;
  std::string bytes = h2Hello() + h2Frame(h2::kHeaders, h2::kEndStream, 1, hpackBlock(kGet));
  for (int each = 0; each < 9; ++each) {
    bytes += h2Frame(h2::kContinuation, h2::kNoFlags, 1, {});
  }
  EXPECT_FALSE(world.feed(bytes));
  EXPECT_EQ(world.all(), "over flood ENHANCE_YOUR_CALM continuation\n");
}

TEST(H2Request, ABlockOfFieldsIsBoundedAsSent) {
  H2World world({.header_list = 1 << 18});
  const std::string part = hpackBlock({{"a", std::string(16370, 'x')}});
  std::string bytes = h2Hello() + h2Frame(h2::kHeaders, h2::kEndStream, 1, part);
  int parts = 0;
  while (world.feed(std::exchange(bytes, {}) + h2Frame(h2::kContinuation, h2::kNoFlags, 1, part)) && parts < 200) {
    ++parts;
  }
  EXPECT_EQ(world.all(), "over flood ENHANCE_YOUR_CALM header_block\n");
}

TEST(H2Request, ContinuationsThatServeAreFine) {
  H2World world;
  const std::string block = hpackBlock(with(kGet, {{"a", std::string(2000, 'x')}}));
  world.feed(h2Hello() + h2Frame(h2::kHeaders, h2::kEndStream, 1, block.substr(0, 100)) +
             h2Frame(h2::kContinuation, h2::kNoFlags, 1, block.substr(100, 1000)) +
             h2Frame(h2::kContinuation, h2::kEndHeaders, 1, block.substr(1100)));
  ASSERT_EQ(world.events.size(), 1U);
  EXPECT_TRUE(world.events[0].starts_with("head 1 GET"));
}

}  // namespace
}  // namespace gatewhy::test
