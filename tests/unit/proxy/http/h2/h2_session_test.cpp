// SPDX-License-Identifier: Apache-2.0
// Bodies, answers, ends and faults of streams and of the connection.
#include "tests/unit/proxy/http/h2/h2_world.h"

namespace gatewhy::test {
namespace {

using namespace std::chrono_literals;

std::string printed(const std::vector<std::string>& lines) {
  return ::testing::PrintToString(lines);
}

void answerEarly(H2World& world, H2StreamId stream) {
  world.session.submitHead(stream, 200, "", false);
  world.session.submitData(stream, "early", true);
  world.read();
}

// ---- the beginning ---------------------------------------------------------

TEST(H2Session, SettingsComeFirst) {
  H2World world;
  world.read();
  ASSERT_GE(world.seen.lines.size(), 2U);
  EXPECT_EQ(world.seen.lines[0], "SETTINGS 0");
  EXPECT_EQ(world.seen.lines[1], "WINDOW_UPDATE 0 983041");
  world.feed(h2Hello());
  EXPECT_TRUE(world.saw("SETTINGS 0 ACK"));
}

TEST(H2Session, AnotherProtocolIsRefused) {
  H2World world;
  EXPECT_FALSE(world.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(world.all(), "over protocol PROTOCOL_ERROR \n");
  EXPECT_EQ(world.connection_fault.detail, "the connection does not begin with the preface of HTTP/2");
}

// ---- the request's body ----------------------------------------------------

TEST(H2Session, ABodyAndItsEnd) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2Data(1, "ab") + h2Data(1, "cd", true));
  EXPECT_EQ(world.all(), "head 1 POST / HTTP/1.1|host: a.example||\nbody 1 abcd\nend 1 \n");
}

TEST(H2Session, PaddingIsNoBody) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false) +
             h2Frame(h2::kData, h2::kPadded | h2::kEndStream, 1,
                     std::string("\x03"
                                 "ab\0\0\0",
                                 6)));
  EXPECT_TRUE(world.told("body 1 ab")) << world.all();
}

TEST(H2Session, Trailers) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2Data(1, "ab") +
             h2Headers(1, {{"grpc-status", "0"}, {"date", "now"}, {"x", ""}}));
  EXPECT_TRUE(world.told("end 1 grpc-status: 0\r\nx: \r\n")) << world.all();
}

struct BrokenRow {
  std::string_view what;
  std::string bytes;
  std::string event;
};
class H2BrokenBody : public ::testing::TestWithParam<BrokenRow> {};

TEST_P(H2BrokenBody, ResetsTheStreamAlone) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"content-length", "3"}}), false));
  world.feed(GetParam().bytes);
  EXPECT_EQ(world.events.back(), GetParam().event) << world.all();
  EXPECT_TRUE(world.saw("RST_STREAM 1 PROTOCOL_ERROR")) << printed(world.seen.lines);
  EXPECT_TRUE(world.feed(h2Headers(3, kGet)));
  EXPECT_EQ(world.events.back(), "head 3 GET / HTTP/1.1|host: a.example|| ends");
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2BrokenBody,
    ::testing::Values(BrokenRow{"too long", h2Data(1, "abcd", true), "broken 1 body_length_differs 4/3"},
                      BrokenRow{"too short", h2Data(1, "ab", true), "broken 1 body_length_differs 2/3"},
                      BrokenRow{"too short before trailers", h2Data(1, "ab") + h2Headers(1, {{"a", "b"}}),
                                "broken 1 body_length_differs 2/3"},
                      BrokenRow{"trailers that do not end", h2Data(1, "abc") + h2Headers(1, {{"a", "b"}}, false),
                                "broken 1 PROTOCOL_ERROR HEADERS"},
                      BrokenRow{"a pseudo-header field in trailers", h2Data(1, "abc") + h2Headers(1, {{":path", "/"}}),
                                "broken 1 trailer_invalid 0/0"},
                      BrokenRow{"upper case in trailers", h2Data(1, "abc") + h2Headers(1, {{"A", "b"}}),
                                "broken 1 trailer_invalid 0/0"},
                      BrokenRow{"a trailer that frames", h2Data(1, "abc") + h2Headers(1, {{"content-length", "3"}}),
                                "broken 1 trailer_invalid 0/0"}));

TEST(H2Session, AWindowThatOverflowsResetsTheStream) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2WindowUpdate(1, 0x7fffffff));
  EXPECT_EQ(world.events.back(), "broken 1 FLOW_CONTROL_ERROR WINDOW_UPDATE");
  EXPECT_TRUE(world.saw("RST_STREAM 1 FLOW_CONTROL_ERROR"));
}

// nghttp2 takes this for a fault of the connection, and may (RFC 9113 section 5.4.1).
TEST(H2Session, DataBehindTheEndIsAFault) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet) + h2Data(1, "x"));
  EXPECT_EQ(world.events.back(), "over protocol STREAM_CLOSED DATA") << world.all();
}

TEST(H2Session, TrailersAreBounded) {
  H2World world({.trailers = 100});
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2Headers(1, {{"a", std::string(100, 'x')}}));
  EXPECT_EQ(world.events.back(), "broken 1 trailers_too_large 105/100");
}

