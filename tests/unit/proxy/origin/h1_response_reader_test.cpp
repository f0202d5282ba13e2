// SPDX-License-Identifier: Apache-2.0
// Every state of the reading of a response, and all that can come in it.
#include "proxy/origin/h1_response_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace gatewhy::test::reader_states {
namespace {

using State = H1ResponseReader::State;

const char* nameOf(State state) {
  switch (state) {
    case State::Head:
      return "Head";
    case State::Body:
      return "Body";
    case State::Tunnel:
      return "Tunnel";
    case State::Over:
      return "Over";
  }
  return "";
}

// The stream, its attempt and its exchange in one: writes down what it is told.
class ReaderWorld final : private ResponseObserver, private OriginStreamOwner, private H1ResponseReader::Owner {
 public:
  ReaderWorld() {
    RequestParser parser{HeadLimits{}};
    EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, ParseStatus::Done);
    request_ = parser.head();
  }
  void enter(State state) {
    switch (state) {
      case State::Head:
        break;
      case State::Body:
        reader.onBytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        break;
      case State::Tunnel:
        reader.onBytes("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        break;
      case State::Over:
        reader.stop();
        break;
    }
    ASSERT_STREQ(nameOf(reader.state()), nameOf(state));
    told.clear();
  }

  std::string told;  // words, each followed by a blank
  bool refuses_switch = false;

 private:
  void tell(const std::string& word) { told += word + " "; }
  // ResponseObserver
  void onInterim(const ResponseHead& head) override { tell("interim:" + std::to_string(head.status)); }
  void onResponseHead(const ResponseHead& head) override { tell("head:" + std::to_string(head.status)); }
  void onResponseData(std::string_view data) override { tell("data:" + std::string(data)); }
  void onBatchEnd() override { tell("batch"); }
  void onFindings(FindingSet /*findings*/) override { tell("finding"); }
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override {}
  void onTunnelOpen(const ResponseHead& /*head*/) override { tell("tunnel"); }
  // OriginStreamOwner
  void appendHead(TextBuffer& /*out*/) override {}
  [[nodiscard]] std::optional<UpgradeFault> judgeSwitch(const ResponseHead& /*head*/) override {
    return refuses_switch ? std::optional(UpgradeFault{}) : std::nullopt;
  }
  void onStreamComplete(bool /*extra_data*/, const std::string& /*trailers*/) override {}
  void onStreamFailed(Phase /*phase*/, Fault /*fault*/) override {}
  // H1ResponseReader::Owner: leaves, as the stream does
  void onContinue() override { tell("continue"); }
  void onMoved(TimePoint /*when*/) override {}
  void onMoreAwaited() override { tell("more"); }
  void onReadComplete(bool extra_data) override {
    tell(extra_data ? "complete:extra" : "complete");
    reader.stop();
  }
  void onReadFault(Phase phase, Fault /*fault*/) override {
    tell("fault:" + std::string(name(phase)));
    reader.stop();
  }

  EventLoop loop_;
  TextBuffer scratch_;
  SplicePipes pipes_;
  Redaction redaction_;
  RequestHead request_;
  OriginConfig origin_;
  ResponseParser parser_{HeadLimits{}};
  OriginStreamSetup setup_{.loop = loop_,
                           .scratch = scratch_,
                           .pipes = pipes_,
                           .redaction = redaction_,
                           .head = request_,
                           .origin = origin_,
                           .timeouts = origin_.timeouts,
                           .owner = *this,
                           .observer = *this,
                           .reused = false};

 public:
  H1ResponseReader reader{parser_, setup_, *this};
};

constexpr const char* kNever = "-";  // nobody reads there

struct Row {
  const char* event;
  std::function<void(ReaderWorld&)> play;
  //                              Head    Body    Tunnel  Over
  std::array<const char*, 4> then;
  std::array<const char*, 4> told;
};

std::function<void(ReaderWorld&)> bytes(const char* text) {
  return [text](ReaderWorld& world) { world.reader.onBytes(text); };
}

const std::vector<Row>& table() {
  static const std::vector<Row> rows = {
      {"a part of a head", bytes("HTTP/1.1 20"), {"Head", kNever, kNever, kNever}, {"batch ", "", "", ""}},
      {"100",
       bytes("HTTP/1.1 100 Continue\r\n\r\n"),
       {"Head", kNever, kNever, kNever},
       {"continue interim:100 batch ", "", "", ""}},
      {"interim, then final head",
       bytes("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"),
       {"Body", kNever, kNever, kNever},
       {"interim:103 head:200 more batch ", "", "", ""}},
      {"a head without a body",
       bytes("HTTP/1.1 204 No Content\r\n\r\n"),
       {"Over", kNever, kNever, kNever},
       {"head:204 complete ", "", "", ""}},
      {"a whole response",
       bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
       {"Over", kNever, kNever, kNever},
       {"head:200 data:ok complete ", "", "", ""}},
      {"101",
       bytes("HTTP/1.1 101 S\r\n\r\nhi"),
       {"Tunnel", kNever, kNever, kNever},
       {"more tunnel more data:hi batch ", "", "", ""}},
      {"101 that is refused",
       [](ReaderWorld& world) {
         world.refuses_switch = true;
         world.reader.onBytes("HTTP/1.1 101 S\r\n\r\n");
       },
       {"Over", kNever, kNever, kNever},
       {"fault:upgrade ", "", "", ""}},
      {"what is no HTTP",
       bytes("SSH-2.0-x\r\n"),
       {"Over", "Over", "Tunnel", kNever},
       {"fault:response_head ", "data:SSH- complete:extra ", "more data:SSH-2.0-x\r\n batch ", ""}},
      {"bytes",
       bytes("abc"),
       {"Over", "Body", "Tunnel", kNever},
       {"fault:response_head ", "data:abc more batch ", "more data:abc batch ", ""}},
      {"the last bytes",
       bytes("abcd"),
       {"Over", "Over", "Tunnel", kNever},
       {"fault:response_head ", "data:abcd complete ", "more data:abcd batch ", ""}},
      {"spliced bytes",
       [](ReaderWorld& world) { world.reader.onSpliced(3); },
       {kNever, "Body", kNever, kNever},
       {"", "more ", "", ""}},
      {"the connection ends in order, too early",
       [](ReaderWorld& world) { EXPECT_FALSE(world.reader.endsBody()); },
       {"Head", "Body", "Tunnel", "Over"},
       {"", "", "", ""}},
      {"stop", [](ReaderWorld& world) { world.reader.stop(); }, {"Over", "Over", "Over", "Over"}, {"", "", "", ""}},
  };
  return rows;
}

TEST(ResponseReaderStates, EachRowIsSo) {
  std::set<std::string> seen;
  for (const Row& row : table()) {
    EXPECT_TRUE(seen.insert(row.event).second) << row.event << " twice";
    for (std::size_t at = 0; at < row.then.size(); ++at) {
      if (std::string(row.then[at]) == kNever) {
        continue;
      }
      const State before = static_cast<State>(at);
      SCOPED_TRACE(std::string(row.event) + " in " + nameOf(before));
      ReaderWorld world;
      world.enter(before);
      row.play(world);
      EXPECT_STREQ(nameOf(world.reader.state()), row.then[at]);
      EXPECT_EQ(world.told, row.told[at]);
    }
  }
}

// A body without a length ends with its connection.
TEST(ResponseReaderStates, TheConnectionsEndMayEndTheBody) {
  ReaderWorld world;
  world.reader.onBytes("HTTP/1.1 200 OK\r\n\r\nabc");
  EXPECT_TRUE(world.reader.endsBody());
  EXPECT_FALSE(world.reader.keepsInStep());
}

}  // namespace
}  // namespace gatewhy::test::reader_states
