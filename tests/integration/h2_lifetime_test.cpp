// SPDX-License-Identifier: Apache-2.0
// As lifetime_test, with HTTP/2: a stream can be ended from all sides in each
// of its phases, and the stream beside it, of the same connection, must notice
// only where the connection or the daemon ends.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <set>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/silent_peers.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

// Stuck: a body that no window of the client lets out.
enum class H2Phase : std::uint8_t { Resolve, Connect, Tls, Send, Head, Body, Stuck, Tunnel };
enum class H2End : std::uint8_t { Cancel, ClientClose, OriginReset, OriginFinish, Reload, Stop, StopTwice };

constexpr std::uint32_t kCancelCode = 8;
constexpr std::uint32_t kInternalCode = 2;
constexpr std::size_t kUploadSize = 16UL * 1024 * 1024;
constexpr std::size_t kBodySize = 32UL * 1024;
constexpr std::size_t kStuckSize = 32UL * 1024 * 1024;
constexpr std::int32_t kConnectionWindow = 4 * 1024 * 1024;  // more than one stream may keep of it
constexpr std::string_view kBegun = "the first part of the body";
constexpr std::string_view kSiblingBody = "the sibling's body, in two parts";
constexpr std::size_t kSiblingHalf = 10;

std::size_t bodySize(H2Phase phase) {
  return phase == H2Phase::Stuck ? kStuckSize : kBodySize;
}

bool hasBegun(H2Phase phase) {
  return phase == H2Phase::Body || phase == H2Phase::Stuck || phase == H2Phase::Tunnel;
}

bool endsConnection(H2End end) {
  return end == H2End::ClientClose || end == H2End::Stop || end == H2End::StopTwice;
}

// One stream, brought into a phase and held there, and another in the middle of
// its answer.
class H2Stage {
 public:
  H2Stage(H2Phase phase, H2End end) : phase_(phase), end_(end) {}

  void enter() {
    gateway_ = Gateway::start(config(""));
    ASSERT_NE(gateway_, nullptr);
    if (phase_ == H2Phase::Connect) {  // the queue takes one more than its backlog; the next SYN is dropped
      queued_ = Socket::connectTo(listening_.address());
    }
    client_ = std::make_unique<H2Client>(
        Socket::connectTo(gateway_->address()),
        H2ClientOptions{.tls = false, .settings = {}, .connection_window = kConnectionWindow, .consumes = false});
    ASSERT_TRUE(client_->open());
    beginSibling();
    subject_ = begin();
    ASSERT_GT(subject_, 0);
    reach();
  }

  // Lets the exchange go on to its natural end.
  void finish() {
    switch (phase_) {
      case H2Phase::Resolve:
        dns_.speak();
        origin_ = listening_.accept();
        answerRequest();
        break;
      case H2Phase::Connect:
        origin_ = listening_.accept();  // the one that filled the queue
        origin_ = listening_.accept();
        answerRequest();
        break;
      case H2Phase::Tls:
        origin_.close();
        break;
      case H2Phase::Send: {
        std::thread reader([this] {
          readRequestBody(origin_, *request_);
          origin_.send(okResponse("thanks"));
        });
        client_->await(subject_);
        reader.join();
        break;
      }
      case H2Phase::Head:
        origin_.send(okResponse("late"));
        break;
      case H2Phase::Body:
        origin_.send(std::string(kBodySize - kBegun.size(), 'x'));
        break;
      case H2Phase::Stuck: {
        std::thread sender([this] { origin_.send(std::string(kStuckSize - kBegun.size() - sent_, 'x')); });
        readAll();
        sender.join();
        break;
      }
      case H2Phase::Tunnel:
        origin_.finish();
        client_->data(subject_, "", true);
        break;
    }
  }

  // Opens the windows for what comes.
  void readAll() {
    const H2ClientAnswer& answer = client_->answer(subject_);
    client_->readUntil([&] {
      client_->consume(subject_, answer.body.size() - std::exchange(consumed_, answer.body.size()));
      return answer.ended || answer.reset;
    });
  }

  void finishSibling() {
    sibling_origin_.send(kSiblingBody.substr(kSiblingHalf));
    const H2ClientAnswer& answer = client_->await(sibling_);
    EXPECT_TRUE(answer.ended) << "the sibling noticed";
    EXPECT_EQ(answer.body, kSiblingBody);
  }

