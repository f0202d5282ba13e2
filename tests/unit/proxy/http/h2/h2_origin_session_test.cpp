// SPDX-License-Identifier: Apache-2.0
// Requests, responses, ends and faults of streams and of the connection with an
// origin.
#include <numeric>

#include "tests/unit/proxy/http/h2/h2_origin_world.h"

namespace gatewhy::test {
namespace {

using namespace std::chrono_literals;

std::string shown(const std::vector<std::string>& lines) {
  return ::testing::PrintToString(lines);
}

// ---- the beginning ---------------------------------------------------------

TEST(H2Origin, PrefaceAndSettingsComeFirst) {
  H2OriginWorld world;
  world.read();
  EXPECT_EQ(world.preface, kH2Preface);
  ASSERT_GE(world.seen.lines.size(), 2U);
  EXPECT_EQ(world.seen.lines[0], "SETTINGS 0");
  EXPECT_EQ(world.seen.lines[1], "WINDOW_UPDATE 0 16711681");
  EXPECT_FALSE(world.session.settled());
  world.feed(h2OriginHello());
  EXPECT_TRUE(world.saw("SETTINGS 0 ACK"));
  EXPECT_TRUE(world.session.settled());
  EXPECT_EQ(world.all(), "settings\n");
}

TEST(H2Origin, ARequestMayGoBeforeTheOriginsSettings) {
  H2OriginWorld world;
  EXPECT_EQ(world.get(), 1);
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM :method=GET :authority=a.example :scheme=http :path=/a?b"))
      << shown(world.seen.lines);
  EXPECT_EQ(world.all(), "sent 1\n");
}

TEST(H2Origin, UntilTheOriginsSettingsItGetsAsManyAsIsSaid) {
  H2OriginWorld world({.first_streams = 2});
  EXPECT_EQ(world.session.room(), 2U);
  world.get();
  EXPECT_EQ(world.session.room(), 1U);
  world.feed(h2OriginHello());
  EXPECT_EQ(world.session.room(), 99U);
}

TEST(H2Origin, NoWindowHoldsUpAHeadThatHasNotLeft) {
  H2OriginWorld world;
  const H2StreamId id = world.session.openStream({.head = kPostHead, .method = Method::Post});
  EXPECT_FALSE(world.session.windowClosed(id));
  world.read();
  EXPECT_FALSE(world.session.windowClosed(id));
}

struct BeginningRow {
  std::string_view what;
  std::string bytes;
  std::string event;
  std::size_t shown = 0;  // octets of them that are evidence
};
class H2OriginBeginning : public ::testing::TestWithParam<BeginningRow> {};

TEST_P(H2OriginBeginning, OfSomethingElseIsTold) {
  H2OriginWorld world;
  world.get();
  world.events.clear();
  EXPECT_FALSE(world.feed(GetParam().bytes));
  EXPECT_EQ(world.all(), GetParam().event + "\n");
  EXPECT_EQ(world.connection_fault.detail, "the connection does not begin with SETTINGS");
  EXPECT_EQ(world.connection_fault.excerpt, GetParam().bytes.substr(0, GetParam().shown));
  EXPECT_EQ(world.seen.lines.back(), "GOAWAY 0 0 PROTOCOL_ERROR");
  EXPECT_TRUE(world.session.done());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2OriginBeginning,
    ::testing::Values(BeginningRow{"http1", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
                                   "over protocol PROTOCOL_ERROR ", 32},
                      BeginningRow{"ssh", "SSH-2.0-OpenSSH_9.2p1\r\n", "over protocol PROTOCOL_ERROR ", 23},
                      BeginningRow{"tls alert", std::string("\x15\x03\x03\x00\x02\x02\x46\x00\x00\x00", 10),
                                   "over protocol PROTOCOL_ERROR ", 10},
                      BeginningRow{"goaway", h2GoAway(0, 0), "over protocol PROTOCOL_ERROR GOAWAY"},
                      BeginningRow{"ack", h2SettingsAck(), "over protocol PROTOCOL_ERROR SETTINGS"}));

// ---- requests --------------------------------------------------------------

struct RequestRow {
  std::string_view what;
  H2OriginRequest request;
  std::string sent;  // "": it is refused
};
class H2OriginRequests : public ::testing::TestWithParam<RequestRow> {};

TEST_P(H2OriginRequests, AreWrittenAsHttp2HasThem) {
  H2OriginWorld world;
  const H2StreamId id = world.session.openStream(GetParam().request);
  world.read();
  EXPECT_EQ(id != 0, !GetParam().sent.empty());
  EXPECT_TRUE(id == 0 || world.saw(GetParam().sent)) << shown(world.seen.lines);
  EXPECT_EQ(world.session.streams(), id == 0 ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2OriginRequests,
    ::testing::Values(
        RequestRow{
            "fields of the connection are left out",
            {.head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, keep-alive\r\nKeep-Alive: 1\r\nTE: trailers\r\n"
                     "Upgrade: h2c\r\nProxy-Connection: x\r\nX-Y:  z \r\n\r\n",
             .https = true,
             .ends = true},
            "HEADERS 1 END_STREAM :method=GET :authority=a :scheme=https :path=/ te=trailers x-y=z"},
        RequestRow{"TE for others",
                   {.head = "GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n", .ends = true},
                   "HEADERS 1 END_STREAM :method=GET :authority=a :scheme=http :path=/"},
        RequestRow{
            "Host behind others",
            {.head = "PUT /p HTTP/1.1\r\nA: b\r\nHost: a:81\r\nContent-Length: 3\r\n\r\n", .method = Method::Put},
            "HEADERS 1 :method=PUT :authority=a:81 :scheme=http :path=/p a=b content-length=3"},
        RequestRow{"no Host",
                   {.head = "GET / HTTP/1.1\r\nA: b\r\n\r\n", .ends = true},
                   "HEADERS 1 END_STREAM :method=GET :scheme=http :path=/ a=b"},
        RequestRow{"OPTIONS *",
                   {.head = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .ends = true},
                   "HEADERS 1 END_STREAM :method=OPTIONS :authority=a :scheme=http :path=*"},
        RequestRow{"CONNECT",
                   {.head = "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", .method = Method::Connect},
                   "HEADERS 1 :method=CONNECT :authority=b:443"},
        RequestRow{"an extended CONNECT",
                   {.head = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    .protocol = "websocket"},
                   "HEADERS 1 :method=CONNECT :authority=a :scheme=http :path=/chat :protocol=websocket "
                   "sec-websocket-version=13"},
        RequestRow{"a target in absolute form", {.head = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"}, ""},
        RequestRow{"no request line", {.head = "\r\n"}, ""}, RequestRow{"nothing", {.head = ""}, ""}));

TEST(H2Origin, ABodyAndItsEnd) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  EXPECT_EQ(world.post(), 1);
  world.session.submitData(1, "ab", false);
  EXPECT_FALSE(world.session.blocked(1));
  world.session.submitData(1, "cd", true);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "abcd");
  EXPECT_TRUE(world.saw("DATA 1 END_STREAM"));
  EXPECT_EQ(world.session.bodySent(1), 4U);
  EXPECT_EQ(world.all(), "settings\nsent 1\n");
}

TEST(H2Origin, TrailersOfARequest) {
  H2OriginWorld world;
  world.post();
  world.session.submitData(1, "ab", false);
  world.session.submitEnd(1, "Grpc-Timeout: 1S\r\n");
  world.read();
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM grpc-timeout=1S")) << shown(world.seen.lines);
  EXPECT_EQ(world.events.back(), "sent 1");
}

TEST(H2Origin, AHeadThatIsFarTooLongIsToldAndHarmsNoOther) {
  H2OriginWorld world;
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2 << 20, 'x') + "\r\n\r\n";
  EXPECT_EQ(world.session.openStream({.head = head, .ends = true}), 1);
  world.read();
  EXPECT_EQ(world.all(), "broken 1 INTERNAL_ERROR \n");
  EXPECT_EQ(world.get(), 3);
  world.feed(h2OriginHello() + h2Headers(3, kOk));
  EXPECT_EQ(world.events.back(), "head 3 HTTP/1.1 200 || ends") << world.all();
  EXPECT_FALSE(world.saw("RST_STREAM 1 INTERNAL_ERROR"));
}

// ---- room ------------------------------------------------------------------

TEST(H2Origin, RoomIsTheLessOfBothLimits) {
  H2OriginWorld world({.streams = 3});
  EXPECT_EQ(world.session.room(), 3U);
  world.feed(h2Settings({{3, 2}}));
  EXPECT_EQ(world.session.room(), 2U);
  world.get();
  world.get();
  EXPECT_EQ(world.session.room(), 0U);
  EXPECT_EQ(world.get(), 0);
  world.feed(h2Settings({{3, 50}}));
  EXPECT_EQ(world.session.room(), 1U);
  world.session.release(1);
  EXPECT_EQ(world.session.room(), 2U);
  world.feed(h2Settings({{3, 0}}));
  EXPECT_EQ(world.session.room(), 0U);
  EXPECT_EQ(world.session.state(), H2OriginSession::State::Open);
}

TEST(H2Origin, APlaceIsFreeAgainWhenItIsReleased) {
  H2OriginWorld world;
  world.feed(h2Settings({{3, 1}}));
  world.get();
  world.feed(h2Headers(1, kOk));
  EXPECT_EQ(world.session.room(), 0U);
  world.session.release(1);
  EXPECT_EQ(world.get(), 3);
  world.feed(h2Headers(3, kOk));
  EXPECT_EQ(world.events.back(), "head 3 HTTP/1.1 200 || ends");
}

// They were opened before SETTINGS came: one of them has to wait.
TEST(H2Origin, ALimitThatComesLateHoldsBackWhatIsNotSent) {
  H2OriginWorld world;
  const H2OriginRequest request{.head = kGetHead, .ends = true};
  ASSERT_EQ(world.session.openStream(request), 1);
  ASSERT_EQ(world.session.openStream(request), 3);
  EXPECT_TRUE(world.session.feed(h2Settings({{3, 1}}), world.now));
  world.read();
  world.feed(h2Headers(1, kOk));
  world.session.release(1);
  world.feed(h2Headers(3, kOk));
  EXPECT_EQ(world.events.back(), "head 3 HTTP/1.1 200 || ends") << world.all();
}

TEST(H2Origin, StreamIdsEnd) {
  H2OriginWorld world({.first_stream = 0x7ffffffd});
  world.feed(h2OriginHello());
  EXPECT_EQ(world.get(), 0x7ffffffd);
  EXPECT_EQ(world.session.state(), H2OriginSession::State::Open);
  EXPECT_EQ(world.get(), 0x7fffffff);
  EXPECT_EQ(world.session.state(), H2OriginSession::State::Draining);
  EXPECT_EQ(world.get(), 0);
  world.feed(h2Headers(0x7fffffff, kOk) + h2Headers(0x7ffffffd, kOk));
  EXPECT_TRUE(world.told("head 2147483647 HTTP/1.1 200 || ends")) << world.all();
  EXPECT_TRUE(world.session.done());
}

// ---- responses -------------------------------------------------------------

TEST(H2Origin, InterimsHeadBodyAndTrailers) {
  H2OriginWorld world;
  world.get();
  world.feed(h2OriginHello() + h2Headers(1, {{":status", "103"}, {"link", "</a>"}}, false) +
             h2Headers(1, {{":status", "200"}, {"content-type", "a/b"}, {"content-length", "4"}}, false) +
             h2Data(1, "ab") + h2Data(1, "cd") + h2Headers(1, {{"grpc-status", "0"}}));
  EXPECT_EQ(
      world.all(),
      "sent 1\nsettings\ninterim 1 HTTP/1.1 103 |link: </a>||\nhead 1 HTTP/1.1 200 |content-type: a/b|content-length: "
      "4||\nbody 1 abcd\nend 1 grpc-status: 0\r\n\n");
  EXPECT_EQ(world.head().version(), "2");
  EXPECT_EQ(world.head().valueOf(FieldId::ContentType), "a/b");
}

struct LengthRow {
  std::string_view what;
  Method method;
  H2TestFields fields;
  bool ends;
  BodyKind kind;
  std::uint64_t length;
};
class H2OriginLengths : public ::testing::TestWithParam<LengthRow> {};

TEST_P(H2OriginLengths, FollowFromTheHeadAndItsEnd) {
  const LengthRow& row = GetParam();
  H2OriginWorld world;
  world.open({.head = kGetHead, .method = row.method, .ends = true});
  world.feed(h2OriginHello() + h2Headers(1, row.fields, row.ends));
  ASSERT_TRUE(world.events.back().starts_with("head 1") || world.events.back() == "sent 1") << world.all();
  EXPECT_EQ(world.head().body, row.kind);
  EXPECT_EQ(world.head().content_length, row.length);
  EXPECT_TRUE(world.head().keep_alive);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2OriginLengths,
    ::testing::Values(
        LengthRow{"unknown", Method::Get, kOk, false, BodyKind::Chunked, 0},
        LengthRow{"told", Method::Get, with(kOk, {{"content-length", "5"}}), false, BodyKind::Length, 5},
        LengthRow{"none", Method::Get, kOk, true, BodyKind::Length, 0},
        LengthRow{"zero", Method::Get, with(kOk, {{"content-length", "0"}}), true, BodyKind::Length, 0},
        LengthRow{"HEAD", Method::Head, with(kOk, {{"content-length", "5"}}), true, BodyKind::None, 5},
        LengthRow{"HEAD that ends later", Method::Head, with(kOk, {{"content-length", "5"}}), false, BodyKind::None, 5},
        LengthRow{"204", Method::Get, {{":status", "204"}}, true, BodyKind::None, 0},
        LengthRow{
            "304 with a length", Method::Get, {{":status", "304"}, {"content-length", "5"}}, true, BodyKind::None, 5}));

struct FaultRow {
  std::string_view what;
  std::string bytes;
  std::string event;
  std::string code = "PROTOCOL_ERROR";
};
class H2OriginFaults : public ::testing::TestWithParam<FaultRow> {};

TEST_P(H2OriginFaults, EndTheStreamAlone) {
  H2OriginWorld world({.header_list = 400, .trailers = 100, .head = {.section = 300, .fields = 4}});
  world.feed(h2OriginHello());
  world.get();
  world.feed(GetParam().bytes);
  EXPECT_EQ(world.events.back(), GetParam().event) << world.all();
  EXPECT_TRUE(world.saw("RST_STREAM 1 " + GetParam().code)) << shown(world.seen.lines);
  world.session.release(1);
  EXPECT_EQ(world.get(), 3);
  world.feed(h2Headers(3, kOk));
  EXPECT_EQ(world.events.back(), "head 3 HTTP/1.1 200 || ends");
}

const H2TestFields kFive = {{":status", "200"}, {"content-length", "5"}};

INSTANTIATE_TEST_SUITE_P(
    Heads, H2OriginFaults,
    ::testing::Values(
        FaultRow{"no status", h2Headers(1, {{"a", "b"}}), "broken 1 pseudo_header_missing ':status' 0"},
        FaultRow{"an empty status", h2Headers(1, {{":status", ""}}), "broken 1 pseudo_header_missing ':status' 0"},
        FaultRow{"no fields", h2Headers(1, {}), "broken 1 pseudo_header_missing ':status' 0"},
        FaultRow{"status twice", h2Headers(1, {{":status", "200"}, {":status", "200"}}),
                 "broken 1 pseudo_header_repeated ':status' 0"},
        FaultRow{"status behind fields", h2Headers(1, {{"a", "b"}, {":status", "200"}}),
                 "broken 1 pseudo_header_missing ':status' 0"},
        FaultRow{"status again behind fields", h2Headers(1, {{":status", "200"}, {"a", "b"}, {":status", "200"}}),
                 "broken 1 pseudo_header_misplaced ':status' 21"},
        FaultRow{"a request's pseudo-header field", h2Headers(1, {{":status", "200"}, {":path", "/"}}),
                 "broken 1 pseudo_header_unknown ':path' 0"},
        FaultRow{"a status that is no number", h2Headers(1, {{":status", "2x0"}}),
                 "broken 1 status_invalid ':status' 9"},
        FaultRow{"a status with a reason", h2Headers(1, {{":status", "200 OK"}}),
                 "broken 1 status_invalid ':status' 9"},
        FaultRow{"a status out of range", h2Headers(1, {{":status", "600"}}), "broken 1 status_invalid '' 9", "CANCEL"},
        FaultRow{"101", h2Headers(1, {{":status", "101"}}, false), "broken 1 PROTOCOL_ERROR HEADERS"},
        FaultRow{"upper case", h2Headers(1, {{":status", "200"}, {"Server", "x"}}),
                 "broken 1 field_name_uppercase 'Server' 15"},
        FaultRow{"a space in a name", h2Headers(1, {{":status", "200"}, {"a b", "x"}}),
                 "broken 1 field_name_invalid 'a b' 16"},
        FaultRow{"a line feed", h2Headers(1, {{":status", "200"}, {"a", "x\ny"}}),
                 "broken 1 field_value_invalid 'a' 19"},
        FaultRow{"Connection", h2Headers(1, {{":status", "200"}, {"connection", "close"}}),
                 "broken 1 field_of_connection 'connection' 15"},
        FaultRow{"Transfer-Encoding", h2Headers(1, {{":status", "200"}, {"transfer-encoding", "chunked"}}),
                 "broken 1 field_of_connection 'transfer-encoding' 15"},
        FaultRow{"lengths that differ",
                 h2Headers(1, {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}}),
                 "broken 1 content_length_differs 'content-length' 50", "CANCEL"},
        FaultRow{"too many fields",
                 h2Headers(1, {{":status", "200"}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}}),
                 "broken 1 too_many_fields 'e' 39", "CANCEL"},
        FaultRow{"a list that is too large", h2Headers(1, {{":status", "200"}, {"a", std::string(400, 'x')}}),
                 "broken 1 head_too_large 'a' 15", "CANCEL"},
        FaultRow{"a head that is too large", h2Headers(1, {{":status", "200"}, {"a", std::string(300, 'x')}}),
                 "broken 1 head_too_large 'a' 300", "CANCEL"}));