TEST(H2Session, ARefusedRequestsBodyIsDropped) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"expect", "x"}}), false));
  world.session.submitHead(1, 417, "", true);
  world.feed(h2Data(1, "abc"));
  EXPECT_EQ(world.events.size(), 2U) << world.all();
  EXPECT_EQ(world.events.back(), "finished 1");
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM :status=417"));
}

// ---- windows of the client's bodies ---------------------------------------

TEST(H2Session, TheWindowOpensByWhatIsConsumed) {
  H2World world({.stream_window = 65535, .connection_window = 65535});
  world.consumes = false;
  world.feed(h2Hello() + h2SettingsAck() + h2Headers(1, kPost, false));
  for (int frame = 0; frame < 4; ++frame) {
    world.feed(h2Data(1, std::string(16000, 'x')));
  }
  EXPECT_FALSE(world.saw("WINDOW_UPDATE 1 64000"));
  world.session.consume(1, 64000);
  world.read();
  EXPECT_TRUE(world.saw("WINDOW_UPDATE 1 64000")) << printed(world.seen.lines);
  EXPECT_TRUE(world.saw("WINDOW_UPDATE 0 64000"));
}

TEST(H2Session, AStreamMayNotSendBeyondItsWindow) {
  H2World world({.stream_window = 20000});
  world.consumes = false;
  world.feed(h2Hello() + h2SettingsAck() + h2Headers(1, kPost, false) + h2Data(1, std::string(16000, 'x')));
  world.feed(h2Data(1, std::string(4001, 'x')));
  EXPECT_TRUE(world.saw("RST_STREAM 1 FLOW_CONTROL_ERROR") || world.session.state() == H2ServerSession::State::Over)
      << printed(world.seen.lines);
}

TEST(H2Session, WhatAStreamLeavesUnusedGoesBackToTheConnection) {
  H2World world({.connection_window = 65535});
  world.consumes = false;
  for (std::uint32_t stream = 1; stream < 40; stream += 2) {
    ASSERT_TRUE(world.feed((stream == 1 ? h2Hello() : std::string()) + h2Headers(stream, kPost, false) +
                           h2Data(stream, std::string(16000, 'x'))));
    world.feed(h2RstStream(stream, 8));
    world.session.release(static_cast<H2StreamId>(stream));
    world.read();
  }
  EXPECT_EQ(world.session.streams(), 0U);
}

TEST(H2Session, ABodyThatIsTooLongGivesItsWindowBack) {
  H2World world({.connection_window = 65535});
  world.answers = true;
  world.feed(h2Hello());
  for (std::uint32_t stream = 1; stream < 40; stream += 2) {
    ASSERT_TRUE(world.feed(h2Headers(stream, with(kPost, {{"content-length", "1"}}), false) +
                           h2Data(stream, std::string(16000, 'x'))))
        << stream << world.all();
    world.now += 1s;
  }
}

// ---- answers ---------------------------------------------------------------

TEST(H2Session, AnAnswerWithoutABody) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 204, "Server: x\r\nConnection: close\r\nX-Y:  z \r\n", true);
  world.read();
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM :status=204 server=x x-y=z")) << printed(world.seen.lines);
  EXPECT_EQ(world.events.back(), "finished 1");
}

TEST(H2Session, AnAnswerWithItsBody) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitInterim(1, 103, "Link: </a>\r\n");
  world.session.submitHead(1, 200, "Content-Length: 4\r\n", false);
  world.session.submitData(1, "ab", false);
  EXPECT_FALSE(world.session.blocked(1));
  world.session.submitData(1, "cd", true);
  world.read();
  EXPECT_TRUE(world.saw("HEADERS 1 :status=103 link=</a>")) << printed(world.seen.lines);
  EXPECT_TRUE(world.saw("HEADERS 1 :status=200 content-length=4"));
  EXPECT_TRUE(world.saw("DATA 1 END_STREAM"));
  EXPECT_EQ(world.seen.bodies[1], "abcd");
  EXPECT_EQ(world.session.bodySent(1), 4U);
}

TEST(H2Session, AnEndBehindTheBody) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "ab", false);
  world.read();
  world.session.submitEnd(1, "");
  world.read();
  EXPECT_TRUE(world.saw("DATA 1 END_STREAM"));
  EXPECT_EQ(world.events.back(), "finished 1");
}

TEST(H2Session, TrailersOfAnAnswer) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "ab", false);
  world.session.submitEnd(1, "Grpc-Status: 0\r\n");
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "ab");
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM grpc-status=0")) << printed(world.seen.lines);
  EXPECT_EQ(world.events.back(), "finished 1");
}

TEST(H2Session, TrailersBehindAnEmptyBody) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitEnd(1, "grpc-status: 14\r\n");
  world.read();
  EXPECT_TRUE(world.saw("HEADERS 1 END_STREAM grpc-status=14")) << printed(world.seen.lines);
}

TEST(H2Session, AnAnswerFromWithinTheEvent) {
  H2World world;
  world.on_head = [&world](H2StreamId stream, RequestHead&, const H2RequestFacts&) {
    world.session.submitHead(stream, 200, "", false);
    world.session.submitData(stream, "hello", true);
  };
  world.feed(h2Hello() + h2Headers(1, kGet) + h2Headers(3, kGet));
  EXPECT_EQ(world.seen.bodies[1], "hello");
  EXPECT_EQ(world.seen.bodies[3], "hello");
  EXPECT_TRUE(world.told("finished 1") && world.told("finished 3"));
}