  [[nodiscard]] GatewayConfig config(std::string_view more) const {
    GatewayConfig made;
    const std::string port = std::to_string(listening_.port());
    made.origin_url = phase_ == H2Phase::Resolve ? "http://origin.test:" + port
                      : phase_ == H2Phase::Tls   ? "https://127.0.0.1:" + port
                                                 : "http://127.0.0.1:" + port;
    made.origin_more =
        "retry: {attempts: 0}\ntls: {verify: false}\ntimeouts: {resolve: 40s, connect: 40s, tls_handshake: 40s}";
    made.more_origins = "  sibling: {endpoints: [\"http://" + sibling_listening_.address() + "\"]}\n";
    made.listener_more = ", http2: true";
    made.drain = end_ == H2End::Stop ? "{timeout: 200ms}" : "{timeout: 1h}";
    made.more = "dns: {servers: [\"" + dns_.address() + "\"], hosts_file: false}\n" +
                "routes: [{path: /sibling, origin: sibling}, {origin: origin}]\n" + std::string(more);
    return made;
  }

  // Of the exchange with that path.
  [[nodiscard]] std::optional<json> eventOf(const std::string& path) {
    return gateway_->daemon().waitFor([&](const json& event) {
      return event.value("event", "") == "exchange" && event.value("/url/path"_json_pointer, "") == path;
    });
  }

  Gateway& gateway() { return *gateway_; }
  H2Client& client() { return *client_; }
  void dropClient() { client_.reset(); }
  Socket& origin() { return origin_; }
  [[nodiscard]] std::int32_t subject() const { return subject_; }

 private:
  void beginSibling() {
    sibling_ = client_->request(H2Client::get("/sibling"));
    sibling_origin_ = sibling_listening_.accept();
    ASSERT_TRUE(readRequest(sibling_origin_));
    sibling_origin_.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSiblingBody.size()) + "\r\n\r\n" +
                         std::string(kSiblingBody.substr(0, kSiblingHalf)));
    ASSERT_TRUE(client_->readUntil([this] { return client_->answer(sibling_).body.size() == kSiblingHalf; }));
  }

  [[nodiscard]] std::int32_t begin() {
    if (phase_ == H2Phase::Send) {
      return client_->begin(H2Client::post("/subject"));
    }
    if (phase_ == H2Phase::Tunnel) {
      return client_->begin({{":method", "CONNECT"},
                             {":protocol", "chat"},
                             {":scheme", "https"},
                             {":path", "/subject"},
                             {":authority", "localhost"}});
    }
    return client_->request(H2Client::get("/subject"));
  }

  void reach() {
    switch (phase_) {
      case H2Phase::Resolve:
        dns_.awaitQuery();
        break;
      case H2Phase::Connect:
        ASSERT_TRUE(awaitSyn(listening_.port()));
        break;
      case H2Phase::Tls:
        origin_ = listening_.accept();
        ASSERT_TRUE(origin_.receive());  // the ClientHello
        break;
      case H2Phase::Send:
        client_->data(subject_, std::string(kUploadSize, 'x'), true);
        origin_ = listening_.accept();
        request_ = readHead(origin_);
        ASSERT_TRUE(request_);
        ASSERT_GT(client_->unsent(subject_), 0U) << "somebody read it all";
        break;
      case H2Phase::Head:
        origin_ = listening_.accept();
        ASSERT_TRUE(readRequest(origin_));
        break;
      case H2Phase::Body:
        beginBody();
        break;
      case H2Phase::Stuck:
        beginBody();
        sent_ = origin_.sendUntilFull(kStuckSize);
        ASSERT_LT(sent_, kStuckSize - kBegun.size()) << "somebody read it all";
        break;
      case H2Phase::Tunnel:
        enterTunnel();
        break;
    }
  }

  void beginBody() {
    origin_ = listening_.accept();
    ASSERT_TRUE(readRequest(origin_));
    origin_.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bodySize(phase_)) + "\r\n\r\n" +
                 std::string(kBegun));
    ASSERT_TRUE(client_->readUntil([this] { return client_->answer(subject_).body == kBegun; }));
  }

  void enterTunnel() {
    origin_ = listening_.accept();
    ASSERT_TRUE(readHead(origin_));
    origin_.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nfrom the origin");
    ASSERT_TRUE(client_->readUntil([this] { return client_->answer(subject_).body == "from the origin"; }));
    client_->data(subject_, "from the client");
    ASSERT_TRUE(origin_.receiveUntil("from the client"));
  }

  void answerRequest() {
    EXPECT_TRUE(readRequest(origin_));
    origin_.send(okResponse("late"));
  }

  H2Phase phase_;
  H2End end_;
  SilentDns dns_;
  // Small buffers, so that an upload gets stuck soon.
  ListeningSocket listening_{phase_ == H2Phase::Connect ? 0 : 16, phase_ == H2Phase::Send ? 8192 : 0};
  ListeningSocket sibling_listening_;
  std::unique_ptr<Gateway> gateway_;
  Socket queued_, origin_, sibling_origin_;
  std::unique_ptr<H2Client> client_;
  std::optional<WireMessage> request_;
  std::size_t sent_ = 0;
  std::size_t consumed_ = 0;  // of the subject's body
  std::int32_t subject_ = 0, sibling_ = 0;
};