INSTANTIATE_TEST_SUITE_P(
    Bodies, H2OriginFaults,
    ::testing::Values(
        FaultRow{"too long", h2Headers(1, kFive, false) + h2Data(1, "abcdef", true),
                 "broken 1 body_length_differs 'content-length' 5"},
        FaultRow{"too short", h2Headers(1, kFive, false) + h2Data(1, "abcd", true),
                 "broken 1 body_length_differs 'content-length' 4"},
        FaultRow{"too short before trailers",
                 h2Headers(1, kFive, false) + h2Data(1, "abcd") + h2Headers(1, {{"a", "b"}}),
                 "broken 1 body_length_differs 'content-length' 4"},
        FaultRow{"none at all", h2Headers(1, kFive), "broken 1 body_length_differs 'content-length' 0"},
        FaultRow{"one where there may be none", h2Headers(1, {{":status", "304"}}, false) + h2Data(1, "x", true),
                 "broken 1 body_unexpected '' 0"},
        FaultRow{"a pseudo-header field in trailers", h2Headers(1, kOk, false) + h2Headers(1, {{":status", "200"}}),
                 "broken 1 trailer_invalid ':status' 0"},
        FaultRow{"a trailer that frames", h2Headers(1, kOk, false) + h2Headers(1, {{"content-length", "3"}}),
                 "broken 1 trailer_invalid 'content-length' 0"},
        FaultRow{"trailers that are too large", h2Headers(1, kOk, false) + h2Headers(1, {{"a", std::string(100, 'x')}}),
                 "broken 1 trailers_too_large 'a' 0"},
        FaultRow{"a window that overflows", h2WindowUpdate(1, 0x7fffffff), "broken 1 FLOW_CONTROL_ERROR WINDOW_UPDATE",
                 "FLOW_CONTROL_ERROR"}));