// curl before 8.1 loses the answer where RST_STREAM(NO_ERROR) comes while it still has a body to send.
TEST(H2Session, ASmallUploadMayEndBehindItsAnswer) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false));
  answerEarly(world, 1);
  EXPECT_EQ(world.seen.lines.back(), "DATA 1 END_STREAM");
  EXPECT_TRUE(world.feed(h2Data(1, "late") + h2Data(1, "", true) + h2Headers(3, kGet)));
  EXPECT_FALSE(world.told("body 1 late")) << world.all();
  EXPECT_TRUE(world.events.back().starts_with("head 3")) << world.all();
  world.now += H2EarlyAnswers::kPatience;
  world.feed(h2Ping());
  EXPECT_FALSE(world.saw("RST_STREAM 1 NO_ERROR"));
}

struct ShortEndRow {
  std::string_view what;
  std::string bytes;
};
class H2ShortEnd : public ::testing::TestWithParam<ShortEndRow> {};

TEST_P(H2ShortEnd, BehindTheHeadOfItsAnswerLeavesTheAnswer) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"content-length", "9"}}), false) + h2Data(1, "ab"));
  world.session.submitHead(1, 413, "", false);
  world.session.submitData(1, "too ", false);
  world.read();
  EXPECT_TRUE(world.feed(GetParam().bytes));
  EXPECT_EQ(world.events.back(), "short end 1 body_length_differs 2/9") << world.all();
  world.session.submitData(1, "large", true);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "too large");
  EXPECT_EQ(world.seen.lines.back(), "DATA 1 END_STREAM") << printed(world.seen.lines);
  EXPECT_EQ(world.events.back(), "finished 1");
  world.session.release(1);
  EXPECT_TRUE(world.feed(h2Headers(3, kGet)));
  EXPECT_EQ(world.seen.lines.back(), "DATA 1 END_STREAM") << "no reset: " << printed(world.seen.lines);
}

INSTANTIATE_TEST_SUITE_P(Rows, H2ShortEnd,
                         ::testing::Values(ShortEndRow{"an empty frame", h2Data(1, "", true)},
                                           ShortEndRow{"trailers", h2Headers(1, {{"a", "b"}})}));

// An interim response answers nothing yet.
TEST(H2Session, AShortEndBehindAnInterimResponseBreaksTheStream) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, with(kPost, {{"content-length", "9"}}), false));
  world.session.submitInterim(1, 103, "");
  world.read();
  world.feed(h2Data(1, "ab", true));
  EXPECT_EQ(world.events.back(), "broken 1 body_length_differs 2/9") << world.all();
  EXPECT_TRUE(world.saw("RST_STREAM 1 PROTOCOL_ERROR"));
}

// They are nobody's fault: no number of them is a flood.
TEST(H2Session, ShortEndsBehindAnswersEndNoConnection) {
  constexpr H2StreamId kMany = 2 * 2 * 100;  // twice what is allowed of resets
  H2World world;
  world.feed(h2Hello() + h2SettingsAck());
  for (H2StreamId id = 1; id < kMany; id += 2) {
    world.feed(h2Headers(id, with(kPost, {{"content-length", "9"}}), false));
    world.session.submitHead(id, 413, "", false);
    world.read();
    ASSERT_TRUE(world.feed(h2Data(id, "", true))) << id << " " << world.events.back();
    world.session.submitEnd(id, "");
    world.read();
    world.session.release(id);
  }
}

TEST(H2Session, ALargeUploadIsStoppedBehindItsAnswer) {
  H2World world;
  world.feed(h2Hello() + h2SettingsAck() + h2Headers(1, kPost, false));
  answerEarly(world, 1);
  const std::string frame(16 * 1024, 'x');
  for (std::size_t sent = 0; sent < H2EarlyAnswers::kMostDropped; sent += frame.size()) {
    world.feed(h2Data(1, frame));
  }
  EXPECT_FALSE(world.saw("RST_STREAM 1 NO_ERROR"));
  EXPECT_TRUE(world.feed(h2Data(1, "x")));
  EXPECT_TRUE(world.saw("RST_STREAM 1 NO_ERROR"));
  EXPECT_TRUE(world.feed(h2Data(1, frame)));
  EXPECT_EQ(world.events.back(), "finished 1");
}

TEST(H2Session, AnUploadThatCannotGoOnIsStopped) {
  H2World world({.stream_window = 100});
  world.consumes = false;
  world.feed(h2Hello() + h2SettingsAck() + h2Headers(1, kPost, false) + h2Data(1, std::string(100, 'x')));
  answerEarly(world, 1);
  EXPECT_TRUE(world.saw("RST_STREAM 1 NO_ERROR"));
  world.feed(h2Headers(3, kPost, false));
  answerEarly(world, 3);
  EXPECT_FALSE(world.saw("RST_STREAM 3 NO_ERROR"));
  world.session.release(3);
  world.feed(h2Data(3, std::string(100, 'x')));
  EXPECT_TRUE(world.saw("RST_STREAM 3 NO_ERROR"));
}

TEST(H2Session, AnUploadThatGoesOnForLongIsStopped) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false));
  answerEarly(world, 1);
  world.now += H2EarlyAnswers::kPatience;
  world.feed(h2Ping());
  EXPECT_TRUE(world.saw("RST_STREAM 1 NO_ERROR"));
}

