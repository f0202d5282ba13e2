// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with clients, on plain and TLS listeners, by peers that are not ours:
// Node's client, curl, h2load and nghttp. Each failure must be told as on HTTP/1.1, and a
// stream's failure must not touch its siblings.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <utility>

#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/recording_origin.h"
#include "tests/support/child_process.h"
#include "tests/support/h2_frames.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::size_t kLarge = 3UL * 1024 * 1024;
constexpr int kInternalError = 2;
constexpr int kCancel = 8;

class Http2Test : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const Identity identity = selfSigned({.common_name = "shop.example", .dns_names = {"shop.example"}});
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.origin_more = "timeouts: {response_head: 40s}";
    config.listener_more = ", http2: true";
    config.more_listeners =
        fmt::format(", {{address: \"127.0.0.1:0\", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}}}",
                    keys_.write("shop.pem", certificatesPem({&identity})), keys_.write("shop.key", keyPem(identity)));
    config.more_origins = "  dead: {endpoints: [\"http://127.0.0.1:1\"]}\n";
    config.more_origins += fmt::format("  deaf: {{endpoints: [\"http://{}\"]}}\n", deaf_.address());
    config.more = "routes: [{path: /refused, origin: dead}, {path: /deaf, origin: deaf}, {path: /, origin: origin}]\n";
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }

  [[nodiscard]] bool tls() const { return std::string_view(GetParam()) == "https"; }
  [[nodiscard]] std::string listener() const { return gateway_->daemon().listeners()[tls() ? 1 : 0]; }

  json play(const std::string& story, const std::function<void()>& when_open = {}) {
    ChildOptions options;
    options.arguments = {"/usr/bin/node", std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/http2_client.js", story,
                         GetParam(), listener().substr(listener().rfind(':') + 1)};
    std::string output;
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line; });
    if (!child) {
      ADD_FAILURE() << child.error();
      return {};
    }
    if (when_open) {
      when_open();
    }
    (*child)->wait();
    json told = json::parse(output, nullptr, false);
    EXPECT_FALSE(told.is_discarded()) << output << (*child)->standardError();
    return told;
  }

  std::string run(std::vector<std::string> arguments) {
    ChildOptions options;
    options.arguments = std::move(arguments);
    std::string output;
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line + "\n"; });
    if (!child) {
      ADD_FAILURE() << child.error();
      return {};
    }
    (*child)->wait();
    return output + (*child)->standardError();
  }

  std::optional<json> eventOf(const std::string& path) {
    return gateway_->daemon().waitFor([&](const json& event) {
      return event.value("/url/path"_json_pointer, "") == path && event.value("event", "") == "exchange";
    });
  }

  void serve(Socket& connection) {
    while (const auto request = readHead(connection)) {
      WireMessage whole = *request;
      const std::string target = request->target();
      if (target == "/early") {
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch");
        return;
      }
      if (target == "/socket") {
        serveSocket(connection, *request);
        return;
      }
      readRequestBody(connection, whole);
      if (target == "/cut") {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        return;
      }
      if (target == "/cut-chunked") {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n");
        return;
      }
      if (target == "/hangs") {
        ++hanging_;
        while (connection.receive()) {
        }
        cancelled_ += connection.end() == Socket::End::Late ? 0 : 1;
        return;
      }
      if (target == "/when-it-hangs") {
        await(hanging_);
      }
      if (target == "/held") {
        ++held_;
        await(released_);
      }
      connection.send(answer(target, whole));
    }
  }

  static void await(const std::atomic<int>& happened) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (happened == 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
  }

  static std::string answer(const std::string& target, const WireMessage& request) {
    if (target == "/nothing") {
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }
    if (target == "/trailers") {
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: "
             "42\r\n\r\n";
    }
    if (target == "/early-hints") {
      return "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + okResponse("hinted");
    }
    if (target == "/large") {
      return okResponse(std::string(kLarge, 'l'));
    }
    if (target == "/echo") {
      std::string trailers;
      for (const auto& [name, value] : request.trailers) {
        trailers += name + "=" + value + ";";
      }
      return okResponse(fmt::format("{} bytes {}", request.body.size(), trailers));
    }
    const bool head = request.start_line.starts_with("HEAD");
    const std::string whole = okResponse(request.field("cookie") + "|" + request.field("host"), "Via: 1.0 inner\r\n");
    return head ? whole.substr(0, whole.find("\r\n\r\n") + 4) : whole;
  }

  // It stops reading after the client's end, as a WebSocket server would after the closing handshake.
  void serveSocket(Socket& connection, const WireMessage& request) {
    upgrade_ = request.field("upgrade");
    version_ = request.field("sec-websocket-version");
    connection.send(
        fmt::format("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Accept: {}\r\n\r\n",
                    acceptFor(request.field("sec-websocket-key"))));
    while (connection.receive()) {
      connection.send(connection.buffer());
      connection.buffer().clear();
    }
  }
  std::string acceptFor(const std::string& key) {
    return run({"/bin/sh", "-c",
                "printf %s " + key +
                    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11 | openssl dgst -sha1 -binary | openssl base64"})
        .substr(0, 28);
  }

  PemDirectory keys_;
  std::atomic<int> hanging_ = 0, cancelled_ = 0, held_ = 0, released_ = 0;
  std::string upgrade_, version_;
  ListeningSocket deaf_{512, 4096};  // the kernel accepts, and nobody reads
  OriginServer origin_{[this](Socket& connection) { serve(connection); }};
  std::unique_ptr<Gateway> gateway_;
};

TEST_P(Http2Test, MessagesOfEveryKind) {
  const json seen = play("get");
  const auto& streams = seen["streams"];
  ASSERT_EQ(streams.size(), 5U) << seen;
  EXPECT_EQ(streams[0]["status"], 200);
  EXPECT_THAT(streams[0]["body"].get<std::string>(), HasSubstr("a=1|127.0.0.1:"));
  EXPECT_EQ(streams[0]["fields"]["via"], "1.0 inner, 1.1 gatewhy") << streams[0];
  EXPECT_EQ(streams[1]["status"], 200);
  EXPECT_EQ(streams[1]["body_size"], 0);
  EXPECT_EQ(streams[2]["status"], 204);
  EXPECT_EQ(streams[3]["trailers"]["x-sum"], "42");
  EXPECT_EQ(streams[4]["interim"], json::array({103}));
  EXPECT_EQ(streams[4]["body"], "hinted");
  for (const auto& stream : streams) {
    EXPECT_EQ(stream["code"], 0) << stream;
    EXPECT_TRUE(stream["ended"]) << stream;
  }
  const auto event = eventOf("/trailers");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at("/network/protocol/version"_json_pointer), "2");
  EXPECT_EQ(event->contains("tls"), tls()) << *event;
}