TEST(H2Origin, FaultsAreMendedWhereThatIsAsked) {
  H2OriginWorld world;
  world.open({.head = kGetHead, .ends = true, .mend = true});
  world.open({.head = kGetHead, .ends = true, .mend = true});
  world.feed(h2OriginHello() + h2Headers(1, {{":status", "620"}}) +
             h2Headers(3, {{":status", "200"}, {"content-length", "1"}, {"content-length", "1"}}, false) +
             h2Data(3, "x", true));
  EXPECT_TRUE(world.told("head 1 HTTP/1.1 620 || ends")) << world.all();
  EXPECT_TRUE(world.told("body 3 x"));
  EXPECT_TRUE(world.told("end 3 "));
}

TEST(H2Origin, WhatIsOfNoStreamOfOursEndsTheConnection) {
  for (const std::string& bytes : {h2Headers(3, kOk), h2Data(3, "x"), h2RstStream(3, 0), h2Headers(2, kOk)}) {
    H2OriginWorld world;
    world.feed(h2OriginHello());
    world.get();
    EXPECT_FALSE(world.feed(bytes));
    EXPECT_TRUE(world.events.back().starts_with("over protocol PROTOCOL_ERROR")) << world.all();
  }
}

TEST(H2Origin, DataBehindTheEndIsAFault) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2Headers(1, kOk) + h2Data(1, "x"));
  EXPECT_EQ(world.events.back(), "over protocol STREAM_CLOSED DATA") << world.all();
  EXPECT_EQ(world.connection_fault.detail, "the origin had ended the stream");
}