// Their client may have other ideas of which streams are open.
TEST(H2Session, UploadsBehindAnswersTakeNobodysPlace) {
  constexpr std::uint32_t kStreams = 4;
  H2World world({.streams = kStreams});
  world.feed(h2Hello() + h2SettingsAck());
  H2StreamId id = 1;
  for (std::uint32_t i = 0; i < kStreams; ++i, id += 2) {
    world.feed(h2Headers(id, kPost, false));
    answerEarly(world, id);
    world.session.release(id);
  }
  for (std::uint32_t i = 0; i < kStreams; ++i, id += 2) {
    EXPECT_TRUE(world.feed(h2Headers(id, kPost, false)));
    EXPECT_TRUE(world.events.back().starts_with("head")) << world.all();
  }
  EXPECT_TRUE(world.saw("RST_STREAM 1 NO_ERROR"));
}

TEST(H2Session, OnlySoManyUploadsGoOnBehindTheirAnswers) {
  H2World world;
  world.feed(h2Hello() + h2SettingsAck());
  for (std::size_t i = 0; i <= H2EarlyAnswers::kMost; ++i) {
    const auto id = static_cast<H2StreamId>(2 * i + 1);
    world.feed(h2Headers(id, kPost, false));
    EXPECT_FALSE(world.saw("RST_STREAM 1 NO_ERROR"));
    answerEarly(world, id);
    world.session.release(id);
  }
  EXPECT_TRUE(world.saw("RST_STREAM 1 NO_ERROR"));
  EXPECT_FALSE(world.saw("RST_STREAM 3 NO_ERROR"));
}

TEST(H2Session, ATunnelsDirectionsEndByThemselves) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1,
                                   {{":method", "CONNECT"},
                                    {":protocol", "websocket"},
                                    {":scheme", "https"},
                                    {":path", "/"},
                                    {":authority", "a"}},
                                   false));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "out", true);
  world.feed(h2Data(1, "in", true));
  EXPECT_EQ(world.seen.bodies[1], "out");
  EXPECT_TRUE(world.told("body 1 in"));
  EXPECT_TRUE(world.told("end 1 "));
  EXPECT_FALSE(world.saw("RST_STREAM 1 NO_ERROR"));
}

TEST(H2Session, ABrokenAnswerIsReset) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "half", false);
  world.session.reset(1, H2Code::InternalError);
  world.read();
  EXPECT_EQ(world.seen.lines.back(), "RST_STREAM 1 INTERNAL_ERROR");
  EXPECT_FALSE(world.saw("DATA 1 END_STREAM"));
  EXPECT_EQ(world.session.blocked(1), false);
}

TEST(H2Session, AHeadThatIsFarTooLongResetsTheStream) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "X: " + std::string(2 << 20, 'x') + "\r\n", false);
  world.session.submitData(1, "abc", true);
  world.read();
  EXPECT_TRUE(world.saw("RST_STREAM 1 INTERNAL_ERROR")) << printed(world.seen.lines);
  EXPECT_EQ(world.events.back(), "broken 1 INTERNAL_ERROR HEADERS");
}

// ---- back-pressure ---------------------------------------------------------

TEST(H2Session, AClosedWindowKeepsTheBody) {
  H2World world;
  world.feed(h2Preface() + h2Settings({{4, 10}}) + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "0123456789abcdef", false);
  world.read();
  EXPECT_EQ(world.seen.bodies[1], "0123456789");
  EXPECT_TRUE(world.session.blocked(1));
  EXPECT_EQ(world.session.kept(1), 6U);
  EXPECT_TRUE(world.session.windowClosed(1));
  EXPECT_EQ(world.session.bodySent(1), 10U);
  EXPECT_FALSE(world.told("writable 1"));
  world.feed(h2WindowUpdate(1, 100));
  EXPECT_EQ(world.seen.bodies[1], "0123456789abcdef");
  EXPECT_EQ(world.events.back(), "writable 1");
  EXPECT_FALSE(world.session.blocked(1));
  EXPECT_FALSE(world.session.windowClosed(1));
}

TEST(H2Session, AClosedConnectionWindowIsToldTooAndOpensAll) {
  H2World world;
  world.feed(h2Preface() + h2Settings({{4, 1 << 20}}) + h2Headers(1, kGet) + h2Headers(3, kGet));
  const std::string body(65535, 'x');
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, body, true);
  world.session.submitHead(3, 200, "", false);
  world.session.submitData(3, "more", true);
  world.read();
  EXPECT_EQ(world.seen.bodies[1].size() + world.seen.bodies[3].size(), 65535U);
  EXPECT_TRUE(world.session.windowClosed(3));
  world.feed(h2WindowUpdate(0, 100));
  EXPECT_EQ(world.seen.bodies[1], body);
  EXPECT_EQ(world.seen.bodies[3], "more");
}