struct H2Expected {
  std::string outcome, cause;  // "" = no diagnosis
};

H2Expected byClient(H2Phase phase) {
  return {"aborted", phase == H2Phase::Send     ? "client_aborted_upload"
                     : phase == H2Phase::Tunnel ? "tunnel_reset_by_client"
                                                : "client_closed_request"};
}

H2Expected byTheOrigin(H2Phase phase, bool reset) {
  switch (phase) {
    case H2Phase::Tls:
      return {"failure", reset ? "tls_connection_reset" : "tls_connection_closed"};
    case H2Phase::Send:
      return {"failure", "request_write_reset"};
    case H2Phase::Head:
      return {"failure", reset ? "reset_before_response" : "empty_response"};
    case H2Phase::Body:
    case H2Phase::Stuck:
      return {"failure", reset ? "response_body_reset" : "response_body_truncated"};
    case H2Phase::Tunnel:
      return reset ? H2Expected{"failure", "tunnel_reset_by_origin"} : H2Expected{"success", ""};
    case H2Phase::Resolve:
    case H2Phase::Connect:
      break;
  }
  return {"success", ""};
}

H2Expected expectedOf(H2Phase phase, H2End end) {
  switch (end) {
    case H2End::Cancel:
    case H2End::ClientClose:
      return byClient(phase);
    case H2End::OriginReset:
    case H2End::OriginFinish:
      return byTheOrigin(phase, end == H2End::OriginReset);
    case H2End::Reload:
      return phase == H2Phase::Tls ? H2Expected{"failure", "tls_connection_closed"} : H2Expected{"success", ""};
    case H2End::Stop:
    case H2End::StopTwice:
      break;
  }
  return {"failure", "proxy_draining"};
}

using H2Param = std::tuple<H2Phase, H2End>;

class H2LifetimeTest : public testing::TestWithParam<H2Param> {
 protected:
  static void bringAbout(H2End end, H2Phase phase, H2Stage& stage) {
    switch (end) {
      case H2End::Cancel:
        stage.client().reset(stage.subject(), kCancelCode);
        break;
      case H2End::ClientClose:
        stage.dropClient();
        break;
      case H2End::OriginReset:
        stage.origin().reset();
        break;
      case H2End::OriginFinish:
        stage.origin().close();
        if (phase == H2Phase::Tunnel) {
          stage.client().data(stage.subject(), "", true);
        }
        break;
      case H2End::Reload:
        stage.gateway().reload(stage.config("trusted_proxies: [\"192.0.2.0/24\"]\n"));
        stage.finish();
        break;
      case H2End::Stop:
      case H2End::StopTwice:
        stage.gateway().daemon().signal(SIGTERM);
        if (end == H2End::StopTwice) {
          EXPECT_TRUE(
              stage.gateway().daemon().waitFor([](const json& event) { return event.value("event", "") == "drain"; }));
          stage.gateway().daemon().signal(SIGTERM);
        }
        break;
    }
  }