TEST(H2Origin, WhatIsOnItsWayToAStreamThatWeResetIsDropped) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.read();
  world.session.release(1);
  EXPECT_TRUE(world.feed(h2Headers(1, kOk, false) + h2Data(1, "x") + h2Data(1, "y", true)));
  EXPECT_TRUE(world.saw("RST_STREAM 1 CANCEL"));
  EXPECT_EQ(world.events.back(), "sent 1");
}

TEST(H2Origin, APushIsRefused) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  EXPECT_FALSE(world.feed(h2Frame(h2::kPushPromise, h2::kEndHeaders, 1, h2Number(2, 4) + hpackBlock(kOk))));
  EXPECT_EQ(world.events.back(), "over protocol PROTOCOL_ERROR PUSH_PROMISE");
}

TEST(H2Origin, AFaultOfTheConnectionSaysWhereItWas) {
  H2OriginWorld world;
  const std::string before = h2OriginHello();
  EXPECT_FALSE(world.feed(before + h2WindowUpdate(0, 0)));
  EXPECT_EQ(world.events.back(), "over protocol PROTOCOL_ERROR WINDOW_UPDATE");
  EXPECT_EQ(world.connection_fault.offset, before.size());
}

TEST(H2Origin, ABlockThatDoesNotUnpackEndsTheConnection) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  EXPECT_FALSE(world.feed(h2Frame(h2::kHeaders, h2::kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff")));
  EXPECT_EQ(world.events.back(), "over protocol COMPRESSION_ERROR HEADERS");
}

// ---- early answers ---------------------------------------------------------

TEST(H2Origin, AnAnswerBeforeTheRequestIsWholeAndTheResetBehindIt) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.post();
  world.session.submitData(1, "ab", false);
  world.feed(h2Headers(1, {{":status", "413"}}) + h2RstStream(1, 0));
  EXPECT_EQ(world.events.back(), "head 1 HTTP/1.1 413 || ends") << world.all();
  world.session.submitData(1, "cd", true);  // does nothing
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "ab");
  world.session.release(1);
  world.read();
  EXPECT_FALSE(world.saw("RST_STREAM 1 CANCEL"));
}