TEST(H2Session, OutputThatIsNotReadKeepsTheBody) {
  H2World world;
  world.feed(h2Preface() + h2Settings({{4, 1 << 24}}) + h2WindowUpdate(0, 1 << 24) + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  std::string sent;
  while (!world.session.blocked(1)) {
    world.session.submitData(1, std::string(16384, 'x'), false);
    sent.append(16384, 'x');
    ASSERT_LT(sent.size(), 1U << 20);
  }
  EXPECT_LE(world.session.output().size(), 128U * 1024);
  EXPECT_FALSE(world.session.windowClosed(1));
  world.read();
  EXPECT_TRUE(world.told("writable 1"));
  EXPECT_EQ(world.seen.bodies[1].size(), sent.size());
}

TEST(H2Session, ManyStreamsShareTheOutput) {
  H2World world;
  std::string bytes = h2Preface() + h2Settings({{4, 1 << 24}}) + h2WindowUpdate(0, 1 << 24);
  for (std::uint32_t stream = 1; stream < 20; stream += 2) {
    bytes += h2Headers(stream, kGet);
  }
  world.feed(bytes);
  for (H2StreamId stream = 1; stream < 20; stream += 2) {
    world.session.submitHead(stream, 200, "", false);
    world.session.submitData(stream, std::string(200000, 'x'), true);
  }
  world.read();
  for (std::uint32_t stream = 1; stream < 20; stream += 2) {
    EXPECT_EQ(world.seen.bodies[stream].size(), 200000U);
    EXPECT_TRUE(world.told(fmt::format("finished {}", stream)));
  }
  EXPECT_EQ(world.session.memory(), 0U);
}

TEST(H2Session, ALongAnswerDoesNotHoldUpOthers) {
  H2World world;
  world.feed(h2Preface() + h2Settings({{4, 1 << 24}}) + h2WindowUpdate(0, 1 << 24) + h2Headers(1, kGet) +
             h2Headers(3, kGet));
  for (const H2StreamId stream : {1, 3}) {
    world.session.submitHead(stream, 200, "", false);
    world.session.submitData(stream, std::string(1 << 20, 'x'), true);
  }
  world.read(1 << 20);
  EXPECT_GT(world.seen.bodies[3].size(), 400000U);
  EXPECT_GT(world.seen.bodies[1].size(), 400000U);
}

// An observer that sends on as soon as it may, to many streams at once.
TEST(H2Session, WritableLeadsToMore) {
  H2World world;
  std::map<H2StreamId, int> left;
  const std::string piece(30000, 'p');
  world.on_head = [&](H2StreamId stream, RequestHead&, const H2RequestFacts&) {
    left[stream] = 20;
    world.session.submitHead(stream, 200, "", false);
    world.session.submitData(stream, piece, false);
  };
  world.on_writable = [&](H2StreamId stream) {
    while (left[stream] > 0 && !world.session.blocked(stream)) {
      world.session.submitData(stream, piece, --left[stream] == 0);
    }
  };
  world.feed(h2Preface() + h2Settings({{4, 1 << 24}}) + h2WindowUpdate(0, 1 << 24) + h2Headers(1, kGet) +
             h2Headers(3, kGet) + h2Headers(5, kGet));
  world.read();
  for (const std::uint32_t stream : {1U, 3U, 5U}) {
    EXPECT_EQ(world.seen.bodies[stream].size(), 21U * 30000);
    EXPECT_TRUE(world.told(fmt::format("finished {}", stream)));
  }
}

// ---- the client gives up, and places ---------------------------------------

// Its origin may say so later: the client counts it no more, and opens others.
TEST(H2Session, AWholeAnswerTakesNoPlaceFromTheClient) {
  constexpr std::uint32_t kStreams = 2;
  H2World world({.streams = kStreams});
  world.feed(h2Hello() + h2SettingsAck());
  H2StreamId id = 1;
  for (std::uint32_t i = 0; i < kStreams; ++i, id += 2) {
    world.feed(h2Headers(id, kGet));
    world.session.submitHead(id, 200, "", true);
    world.read();
  }
  for (std::uint32_t i = 0; i < kStreams; ++i, id += 2) {
    world.feed(h2Headers(id, kGet));
    EXPECT_TRUE(world.events.back().starts_with(fmt::format("head {}", id))) << world.all();
  }
  world.session.submitHead(5, 200, "", true);
  world.read();
  world.feed(h2Headers(id, kGet));
  EXPECT_TRUE(world.saw(fmt::format("RST_STREAM {} REFUSED_STREAM", id))) << "as many are waited for as it may open";
  world.session.release(1);
  world.feed(h2Headers(id + 2, kGet));
  EXPECT_TRUE(world.events.back().starts_with(fmt::format("head {}", id + 2))) << world.all();
}

TEST(H2Session, AResetIsToldAndEndsTheStream) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2RstStream(1, 8));
  EXPECT_EQ(world.all(), "head 1 POST / HTTP/1.1|host: a.example||\nreset 1 CANCEL\n");
  world.session.submitHead(1, 200, "", true);  // does nothing
  world.read();
  EXPECT_FALSE(world.saw("HEADERS 1 END_STREAM :status=200"));
}

TEST(H2Session, AResetDropsWhatIsKept) {
  H2World world;
  world.feed(h2Preface() + h2Settings({{4, 0}}) + h2Headers(1, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitData(1, "abc", true);
  EXPECT_EQ(world.session.kept(1), 3U);
  world.feed(h2RstStream(1, 8));
  EXPECT_EQ(world.session.kept(1), 0U);
  EXPECT_EQ(world.events.back(), "reset 1 CANCEL");
}

TEST(H2Session, AStreamKeepsItsPlaceUntilItIsReleased) {
  H2World world({.streams = 2});
  world.feed(h2Hello() + h2Headers(1, kPost, false) + h2RstStream(1, 8) + h2Headers(3, kPost, false) +
             h2RstStream(3, 8));
  world.feed(h2Headers(5, kGet));
  EXPECT_TRUE(world.saw("RST_STREAM 5 REFUSED_STREAM")) << printed(world.seen.lines);
  world.session.release(1);
  world.feed(h2Headers(7, kGet));
  EXPECT_EQ(world.events.back(), "head 7 GET / HTTP/1.1|host: a.example|| ends");
}

TEST(H2Session, AReleasedStreamThatIsOpenIsCancelled) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kPost, false));
  world.session.release(1);
  world.read();
  EXPECT_TRUE(world.saw("RST_STREAM 1 CANCEL"));
  EXPECT_TRUE(world.feed(h2Data(1, "x", true)));
  EXPECT_EQ(world.events.size(), 1U);
}