TEST_P(Http2Test, Uploads) {
  const json seen = play("upload");
  ASSERT_EQ(seen["streams"].size(), 3U) << seen;
  EXPECT_EQ(seen["streams"][0]["body"], "1000000 bytes ");
  EXPECT_EQ(seen["streams"][1]["body"], "300000 bytes ");
  EXPECT_EQ(seen["streams"][2]["body"], "13 bytes x-sum=17;");
}

TEST_P(Http2Test, ABrokenAnswerIsResetAndItsSiblingsDoNotNotice) {
  const json seen = play("broken");
  const auto& streams = seen["streams"];
  ASSERT_EQ(streams.size(), 6U) << seen;
  for (const std::size_t good : {0U, 2U, 5U}) {
    EXPECT_EQ(streams[good]["status"], 200) << streams[good];
    EXPECT_TRUE(streams[good]["ended"]) << streams[good];
  }
  for (const std::size_t cut : {1U, 3U}) {
    EXPECT_EQ(streams[cut]["code"], kInternalError) << streams[cut];
    EXPECT_FALSE(streams[cut]["ended"]) << streams[cut];
  }
  EXPECT_EQ(streams[4]["status"], 521) << streams[4];
  const auto cut = eventOf("/cut");
  ASSERT_TRUE(cut);
  EXPECT_EQ(causeOf(*cut), "response_body_truncated");
}

TEST_P(Http2Test, ACancelledRequestIsCancelledAtItsOrigin) {
  const json seen = play("cancel");
  EXPECT_EQ(seen["streams"][0]["code"], kCancel);
  EXPECT_EQ(seen["streams"][2]["status"], 200) << seen;
  const auto event = eventOf("/hangs");
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "client_closed_request");
  EXPECT_EQ(event->at("outcome"), "aborted");
  gateway_->expectCleanStop();
  EXPECT_EQ(cancelled_, 1);
  gateway_.reset();
}

TEST_P(Http2Test, AClientThatVanishesIsTold) {
  static_cast<void>(play("vanish"));
  const auto event = eventOf("/hangs");
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "client_closed_request");
}