struct NoEndRow {
  std::string_view what;
  H2TestFields head;
  std::string_view body;
  std::uint32_t code;
  std::string_view event;
};
class H2OriginNoEnd : public ::testing::TestWithParam<NoEndRow> {};

TEST_P(H2OriginNoEnd, AResetEndsAnAnswerThatIsWholeByItsLengthWhereItNamesNoError) {
  const NoEndRow& row = GetParam();
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.post();
  world.session.submitData(1, "ab", false);
  world.feed(h2Headers(1, row.head, false));
  if (!row.body.empty()) {
    world.feed(h2Data(1, std::string(row.body)));
  }
  EXPECT_TRUE(world.feed(h2RstStream(1, row.code)));
  EXPECT_EQ(world.events.back(), row.event) << world.all();
  world.session.submitData(1, "cd", true);  // does nothing
  world.session.release(1);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "ab");
  EXPECT_FALSE(world.saw("RST_STREAM 1 CANCEL"));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2OriginNoEnd,
    ::testing::Values(
        NoEndRow{"whole", {{":status", "413"}, {"content-length", "2"}}, "no", 0, "end 1 "},
        NoEndRow{"no content", {{":status", "204"}}, "", 0, "end 1 "},
        NoEndRow{"not whole", {{":status", "413"}, {"content-length", "3"}}, "no", 0, "reset 1 reset NO_ERROR"},
        NoEndRow{"no length", {{":status", "413"}}, "no", 0, "reset 1 reset NO_ERROR"},
        NoEndRow{"an error", {{":status", "413"}, {"content-length", "2"}}, "no", 8, "reset 1 reset CANCEL"}));

TEST(H2Origin, AnAnswerBeforeTheRequestIsWholeLetsItGoOn) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.post();
  world.session.submitData(1, "ab", false);
  world.feed(h2Headers(1, kOk));
  world.session.submitData(1, "cd", true);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "abcd");
  EXPECT_EQ(world.events.back(), "sent 1");
  world.session.release(1);
  world.read();
  EXPECT_FALSE(world.saw("RST_STREAM 1 CANCEL"));
}

TEST(H2Origin, WhoWantsNoMoreOfARequestReleasesIt) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.post();
  world.feed(h2Headers(1, kOk));
  world.session.release(1);
  world.read();
  EXPECT_TRUE(world.saw("RST_STREAM 1 CANCEL"));
}

// ---- tunnels (RFC 8441) ----------------------------------------------------

TEST(H2Origin, ExtendedConnectIsAllowedBySettings) {
  H2OriginWorld world;
  EXPECT_FALSE(world.session.extendedConnect());
  world.feed(h2Settings({{8, 1}}));
  EXPECT_TRUE(world.session.extendedConnect());
}

TEST(H2Origin, ATunnelIsToldAsASwitch) {
  H2OriginWorld world;
  world.feed(h2Settings({{8, 1}}));
  world.open({.head = kGetHead, .protocol = "websocket", .websocket_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="});
  world.feed(h2Headers(1, {{":status", "200"}, {"content-length", "0"}, {"sec-websocket-protocol", "chat"}}, false));
  EXPECT_EQ(world.events.back(),
            "head 1 HTTP/1.1 101 |connection: upgrade|upgrade: websocket|sec-websocket-accept: "
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|sec-websocket-protocol: chat||");
  EXPECT_TRUE(world.head().upgrade);
  world.session.submitData(1, "out", false);
  world.feed(h2Data(1, "in") + h2Data(1, "", true));
  EXPECT_EQ(world.seen.bodies[1], "out");
  EXPECT_TRUE(world.told("body 1 in"));
  EXPECT_EQ(world.events.back(), "end 1 ");
  world.session.submitEnd(1, "");
  world.read();
  EXPECT_TRUE(world.saw("DATA 1 END_STREAM"));
}

TEST(H2Origin, ASwitchThatIsRefusedIsAResponseLikeOthers) {
  H2OriginWorld world;
  world.feed(h2Settings({{8, 1}}));
  world.open({.head = kGetHead, .protocol = "websocket", .websocket_accept = "x"});
  world.feed(h2Headers(1, {{":status", "403"}, {"content-length", "2"}}, false) + h2Data(1, "no", true));
  EXPECT_TRUE(world.told("head 1 HTTP/1.1 403 |content-length: 2||")) << world.all();
  EXPECT_EQ(world.events.back(), "end 1 ");
}

// ---- windows ---------------------------------------------------------------

TEST(H2Origin, ABodyThatNobodyReadsHoldsUpNoOther) {
  H2OriginWorld world({.stream_window = 65535, .connection_window = 65535});
  world.consumes = false;
  world.feed(h2OriginHello());
  std::size_t got = 0;
  for (std::uint32_t stream = 1; stream < 20; stream += 2) {
    world.get();
    ASSERT_TRUE(world.feed(h2Headers(stream, kOk, false)));
    for (int frame = 0; frame < 4; ++frame) {
      ASSERT_TRUE(world.feed(h2Data(stream, std::string(16000, 'x')))) << world.events.back();
      got += 16000;
    }
  }
  EXPECT_FALSE(world.saw("WINDOW_UPDATE 1 64000"));
  EXPECT_GT(got, 65535U);
  world.session.consume(1, 64000);
  world.read();
  EXPECT_TRUE(world.saw("WINDOW_UPDATE 1 64000")) << shown(world.seen.lines);
}

TEST(H2Origin, AStreamMayNotSendBeyondItsWindow) {
  H2OriginWorld world({.stream_window = 20000});
  world.consumes = false;
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2Headers(1, kOk, false) + h2Data(1, std::string(16000, 'x')) + h2Data(1, std::string(4001, 'x')));
  EXPECT_TRUE(world.saw("RST_STREAM 1 FLOW_CONTROL_ERROR") || world.session.state() == H2OriginSession::State::Over)
      << shown(world.seen.lines);
}

// As much as the origin may send ahead on stream 1, by what it was allowed.
std::uint64_t allowedAhead(const H2OriginWorld& world, std::uint64_t first, std::uint64_t sent) {
  constexpr std::string_view kUpdate = "WINDOW_UPDATE 1 ";
  std::uint64_t allowed = first;
  for (const std::string& line : world.seen.lines) {
    if (line.starts_with(kUpdate)) {
      allowed += std::stoull(line.substr(kUpdate.size()));
    }
  }
  return allowed - sent;
}

TEST(H2Origin, TheWindowGrowsWhereAllIsUsedUp) {
  H2OriginWorld world({.stream_window = 65536, .most_stream_window = 200000});
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2Headers(1, kOk, false));
  std::uint64_t sent = 0;
  for (int frame = 0; frame < 100; ++frame, sent += 16000) {
    ASSERT_TRUE(world.feed(h2Data(1, std::string(16000, 'x'))));
  }
  EXPECT_GT(allowedAhead(world, 65536, sent), 100000U);
  EXPECT_LE(allowedAhead(world, 65536, sent), 200000U);
}

TEST(H2Origin, TheWindowStaysWhereTheReaderIsSlower) {
  H2OriginWorld world({.stream_window = 65536, .most_stream_window = 200000});
  world.consumes = false;
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2Headers(1, kOk, false) + h2Data(1, "x"));
  std::uint64_t sent = 1;
  for (int frame = 0; frame < 100; ++frame, sent += 16000) {
    ASSERT_TRUE(world.feed(h2Data(1, std::string(16000, 'x'))));
    world.session.consume(1, 16000);
    world.read();
  }
  EXPECT_LE(allowedAhead(world, 65536, sent), 65536U);
}

