// SPDX-License-Identifier: Apache-2.0
// The scripted HTTP/2 origin, talked to octet by octet.
#include "daemon/demo/script_h2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/demo/script_peer.h"
#include "tests/support/h2_frames.h"

namespace gatewhy {
namespace {

using test::H2ReadFrame;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const test::H2TestFields kGetH2{{":method", "GET"}, {":scheme", "http"}, {":authority", "shop"}, {":path", "/a?b"}};

class ScriptH2Test : public testing::Test {
 protected:
  static Script steps(std::string_view text) {
    Result<Script, ScriptError> parsed = parseScript(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    return parsed ? parsed.value() : Script{};
  }

  void serve(std::string_view text, std::map<std::string, Script> by_path = {}) {
    ScriptPeerOptions options;
    options.scripts = {steps(text)};
    options.by_path = std::move(by_path);
    Result<std::unique_ptr<ScriptPeer>, std::string> peer = ScriptPeer::start(std::move(options));
    ASSERT_TRUE(peer) << peer.error();
    peer_ = std::move(peer).value();
  }

  // What the origin answers to these octets and a FIN, as frames.
  std::vector<H2ReadFrame> ask(const std::string& octets) {
    Script script = steps("send x, fin, wait_close");
    script.front().text = octets;
    SessionRecord record;
    Fd socket(::socket(peer_->address().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), peer_->address().get(), peer_->address().size), 0);
    const SessionEnvironment environment;
    ScriptSession(std::move(socket), ScriptSession::Role::Client, environment, record).run(script);
    peer_->stop();
    rest_ = record.received;
    return test::takeH2Frames(rest_);
  }

  [[nodiscard]] SessionRecord origin() const { return peer_->records().front(); }

  std::unique_ptr<ScriptPeer> peer_;
  std::string rest_;  // octets behind the last whole frame
};

std::string askedTwice() {
  return test::h2Hello() + test::h2Headers(1, kGetH2) + test::h2Headers(3, kGetH2, false) + test::h2Data(3, "up", true);
}

TEST_F(ScriptH2Test, AnswersRequestsOnTheirStreams) {
  serve("h2 max_concurrent_streams=7 0x10=5, read_head, respond 200 one, read_head, read_body, respond 404 two, close");
  const std::vector<H2ReadFrame> frames = ask(askedTwice());
  ASSERT_THAT(frames, SizeIs(8));
  EXPECT_EQ(frames[0].type, test::h2::kSettings);
  EXPECT_EQ(frames[0].payload,
            test::h2Number(3, 2) + test::h2Number(7, 4) + test::h2Number(16, 2) + test::h2Number(5, 4));
  EXPECT_TRUE(frames[1].type == test::h2::kSettings && frames[1].has(test::h2::kAck));
  EXPECT_EQ(frames[2].stream, 1U);
  EXPECT_THAT(frames[2].payload, HasSubstr("200"));
  EXPECT_EQ(frames[3].payload, "one");
  EXPECT_TRUE(frames[3].has(test::h2::kEndStream));
  EXPECT_EQ(frames[4].type, test::h2::kWindowUpdate);
  EXPECT_EQ(frames[6].stream, 3U);
  EXPECT_EQ(frames[7].payload, "two");
  EXPECT_EQ(origin().requests, 2U);
  EXPECT_THAT(origin().received, HasSubstr("GET /a?b HTTP/2\r\n:scheme: http\r\n:authority: shop\r\n\r\n"));
  EXPECT_THAT(origin().received, HasSubstr("up"));
}

TEST_F(ScriptH2Test, PicksAScriptByPath) {
  serve("h2, by_path, close", {{"/", steps("respond 200 root")}, {"/a", steps("read_body, respond 200 deep")}});
  EXPECT_EQ(ask(test::h2Hello() + test::h2Headers(1, kGetH2)).back().payload, "deep");
}

TEST_F(ScriptH2Test, SendsFramesAsTold) {
  serve(
      R"(h2 settings=none, read_head, headers :status=200 x="a, b" frames=2, data hi, trailers a=b, stream 9, rst_stream CANCEL, rst_stream 0x2a, window_update 5, ping, settings enable_push=1, goaway code=ENHANCE_YOUR_CALM last=3 debug="too many", goaway, frame type=PING flags=1 stream=4 payload="\xff" length=2, close)");
  const std::vector<H2ReadFrame> frames = ask(test::h2Preface() + test::h2Headers(1, kGetH2));
  ASSERT_THAT(frames, SizeIs(11));
  EXPECT_EQ(frames[0].type, test::h2::kHeaders);
  EXPECT_FALSE(frames[0].has(test::h2::kEndHeaders));
  EXPECT_EQ(frames[1].type, test::h2::kContinuation);
  EXPECT_TRUE(frames[1].has(test::h2::kEndHeaders));
  EXPECT_EQ(frames[0].payload + frames[1].payload, test::hpackBlock({{":status", "200"}, {"x", "a, b"}}));
  EXPECT_EQ(frames[2].payload, "hi");
  EXPECT_FALSE(frames[2].has(test::h2::kEndStream));
  EXPECT_TRUE(frames[3].has(test::h2::kEndStream));
  EXPECT_EQ(frames[3].payload, test::hpackBlock({{"a", "b"}}));
  EXPECT_EQ(frames[4].stream, 9U);
  EXPECT_EQ(frames[4].number(0), 8U);
  EXPECT_EQ(frames[5].number(0), 42U);
  EXPECT_EQ(frames[6].number(0), 5U);
  EXPECT_EQ(frames[7].type, test::h2::kPing);
  EXPECT_EQ(frames[8].payload, test::h2Number(2, 2) + test::h2Number(1, 4));
  EXPECT_EQ(frames[9].payload, test::h2Number(3, 4) + test::h2Number(11, 4) + "too many");
  EXPECT_EQ(frames[10].payload, test::h2Number(1, 4) + test::h2Number(0, 4));
  // A frame that is shorter than it says.
  EXPECT_EQ(rest_, std::string("\0\0\x02\x06\x01\0\0\0\x04\xff", 10));
}

TEST_F(ScriptH2Test, SaysWhatTheClientGaveUp) {
  serve("h2, read_head, wait_close");
  ask(test::h2Hello() + test::h2Headers(1, kGetH2) + test::h2RstStream(1, 8) + test::h2GoAway(0, 2, "bye") + "x");
  EXPECT_THAT(origin().received, HasSubstr("RST_STREAM 1 CANCEL\nGOAWAY INTERNAL_ERROR bye\n"));
}

TEST_F(ScriptH2Test, AStepThatCannotBeDoneIsAnError) {
  const std::map<std::string_view, std::string_view> problems{
      {"headers :status=200", "'headers' needs 'h2' before it"},
      {"h2 colour=1", "options cannot be read"},
      {"h2, read_head, rst_stream NOTHING", "not an error code: NOTHING"},
      {"h2, read_head, goaway last=x", "goaway takes"},
      {"h2, read_head, frame kind=DATA", "options cannot be read"},
  };
  for (const auto& [script, problem] : problems) {
    serve(script);
    ask(test::h2Hello() + test::h2Headers(1, kGetH2));
    EXPECT_EQ(origin().end, SessionEnd::Error) << script;
    EXPECT_THAT(origin().error, HasSubstr(problem)) << script;
  }
}

TEST_F(ScriptH2Test, AClientOfHttp1IsToldOff) {
  serve("h2, read_head, respond 200 ok");
  ask("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  EXPECT_EQ(origin().error, "the client does not begin HTTP/2");
}

}  // namespace
}  // namespace gatewhy