TEST(H2Session, ReleaseFromWithinEveryEvent) {
  H2World world;
  const auto release = [&world](H2StreamId stream) { world.session.release(stream); };
  world.on_head = [&](H2StreamId stream, RequestHead&, const H2RequestFacts&) {
    if (stream == 1) {
      release(stream);
    }
  };
  world.on_body = [&](H2StreamId stream, std::string_view) {
    if (stream == 3) {
      release(stream);
    }
  };
  world.on_end = [&](H2StreamId stream) { release(stream); };
  world.on_gone = release;
  world.feed(h2Hello());
  for (std::uint32_t stream = 1; stream < 10; stream += 2) {
    world.feed(h2Headers(stream, kPost, false) + h2Data(stream, "a") + h2Data(stream, "b", stream != 7));
  }
  world.feed(h2RstStream(7, 8));
  EXPECT_EQ(world.session.streams(), 0U);
  EXPECT_TRUE(world.feed(h2Headers(11, kGet)));
}

// ---- the connection --------------------------------------------------------

TEST(H2Session, GoAwayInTwoSteps) {
  H2World world;
  world.answers = true;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.announceShutdown();
  world.read();
  EXPECT_TRUE(world.saw("GOAWAY 0 2147483647 NO_ERROR"));
  world.feed(h2Headers(3, kGet));
  EXPECT_TRUE(world.saw("HEADERS 3 END_STREAM :status=200"));
  world.session.closeToNewStreams();
  world.read();
  EXPECT_TRUE(world.saw("GOAWAY 0 3 NO_ERROR")) << printed(world.seen.lines);
  EXPECT_TRUE(world.feed(h2Headers(5, kGet)));
  EXPECT_FALSE(world.told("head 5 GET / HTTP/1.1|host: a.example|| ends"));
  EXPECT_EQ(world.session.state(), H2ServerSession::State::Draining);
  EXPECT_TRUE(world.session.done());
}

TEST(H2Session, ItIsDoneWhenItsStreamsAre) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  EXPECT_FALSE(world.session.done());
  world.feed(h2GoAway(0, 0));
  EXPECT_FALSE(world.session.done());
  world.session.submitHead(1, 200, "", true);
  EXPECT_FALSE(world.session.done());
  world.read();
  EXPECT_TRUE(world.session.done());
}

TEST(H2Session, TheClientsGoAway) {
  H2World world;
  world.feed(h2Hello() + h2GoAway(0, 11, "calm down"));
  EXPECT_EQ(world.all(), "goaway 0 ENHANCE_YOUR_CALM calm down\n");
  EXPECT_EQ(world.session.state(), H2ServerSession::State::Draining);
}

TEST(H2Session, PingAndPong) {
  H2World world;
  world.feed(h2Hello() + h2Ping("abcdefgh"));
  EXPECT_TRUE(world.saw("PING 0 ACK"));
  world.session.ping(4711);
  world.read();
  EXPECT_TRUE(world.saw("PING 0"));
  const std::uint64_t opaque = 4711;
  world.feed(h2Ping({reinterpret_cast<const char*>(&opaque), sizeof opaque}, true));
  EXPECT_EQ(world.events.back(), "pong 4711");
}

TEST(H2Session, TheOwnerMayEndIt) {
  H2World world;
  world.feed(h2Hello() + h2Headers(1, kGet));
  world.session.fail({.how = StreamFault::How::Stalled, .code = 11});
  world.read();
  EXPECT_EQ(world.events.back(), "over stalled ENHANCE_YOUR_CALM ");
  EXPECT_TRUE(world.saw("GOAWAY 0 1 ENHANCE_YOUR_CALM"));
  EXPECT_FALSE(world.feed(h2Headers(3, kGet)));
  EXPECT_FALSE(world.session.hasOutput());
}

TEST(H2Session, TheOwnerMayEndItFromWithinAnEvent) {
  H2World world;
  world.on_head = [&world](H2StreamId, RequestHead&, const H2RequestFacts&) {
    world.session.fail({.how = StreamFault::How::Flood, .code = 11, .flood = "mine"});
  };
  EXPECT_FALSE(world.feed(h2Hello() + h2Headers(1, kGet) + h2Headers(3, kGet)));
  EXPECT_EQ(world.events.size(), 2U) << world.all();
  EXPECT_EQ(world.events.back(), "over flood ENHANCE_YOUR_CALM mine");
}

struct ConnectionRow {
  std::string_view what;
  std::string bytes;
  std::string event;
};
class H2ConnectionFault : public ::testing::TestWithParam<ConnectionRow> {};