TEST(H2Origin, AClosedWindowKeepsTheBody) {
  H2OriginWorld world;
  world.feed(h2Settings({{4, 10}}));
  world.post();
  world.session.submitData(1, "0123456789abcdef", false);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "0123456789");
  EXPECT_TRUE(world.session.blocked(1));
  EXPECT_EQ(world.session.kept(1), 6U);
  EXPECT_EQ(world.session.memory(), 6U);
  EXPECT_TRUE(world.session.windowClosed(1));
  EXPECT_EQ(world.session.bodySent(1), 10U);
  world.feed(h2WindowUpdate(1, 100));
  EXPECT_EQ(world.seen.bodies[1], "0123456789abcdef");
  EXPECT_EQ(world.events.back(), "writable 1");
  EXPECT_FALSE(world.session.blocked(1));
  EXPECT_FALSE(world.session.windowClosed(1));
}

TEST(H2Origin, AResetDropsWhatIsKept) {
  H2OriginWorld world;
  world.feed(h2Settings({{4, 0}}));
  world.post();
  world.session.submitData(1, "abc", true);
  EXPECT_EQ(world.session.kept(1), 3U);
  world.feed(h2RstStream(1, 8));
  EXPECT_EQ(world.session.kept(1), 0U);
  EXPECT_EQ(world.events.back(), "reset 1 reset CANCEL");
}

// ---- GOAWAY ----------------------------------------------------------------

TEST(H2Origin, GoAwayLeavesOutWhatIsAboveItsLastStream) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  for (int each = 0; each < 3; ++each) {
    world.get();
  }
  world.read();
  world.events.clear();
  world.feed(h2GoAway(3, 0, "max_age"));
  EXPECT_EQ(world.all(), "goaway 3 NO_ERROR max_age\nreset 5 goaway NO_ERROR\n");
  EXPECT_EQ(world.last_reset.last_stream, 3);
  EXPECT_EQ(world.last_reset.stream, 5);
  EXPECT_EQ(world.last_reset.detail, "max_age");
  EXPECT_EQ(world.session.room(), 0U);
  EXPECT_EQ(world.get(), 0);
  EXPECT_EQ(world.session.state(), H2OriginSession::State::Draining);
  world.session.release(5);
  world.feed(h2Headers(1, kOk) + h2Headers(3, kOk));
  world.session.release(1);
  EXPECT_TRUE(world.told("head 3 HTTP/1.1 200 || ends"));
  EXPECT_TRUE(world.session.done());
}

TEST(H2Origin, GoAwayInTwoSteps) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.get();
  world.read();
  world.feed(h2GoAway(0x7fffffff, 0));
  EXPECT_EQ(world.events.back(), "goaway 2147483647 NO_ERROR ");
  world.feed(h2GoAway(1, 11, "calm"));
  EXPECT_EQ(world.events.back(), "reset 3 goaway ENHANCE_YOUR_CALM");
  world.feed(h2Headers(1, kOk));
  EXPECT_EQ(world.events.back(), "head 1 HTTP/1.1 200 || ends");
}

// A request that waits for its turn has not been sent, whatever the last stream is.
TEST(H2Origin, GoAwayLeavesOutWhatIsNotSent) {
  H2OriginWorld world;
  const H2OriginRequest request{.head = kGetHead, .ends = true};
  ASSERT_EQ(world.session.openStream(request), 1);
  ASSERT_EQ(world.session.openStream(request), 3);
  EXPECT_TRUE(world.session.feed(h2Settings({{3, 1}}), world.now));
  world.read();
  world.feed(h2GoAway(0x7fffffff, 0));
  world.feed(h2Headers(1, kOk));
  EXPECT_TRUE(world.told("reset 3 goaway NO_ERROR") ||
              world.saw("HEADERS 3 END_STREAM :method=GET :authority=a.example :scheme=http :path=/a?b"))
      << world.all();
}