TEST_P(Http2Test, AStreamThatNobodyReadsStopsNoOther) {
  const json seen = play("stalled");
  ASSERT_EQ(seen["streams"].size(), 2U) << seen;
  for (const auto& stream : seen["streams"]) {
    EXPECT_EQ(stream["body_size"], kLarge) << stream;
    EXPECT_TRUE(stream["ended"]);
  }
}

// Its origin accepts and never reads.
TEST_P(Http2Test, AnUploadThatNobodyTakesStopsNoOther) {
  H2Client client(Socket::connectTo(listener()), H2ClientOptions{.tls = tls(), .settings = {}});
  ASSERT_TRUE(client.open());
  const std::int32_t stuck = client.begin(H2Client::post("/deaf"));
  client.data(stuck, std::string(8 * kLarge, 'x'));
  ASSERT_TRUE(client.readUntil([&] { return client.setting(4).has_value(); }));  // the window's size
  for (std::size_t left = 0; left != client.unsent(stuck);) {                    // until a pong finds it as it was
    left = client.unsent(stuck);
    const int pongs = client.pongs();
    client.ping();
    ASSERT_TRUE(client.readUntil([&] { return client.pongs() != pongs; }));
  }
  const std::int32_t good = client.begin(H2Client::post("/"));
  client.data(good, std::string(kLarge, 'y'), true);
  EXPECT_EQ(client.await(good).status, 200U);
  EXPECT_NE(client.unsent(stuck), 0U);
}

TEST_P(Http2Test, AWebSocketGoesThroughAnExtendedConnect) {
  const json seen = play("websocket");
  EXPECT_EQ(seen["streams"][0]["status"], 200) << seen;
  EXPECT_EQ(seen.value("echoed", ""), "through the tunnel") << seen;
  EXPECT_FALSE(seen["streams"][0]["fields"].contains("sec-websocket-accept"));
  const auto event = eventOf("/socket");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at("outcome"), "success") << *event;
  EXPECT_EQ(upgrade_, "websocket");
  EXPECT_EQ(version_, "13");
}

TEST_P(Http2Test, AnEarlyAnswerIsWholeAndTheRestOfTheRequestIsRefused) {
  const json seen = play("early");
  EXPECT_EQ(seen["streams"][0]["status"], 413) << seen;
  EXPECT_EQ(seen["streams"][0]["body"], "much");
  EXPECT_EQ(seen["streams"][0]["code"], 0);
}

TEST_P(Http2Test, AStopSaysGoawayAndServesWhatRuns) {
  const json seen = play("goaway", [this] {
    await(held_);
    gateway_->daemon().signal(SIGTERM);
    EXPECT_TRUE(gateway_->daemon().waitFor([](const json& event) { return event.value("event", "") == "drain"; }));
    ++released_;
  });
  EXPECT_EQ(seen["goaway"], 0) << seen;
  EXPECT_EQ(seen["streams"][0]["status"], 200) << seen;
}