TEST_P(H2ConnectionFault, IsToldOnceWithItsFrame) {
  H2World world;
  EXPECT_FALSE(world.feed(h2Hello() + h2Headers(1, kPost, false) + GetParam().bytes));
  EXPECT_EQ(world.events.back(), GetParam().event) << world.all();
  EXPECT_FALSE(world.connection_fault.detail.empty());
  EXPECT_GT(world.connection_fault.offset, 0U);
  EXPECT_TRUE(world.seen.lines.back().starts_with("GOAWAY 0 ")) << printed(world.seen.lines);
  EXPECT_EQ(std::count_if(world.seen.lines.begin(), world.seen.lines.end(),
                          [](const std::string& line) { return line.starts_with("GOAWAY"); }),
            1);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2ConnectionFault,
    ::testing::Values(
        ConnectionRow{"DATA of no stream", h2Data(0, "x"), "over protocol PROTOCOL_ERROR DATA"},
        ConnectionRow{"DATA of an idle stream", h2Data(9, "x"), "over protocol PROTOCOL_ERROR DATA"},
        ConnectionRow{"a stream of ours", h2Headers(2, kGet), "over protocol PROTOCOL_ERROR HEADERS"},
        ConnectionRow{"a frame within a block", h2Frame(h2::kHeaders, 0, 3, hpackBlock(kGet)) + h2Ping(),
                      "over protocol PROTOCOL_ERROR PING"},
        ConnectionRow{"a CONTINUATION alone", h2Frame(h2::kContinuation, 4, 3, hpackBlock(kGet)),
                      "over protocol PROTOCOL_ERROR CONTINUATION"},
        ConnectionRow{"HPACK out of its table", h2Frame(h2::kHeaders, 5, 3, "\xff\x7f"),
                      "over protocol COMPRESSION_ERROR HEADERS"},
        ConnectionRow{"a long frame", h2Data(1, std::string(16385, 'x')), "over protocol FRAME_SIZE_ERROR DATA"},
        ConnectionRow{"a short PING", h2Frame(h2::kPing, 0, 0, "1234"), "over protocol FRAME_SIZE_ERROR PING"},
        ConnectionRow{"the connection's window opens by nothing", h2WindowUpdate(0, 0),
                      "over protocol PROTOCOL_ERROR WINDOW_UPDATE"},
        ConnectionRow{"a stream's window opens by nothing", h2WindowUpdate(1, 0),
                      "over protocol PROTOCOL_ERROR WINDOW_UPDATE"},
        ConnectionRow{"the connection's window overflows", h2WindowUpdate(0, 0x7fffffff),
                      "over protocol FLOW_CONTROL_ERROR WINDOW_UPDATE"},
        ConnectionRow{"an invalid setting", h2Settings({{5, 1}}), "over protocol PROTOCOL_ERROR SETTINGS"},
        ConnectionRow{"PUSH_PROMISE", h2Frame(h2::kPushPromise, 4, 1, h2Number(2, 4)),
                      "over protocol PROTOCOL_ERROR PUSH_PROMISE"},
        ConnectionRow{"RST_STREAM of an idle stream", h2RstStream(9, 0), "over protocol PROTOCOL_ERROR RST_STREAM"},
        ConnectionRow{"DATA behind the end", h2RstStream(1, 8) + h2Data(1, "x"), "over protocol STREAM_CLOSED DATA"},
        ConnectionRow{"a stream that goes backwards", h2Headers(9, {}) + h2Headers(7, kGet),
                      "over protocol PROTOCOL_ERROR HEADERS"},
        ConnectionRow{"PRIORITY of no stream", h2Priority(0, 1), "over protocol PROTOCOL_ERROR PRIORITY"},
        ConnectionRow{"PRIORITY upon itself", h2Priority(3, 3), "over protocol PROTOCOL_ERROR PRIORITY"}));

TEST(H2Session, PrioritiesAreIgnored) {
  H2World world;
  EXPECT_TRUE(world.feed(h2Hello() + h2Priority(1, 3) + h2Headers(1, kGet) + h2Priority(1, 0) +
                         h2Frame(0x10, 0, 0, h2Number(1, 4) + "u=1")));
  EXPECT_EQ(world.events.size(), 1U);
}

// ---- floods ----------------------------------------------------------------

struct FloodRow {
  std::string_view what;
  std::function<std::string(std::uint32_t)> each;  // by its number, from 0
  std::string flood;
};
class H2SessionFlood : public ::testing::TestWithParam<FloodRow> {};