TEST(H2Origin, AnObserverMayReleaseAtAGoAway) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  for (int each = 0; each < 5; ++each) {
    world.get();
  }
  world.read();
  world.on_goaway = [&world] { world.session.release(7); };
  world.on_gone = [&world](H2StreamId stream) { world.session.release(stream == 3 ? 5 : stream); };
  world.feed(h2GoAway(1, 0));
  EXPECT_TRUE(world.told("reset 3 goaway NO_ERROR"));
  EXPECT_FALSE(world.told("reset 5 goaway NO_ERROR"));
  EXPECT_FALSE(world.told("reset 7 goaway NO_ERROR"));
  EXPECT_TRUE(world.told("reset 9 goaway NO_ERROR"));
}

TEST(H2Origin, WeMayCloseItToNewStreams) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.session.closeToNewStreams();
  world.read();
  EXPECT_TRUE(world.saw("GOAWAY 0 0 NO_ERROR"));
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM :method=GET :authority=a.example :scheme=http :path=/a?b"));
  EXPECT_EQ(world.session.room(), 0U);
  EXPECT_FALSE(world.session.done());
  world.feed(h2Headers(1, kOk));
  EXPECT_TRUE(world.session.done());
}

TEST(H2Origin, PingAndPong) {
  H2OriginWorld world;
  world.feed(h2OriginHello() + h2Ping("abcdefgh"));
  EXPECT_TRUE(world.saw("PING 0 ACK"));
  world.session.ping(4711);
  world.read();
  EXPECT_TRUE(world.saw("PING 0"));
  const std::uint64_t opaque = 4711;
  world.feed(h2Ping({reinterpret_cast<const char*>(&opaque), sizeof opaque}, true));
  EXPECT_EQ(world.events.back(), "pong 4711");
}

TEST(H2Origin, TheOwnerMayEndIt) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.session.fail({.how = StreamFault::How::Stalled, .code = 0});
  world.read();
  EXPECT_EQ(world.events.back(), "over stalled NO_ERROR ");
  EXPECT_TRUE(world.saw("GOAWAY 0 0 NO_ERROR"));
  EXPECT_FALSE(world.feed(h2Headers(1, kOk)));
  EXPECT_EQ(world.get(), 0);
  world.session.release(1);
}

TEST(H2Origin, PeerSettingsAreShown) {
  H2OriginWorld world;
  EXPECT_EQ(world.session.peerSettings().max_frame_size, 16384U);
  EXPECT_EQ(world.session.peerSettings().initial_window_size, 65535U);
  world.feed(h2Settings({{1, 8192}, {3, 7}, {4, 70000}, {5, 20000}, {6, 9000}, {8, 1}}));
  const H2PeerSettings settings = world.session.peerSettings();
  EXPECT_EQ(settings.header_table_size, 8192U);
  EXPECT_EQ(settings.max_concurrent_streams, 7U);
  EXPECT_EQ(settings.initial_window_size, 70000U);
  EXPECT_EQ(settings.max_frame_size, 20000U);
  EXPECT_EQ(settings.max_header_list_size, 9000U);
  EXPECT_TRUE(settings.enable_connect_protocol);
}

TEST(H2Origin, ReleaseFromWithinEveryEvent) {
  H2OriginWorld world;
  const auto release = [&world](H2StreamId stream) { world.session.release(stream); };
  world.on_head = [&](H2StreamId stream) {
    if (stream == 1) {
      release(stream);
    }
  };
  world.on_body = [&](H2StreamId stream) {
    if (stream == 3) {
      release(stream);
    }
  };
  world.on_end = release;
  world.on_gone = release;
  world.feed(h2OriginHello());
  for (std::uint32_t stream = 1; stream < 12; stream += 2) {
    world.get();
    world.feed(h2Headers(stream, stream == 9 ? kFive : kOk, false) + h2Data(stream, "a") +
               h2Data(stream, "b", stream != 7));
  }
  world.feed(h2RstStream(7, 8));
  EXPECT_EQ(world.session.streams(), 0U) << world.all();
  EXPECT_EQ(world.get(), 13);
}

// Who is told that a stream failed opens the next one at once.
TEST(H2Origin, AStreamIsOpenedFromWithinAnEvent) {
  H2OriginWorld world;
  world.on_gone = [&world](H2StreamId stream) {
    world.session.release(stream);
    world.get();
  };
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2RstStream(1, 7));
  world.feed(h2Headers(3, kOk));
  EXPECT_EQ(world.events.back(), "head 3 HTTP/1.1 200 || ends") << world.all();
}

// ---- floods ----------------------------------------------------------------

struct OriginFloodRow {
  std::string_view what;
  std::function<std::string(std::uint32_t)> each;  // by its number, from 0
  std::string flood;
};
class H2OriginFlood : public ::testing::TestWithParam<OriginFloodRow> {};