  // A whole answer ends with END_STREAM, a broken one with RST_STREAM and never
  // with both; what had not begun is answered.
  static void checkAnswer(const H2Expected& expected, H2Phase phase, H2Stage& stage) {
    if (phase == H2Phase::Stuck) {
      stage.readAll();
    }
    const H2ClientAnswer& answer = stage.client().await(stage.subject());
    EXPECT_TRUE(answer.ended || answer.reset) << "the client was left waiting";
    if (expected.outcome == "success") {
      EXPECT_TRUE(answer.ended);
      EXPECT_EQ(answer.status, 200U);
    } else if (!hasBegun(phase)) {
      EXPECT_TRUE(answer.ended);
      EXPECT_GE(answer.status, 500U);
    } else {
      EXPECT_FALSE(answer.ended);
      EXPECT_EQ(answer.reset, kInternalCode);
    }
    if (expected.outcome == "success" && (phase == H2Phase::Body || phase == H2Phase::Stuck)) {
      EXPECT_EQ(answer.body.size(), bodySize(phase));
    }
  }
};

TEST_P(H2LifetimeTest, OneEventAndTheSiblingDoesNotNotice) {
  const auto [phase, end] = GetParam();
  H2Stage stage(phase, end);
  ASSERT_NO_FATAL_FAILURE(stage.enter());
  ASSERT_NO_FATAL_FAILURE(bringAbout(end, phase, stage));
  const H2Expected expected = expectedOf(phase, end);
  if (expected.outcome != "aborted" && end != H2End::StopTwice) {
    checkAnswer(expected, phase, stage);
  }
  const auto event = stage.eventOf("/subject");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->value("outcome", ""), expected.outcome) << event->dump();
  EXPECT_EQ(causeOf(*event), expected.cause) << event->dump();
  if (!endsConnection(end)) {
    stage.finishSibling();
  }
  const auto sibling = stage.eventOf("/sibling");
  ASSERT_TRUE(sibling);
  EXPECT_EQ(sibling->value("outcome", ""), !endsConnection(end)        ? "success"
                                           : end == H2End::ClientClose ? "aborted"
                                                                       : "failure")
      << sibling->dump();
  if (stage.origin().open()) {
    stage.origin().finish();
    stage.origin().receiveToEnd();
    EXPECT_NE(stage.origin().end(), Socket::End::Late) << "the origin's connection was left behind";
  }
  stage.dropClient();  // who is connected may answer a GOAWAY
  stage.gateway().expectCleanStop();
  EXPECT_EQ(stage.gateway().exchanges().size(), 2U) << "one event each";
}

std::string phaseName(H2Phase phase) {
  constexpr std::array kNames = {"resolve", "connect", "tls", "send", "head", "body", "stuck", "tunnel"};
  return kNames.at(static_cast<std::size_t>(phase));
}

std::string endName(H2End end) {
  constexpr std::array kNames = {"cancel", "client_close", "origin_reset", "origin_finish",
                                 "reload", "stop",         "stop_twice"};
  return kNames.at(static_cast<std::size_t>(end));
}

// The origin can end nothing before there is a connection to it.
std::vector<H2Param> allH2Params() {
  std::vector<H2Param> params;
  for (const H2Phase phase : {H2Phase::Resolve, H2Phase::Connect, H2Phase::Tls, H2Phase::Send, H2Phase::Head,
                              H2Phase::Body, H2Phase::Stuck, H2Phase::Tunnel}) {
    for (const H2End end : {H2End::Cancel, H2End::ClientClose, H2End::OriginReset, H2End::OriginFinish, H2End::Reload,
                            H2End::Stop, H2End::StopTwice}) {
      const bool by_origin = end == H2End::OriginReset || end == H2End::OriginFinish;
      if (!by_origin || (phase != H2Phase::Resolve && phase != H2Phase::Connect)) {
        params.emplace_back(phase, end);
      }
    }
  }
  return params;
}

INSTANTIATE_TEST_SUITE_P(Lifetime, H2LifetimeTest, testing::ValuesIn(allH2Params()),
                         [](const testing::TestParamInfo<H2Param>& test) {
                           return phaseName(std::get<0>(test.param)) + "_" + endName(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace gatewhy::test