TEST_P(H2SessionFlood, EndsTheConnection) {
  H2World world;
  world.answers = true;
  bool open = world.feed(h2Hello() + h2Headers(1, kPost, false));
  std::uint32_t sent = 0;
  for (; open && sent < 20000; ++sent, world.now += 1ms) {
    open = world.feed(GetParam().each(sent));
  }
  EXPECT_FALSE(open);
  EXPECT_EQ(world.events.back(), "over flood ENHANCE_YOUR_CALM " + GetParam().flood);
  EXPECT_LT(sent, 2000U);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, H2SessionFlood,
    ::testing::Values(
        FloodRow{"settings", [](std::uint32_t) { return h2Settings(); }, "settings"},
        FloodRow{"ping", [](std::uint32_t) { return h2Ping(); }, "ping"},
        FloodRow{"ping_ack", [](std::uint32_t) { return h2Ping("12345678", true); }, "ping"},
        FloodRow{"empty_data", [](std::uint32_t) { return h2Data(1, ""); }, "empty_data"},
        FloodRow{"padding", [](std::uint32_t) { return h2Frame(h2::kData, h2::kPadded, 1, std::string("\2\0\0", 3)); },
                 "empty_data"},
        FloodRow{"window_update", [](std::uint32_t) { return h2WindowUpdate(1, 1); }, "window_update"},
        FloodRow{"priority", [](std::uint32_t each) { return h2Priority(101 + 2 * each, 0); }, "priority"},
        FloodRow{"unknown", [](std::uint32_t) { return h2Frame(0x2a, 0, 0, "x"); }, "unknown_frame"},
        FloodRow{
            "rapid_reset",
            [](std::uint32_t each) { return h2Headers(3 + 2 * each, kPost, false) + h2RstStream(3 + 2 * each, 8); },
            "rapid_reset"},
        FloodRow{"made_you_reset",
                 [](std::uint32_t each) {
                   return h2Headers(3 + 2 * each, kPost, false) + h2WindowUpdate(3 + 2 * each, 0x7fffffff);
                 },
                 "provoked_reset"},
        FloodRow{
            "made_you_reset_by_data",
            [](std::uint32_t each) {
              return h2Headers(3 + 2 * each, with(kPost, {{"content-length", "0"}}), false) + h2Data(3 + 2 * each, "x");
            },
            "provoked_reset"},
        FloodRow{"malformed",
                 [](std::uint32_t each) {
                   return h2Headers(3 + 2 * each, with(kGet, {{"A", "b"}}));
                 },
                 "provoked_reset"},
        FloodRow{"resets_of_nothing",
                 [](std::uint32_t each) { return (each == 0 ? h2RstStream(1, 8) : std::string()) + h2RstStream(1, 8); },
                 "reset"}));

TEST(H2Session, RepliesThatAreNotReadEndTheConnection) {
  H2World world;
  world.answers = true;
  bool open = world.session.feed(h2Hello(), world.now);
  int pings = 0;
  for (std::uint32_t stream = 1; open && pings < 100000; stream += 2, world.now += 1s) {
    open = world.session.feed(h2Headers(stream, kGet), world.now);
    for (int each = 0; open && each < 9; ++each, ++pings) {
      open = world.session.feed(h2Ping(), world.now);
    }
  }
  EXPECT_FALSE(open);
  EXPECT_EQ(world.events.back(), "over flood ENHANCE_YOUR_CALM unread");
  EXPECT_LT(pings, 1100);
}

TEST(H2Session, RepliesBehindALongDownloadAreRead) {
  H2World world;
  world.on_head = [&world](H2StreamId stream, RequestHead&, const H2RequestFacts&) {
    world.session.submitHead(stream, 200, "", false);
  };
  world.feed(h2Preface() + h2Settings({{4, 1 << 30}}) + h2WindowUpdate(0, 1 << 30) + h2Headers(1, kGet));
  for (int turn = 0; turn < 3000; ++turn, world.now += 20ms) {
    while (!world.session.blocked(1)) {
      world.session.submitData(1, std::string(16384, 'x'), false);
    }
    world.read(16384);  // never all of it
    ASSERT_TRUE(world.session.feed(h2Ping(), world.now)) << turn << world.events.back();
  }
}

// ---- however it is split ---------------------------------------------------

// A connection with some of everything.
std::string conversation() {
  return h2Hello() + h2SettingsAck() + h2Headers(1, kGet) + h2Headers(3, with(kPost, {{"cookie", "a"}}), false) +
         h2Data(3, "abc") + h2Ping() + h2Headers(5, with(kGet, {{"Bad", "x"}})) + h2Priority(9, 3) +
         h2Frame(h2::kHeaders, h2::kEndStream, 7, hpackBlock(kGet).substr(0, 20)) +
         h2Frame(h2::kContinuation, h2::kEndHeaders, 7, hpackBlock(kGet).substr(20)) +
         h2Headers(9, with(kPost, {{"content-length", "5"}}), false) + h2Data(9, "1234") +
         h2Frame(h2::kData, h2::kPadded, 3,
                 std::string("\2"
                             "de\0\0",
                             5)) +
         h2Headers(3, {{"t", "u"}}) + h2Frame(0x2a, 0, 0, "unknown") + h2Data(9, "5", true) +
         h2Headers(11, kPost, false) + h2RstStream(11, 8) + h2Headers(13, kPost, false) + h2WindowUpdate(13, 0) +
         h2WindowUpdate(0, 0) + h2Headers(15, kGet);
}

TEST(H2Split, EveryCutHasTheSameOutcome) {
  const std::string bytes = conversation();
  H2World whole;
  EXPECT_FALSE(whole.feed(bytes));
  EXPECT_EQ(whole.events.back(), "over protocol PROTOCOL_ERROR WINDOW_UPDATE");
  EXPECT_EQ(whole.events.size(), 15U) << whole.all();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    H2World world;
    if (world.feed(std::string_view(bytes).substr(0, cut))) {
      world.feed(std::string_view(bytes).substr(cut));
    }
    ASSERT_EQ(world.all(), whole.all()) << "cut at " << cut;
    ASSERT_EQ(world.seen.bodies, whole.seen.bodies);
    ASSERT_EQ(world.connection_fault.offset, whole.connection_fault.offset);
  }
  H2World octets;
  octets.feedInPieces(bytes, 1);
  EXPECT_EQ(octets.all(), whole.all());
}

}  // namespace
}  // namespace gatewhy::test