TEST_P(H2OriginFlood, EndsTheConnection) {
  H2OriginWorld world;
  world.post();
  bool open = world.feed(h2OriginHello() + h2Headers(1, kOk, false));
  std::uint32_t count = 0;
  for (; open && count < 20000; ++count, world.now += 1ms) {
    open = world.feed(GetParam().each(count));
  }
  EXPECT_FALSE(open);
  EXPECT_EQ(world.events.back(), "over flood ENHANCE_YOUR_CALM " + GetParam().flood);
  EXPECT_LT(count, 2000U);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2OriginFlood,
    ::testing::Values(
        OriginFloodRow{"settings", [](std::uint32_t) { return h2Settings(); }, "settings"},
        OriginFloodRow{"ping", [](std::uint32_t) { return h2Ping(); }, "ping"},
        OriginFloodRow{"empty_data", [](std::uint32_t) { return h2Data(1, ""); }, "empty_data"},
        OriginFloodRow{"padding",
                       [](std::uint32_t) { return h2Frame(h2::kData, h2::kPadded, 1, std::string("\2\0\0", 3)); },
                       "empty_data"},
        OriginFloodRow{"window_update", [](std::uint32_t) { return h2WindowUpdate(1, 1); }, "window_update"},
        OriginFloodRow{"unknown", [](std::uint32_t) { return h2Frame(0x2a, 0, 0, "x"); }, "unknown_frame"},
        OriginFloodRow{"goaway", [](std::uint32_t) { return h2GoAway(0x7fffffff, 0); }, "goaway"},
        OriginFloodRow{"continuation",
                       [](std::uint32_t each) {
                         return each == 0 ? h2Frame(h2::kHeaders, 0, 1, "") : h2Frame(h2::kContinuation, 0, 1, "");
                       },
                       "continuation"},
        OriginFloodRow{"resets_of_nothing", [](std::uint32_t) { return h2RstStream(1, 8); }, "reset"}));

TEST(H2Origin, ABlockThatUnpacksWithoutEndEndsTheConnection) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  std::string block = hpackBlock(kOk) + hpackIndexed("a", std::string(4000, 'x'));
  for (int each = 0; each < 1000; ++each) {
    block += kHpackNewest;
  }
  EXPECT_FALSE(world.feed(h2Frame(h2::kHeaders, h2::kEndHeaders, 1, block)));
  EXPECT_EQ(world.events.back(), "over flood ENHANCE_YOUR_CALM header_bomb") << world.all();
}

// A download at full speed: what is useful outweighs the PINGs that measure it.
TEST(H2Origin, ManyPingsBesideADownloadAreNoFlood) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  world.get();
  world.feed(h2Headers(1, kOk, false));
  for (int turn = 0; turn < 5000; ++turn) {
    ASSERT_TRUE(world.feed(h2Data(1, std::string(16000, 'x')) + h2Ping() + h2Ping())) << world.events.back();
  }
}

// Requests that we cancel are no replies that the origin does not read.
TEST(H2Origin, ManyCancelledRequestsAreNoFlood) {
  H2OriginWorld world;
  world.feed(h2OriginHello());
  for (int each = 0; each < 5000; ++each) {
    const H2StreamId stream = world.session.openStream({.head = kGetHead, .ends = true});
    ASSERT_NE(stream, 0);
    static_cast<void>(world.session.output());
    world.session.release(stream);
    static_cast<void>(world.session.output());
  }
  EXPECT_TRUE(world.feed(h2Ping()));
}

// ---- however it is split ---------------------------------------------------

struct Conversation {
  std::string_view what;
  std::string bytes;
  std::string last;  // event
};

std::vector<Conversation> conversations() {
  const std::string block = hpackBlock(with(kOk, {{"server", "x"}}));
  return {
      {"some of everything",
       h2OriginHello() + h2Headers(1, {{":status", "103"}}, false) + h2Headers(3, kOk, false) + h2Data(3, "abc") +
           h2Ping() + h2Headers(1, kFive, false) + h2Data(1, "1234") +
           h2Frame(h2::kHeaders, h2::kNoFlags, 5, block.substr(0, 7)) +
           h2Frame(h2::kContinuation, h2::kEndHeaders, 5, block.substr(7)) +
           h2Frame(h2::kData, h2::kPadded | h2::kEndStream, 5, std::string("\2de\0\0", 5)) + h2Data(1, "5", true) +
           h2Headers(3, {{"t", "u"}}) + h2Frame(0x2a, 0, 0, "unknown") +
           h2Headers(7, {{":status", "200"}, {"Bad", "x"}}) + h2RstStream(9, 7) + h2GoAway(11, 0, "bye") +
           h2Headers(11, kFive, false) + h2Data(11, "123456"),
       "broken 11 body_length_differs 'content-length' 5"},
      {"a fault of the connection",
       h2OriginHello() + h2Headers(1, kOk, false) + h2Data(1, "x") + h2WindowUpdate(1, 1) + h2Headers(3, kOk) +
           h2WindowUpdate(0, 0) + h2Headers(5, kOk),
       "over protocol PROTOCOL_ERROR WINDOW_UPDATE"},
      {"an early end", h2OriginHello() + h2Headers(1, {{":status", "413"}}) + h2RstStream(1, 0) + h2Data(1, "x"),
       "over protocol STREAM_CLOSED DATA"},
      {"another protocol", "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\n\r\n",
       "over protocol PROTOCOL_ERROR "},
  };
}

std::string outcomeInTwo(std::string_view bytes, std::size_t cut, std::size_t piece) {
  H2OriginWorld world;
  for (int each = 0; each < 7; ++each) {
    world.get();
  }
  world.read();
  bool open = world.feed(bytes.substr(0, cut));
  for (bytes.remove_prefix(cut); open && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    open = world.feed(bytes.substr(0, piece));
  }
  return world.all() + world.connection_fault.detail + std::to_string(world.connection_fault.offset);
}

TEST(H2OriginSplit, EveryCutHasTheSameOutcome) {
  for (const Conversation& each : conversations()) {
    const std::string whole = outcomeInTwo(each.bytes, each.bytes.size(), 1);
    EXPECT_NE(whole.find(each.last + "\n"), std::string::npos) << each.what << ": " << whole;
    for (std::size_t cut = 0; cut < each.bytes.size(); ++cut) {
      ASSERT_EQ(outcomeInTwo(each.bytes, cut, each.bytes.size()), whole) << each.what << " cut at " << cut;
    }
    EXPECT_EQ(outcomeInTwo(each.bytes, 0, 1), whole) << each.what;
  }
}

}  // namespace
}  // namespace gatewhy::test