// What the client said of us explains the close behind it.
TEST_P(Http2Test, AGoawayWithAnErrorIsTheEvidence) {
  if (tls()) {
    GTEST_SKIP() << "the same bytes, encrypted";
  }
  Socket client = Socket::connectTo(listener());
  client.send(h2Hello() +
              h2Headers(1, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/hangs"}}));
  await(hanging_);
  client.send(h2GoAway(0, kInternalError, "out of sorts"));
  client.finish();
  const auto event = eventOf("/hangs");
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "client_closed_request");
  const json& evidence = event->at("diagnosis").at("evidence");
  EXPECT_EQ(evidence.value("h2_failure", ""), "goaway") << evidence;
  EXPECT_EQ(evidence.value("h2_code_name", ""), "INTERNAL_ERROR") << evidence;
}

// ---- clients that break the rules ----------------------------------------------

// What an attacker sends, and the kind of flood that the event names; "" where
// it is a broken rule and no flood.
struct Attack {
  const char* name;
  std::string frames;
  const char* flood;
};

std::string rapidReset() {
  std::string frames;
  for (std::uint32_t stream = 1; stream < 800; stream += 2) {
    frames += h2Headers(stream, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/hangs"}});
    frames += h2RstStream(stream, kCancel);
  }
  return frames;
}

std::string repeated(const std::string& frame, int times) {
  std::string frames;
  for (int i = 0; i < times; ++i) {
    frames += frame;
  }
  return frames;
}

const std::vector<Attack>& attacks() {
  static const std::vector<Attack> kAttacks{
      {"rapid_reset", rapidReset(), "rapid_reset"},
      {"settings", repeated(h2Settings({{3, 100}}), 3000), "settings"},
      {"ping", repeated(h2Ping(), 3000), "ping"},
      {"priority", repeated(h2Priority(1, 0), 3000), "priority"},
      {"window_update", repeated(h2WindowUpdate(0, 1), 3000), "window_update"},
      {"unknown_frame", repeated(h2Frame(0x42, 0, 0, "x"), 3000), "unknown_frame"},
      {"continuation",
       h2Frame(h2::kHeaders, h2::kNoFlags, 1, "") + repeated(h2Frame(h2::kContinuation, h2::kNoFlags, 1, ""), 3000),
       "continuation"},
      {"frame_on_idle_stream", h2Data(1, "x"), ""},
      {"bad_hpack", h2Frame(h2::kHeaders, h2::kEndHeaders | h2::kEndStream, 1, "\xff\xff\xff\xff\xff"), ""}};
  return kAttacks;
}

// Each beside a client that behaves and must lose nothing.
TEST_P(Http2Test, WhoBreaksTheRulesIsTurnedAwayAndToldByName) {
  if (tls()) {
    GTEST_SKIP() << "the same bytes, encrypted";
  }
  for (const Attack& attack : attacks()) {
    SCOPED_TRACE(attack.name);
    H2Client good(Socket::connectTo(listener()));
    ASSERT_TRUE(good.open());
    Socket attacker = Socket::connectTo(listener());
    const std::uint16_t port = attacker.localPort();
    attacker.send(h2Hello() + attack.frames);
    attacker.receiveToEnd();
    const auto event = gateway_->daemon().waitFor([&](const json& candidate) {
      return candidate.value("/client/port"_json_pointer, 0) == port && causeOf(candidate) == "client_h2_error";
    });
    ASSERT_TRUE(event);
    EXPECT_EQ(event->value("/diagnosis/evidence/h2_flood"_json_pointer, ""), attack.flood) << *event;
    const auto stream = good.request(H2Client::get("/plain"));
    const H2ClientAnswer& answer = good.await(stream);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_TRUE(answer.ended);
  }
}

TEST(Http2Limits, ZeroIsNone) {
  const RecordingOrigin origin;
  GatewayConfig config;
  config.origin_url = origin.url();
  config.listener_more = ", http2: {window: 0, header_list: 0}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  H2Client client(Socket::connectTo(gateway->address()));
  ASSERT_TRUE(client.open());
  const std::int32_t upload = client.begin(H2Client::post("/upload"));
  client.data(upload, std::string(kLarge, 'x'), true);
  EXPECT_EQ(client.await(upload).status, 200U);
  gateway->expectCleanStop();
}

// Sends what it has announced and never ends the stream.
void answerWithoutEnd(Socket& connection) {
  connection.send(h2Settings());
  bool begun = false;
  while (connection.receive()) {
    std::string& bytes = connection.buffer();
    if (!begun && bytes.size() < h2Preface().size()) {
      continue;
    }
    bytes.erase(0, std::exchange(begun, true) ? 0 : h2Preface().size());
    for (const H2ReadFrame& frame : takeH2Frames(bytes)) {
      if (frame.type == h2::kHeaders) {
        connection.send(h2Headers(frame.stream, {{":status", "200"}, {"content-length", "5"}}, false) +
                        h2Data(frame.stream, "hello"));
      }
    }
  }
}

TEST(Http2Leaving, WhoHasTheWholeAnswerMayGo) {
  OriginServer origin(answerWithoutEnd);
  GatewayConfig config;
  config.origin_url = "h2c://" + origin.address();
  config.listener_more = ", http2: true";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  {
    H2Client client(Socket::connectTo(gateway->address()));
    ASSERT_TRUE(client.open());
    EXPECT_EQ(client.await(client.request(H2Client::get("/hello"))).body, "hello");
  }
  const auto event = gateway->daemon().waitFor([](const json& one) { return one.value("event", "") == "exchange"; });
  ASSERT_TRUE(event);
  EXPECT_EQ(event->value("outcome", ""), "success") << *event;
  gateway->expectCleanStop();
}

INSTANTIATE_TEST_SUITE_P(Listeners, Http2Test, testing::Values("http", "https"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace gatewhy::test
