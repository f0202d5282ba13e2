// SPDX-License-Identifier: Apache-2.0
// An exchange can be ended from four sides in each of its phases: by the
// client, by the origin, by a new configuration and by a stop. Whatever comes
// first, the daemon lives on (or ends in order), and one event tells of it.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <set>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/silent_peers.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

// Splice: a body so large that the kernel moves it, waiting for the origin;
// Stuck: the same with a client that does not read.
enum class Phase : std::uint8_t { Resolve, Connect, Tls, Send, Head, Body, Splice, Stuck, Tunnel };
enum class End : std::uint8_t { ClientReset, ClientFinish, OriginReset, OriginFinish, Reload, Stop, StopTwice };

constexpr std::size_t kUpload = 64UL * 1024 * 1024;
constexpr std::size_t kDownload = 64UL * 1024;
constexpr std::size_t kBigDownload = 64UL * 1024 * 1024;
constexpr std::size_t kSpliced = 4UL * 1024 * 1024;
constexpr std::string_view kFirstPart = "the first part of the body";

bool inBody(Phase phase) {
  return phase == Phase::Body || phase == Phase::Splice || phase == Phase::Stuck;
}

std::size_t downloadOf(Phase phase) {
  return phase == Phase::Body ? kDownload : kBigDownload;
}

// One exchange, brought into a phase and held there.
class Stage {
 public:
  Stage(Phase phase, End end) : phase_(phase), end_(end) {}

  void enter() {
    gateway_ = Gateway::start(config(""));
    ASSERT_NE(gateway_, nullptr);
    if (phase_ == Phase::Connect) {
      fillAcceptQueue();
    }
    client_ = Socket::connectTo(gateway_->address());
    ASSERT_TRUE(client_.open());
    port_ = client_.localPort();
    client_.send(requestHead());
    switch (phase_) {
      case Phase::Resolve:
        dns_.awaitQuery();
        break;
      case Phase::Connect:
        ASSERT_TRUE(awaitSyn(listening_.port()));
        break;
      case Phase::Tls:
        origin_ = listening_.accept();
        ASSERT_TRUE(origin_.receive());  // the ClientHello
        break;
      case Phase::Send:
        origin_ = listening_.accept();
        request_ = readHead(origin_);
        ASSERT_TRUE(request_);
        sent_ = client_.sendUntilFull(kUpload);
        ASSERT_LT(sent_, kUpload) << "somebody read it all";
        break;
      case Phase::Head:
        origin_ = listening_.accept();
        ASSERT_TRUE(readRequest(origin_));
        break;
      case Phase::Body:
        origin_ = listening_.accept();
        ASSERT_TRUE(readRequest(origin_));
        beginResponse();
        break;
      case Phase::Splice: {
        origin_ = listening_.accept();
        ASSERT_TRUE(readRequest(origin_));
        beginResponse();
        std::thread sender([this] { origin_.send(std::string(kSpliced, 'x')); });
        receiveBody(kFirstPart.size() + kSpliced);
        sender.join();
        sent_ = kSpliced;
        break;
      }
      case Phase::Stuck:
        origin_ = listening_.accept();
        ASSERT_TRUE(readRequest(origin_));
        beginResponse();
        sent_ = origin_.sendUntilFull(kBigDownload);
        ASSERT_LT(sent_, kBigDownload - kFirstPart.size()) << "somebody read it all";
        break;
      case Phase::Tunnel:
        enterTunnel();
        break;
    }
  }

  // Lets the exchange go on to its natural end.
  void finish() {
    switch (phase_) {
      case Phase::Resolve:
        dns_.speak();
        origin_ = listening_.accept();
        answerRequest();
        break;
      case Phase::Connect:
        for (std::size_t n = queued_.size(); n > 0; --n) {
          origin_ = listening_.accept();
        }
        answerRequest();
        break;
      case Phase::Tls:
        origin_.close();
        break;
      case Phase::Send:
        finishUpload();
        break;
      case Phase::Head:
        origin_.send(okResponse("late"));
        break;
      case Phase::Body:
        origin_.send(std::string(kDownload - kFirstPart.size(), 'x'));
        break;
      case Phase::Splice:
      case Phase::Stuck: {
        std::thread sender([this] { origin_.send(std::string(kBigDownload - kFirstPart.size() - sent_, 'x')); });
        receiveBody(kBigDownload);
        sender.join();
        break;
      }
      case Phase::Tunnel:
        origin_.finish();
        if (end_ != End::ClientFinish) {
          client_.finish();
        }
        break;
    }
  }

  [[nodiscard]] GatewayConfig config(std::string_view more) const {
    GatewayConfig made;
    const std::string port = std::to_string(listening_.port());
    made.origin_url = phase_ == Phase::Resolve ? "http://origin.test:" + port
                      : phase_ == Phase::Tls   ? "https://127.0.0.1:" + port
                                               : "http://127.0.0.1:" + port;
    made.origin_more =
        "retry: {attempts: 0}\ntls: {verify: false}\ntimeouts: {resolve: 40s, connect: 40s, tls_handshake: 40s}";
    made.drain = end_ == End::Stop ? "{timeout: 200ms}" : "{timeout: 1h}";
    made.more = "dns: {servers: [\"" + dns_.address() + "\"], hosts_file: false}\n" +
                "routes: [{path: /alive, respond: {status: 204}}, {origin: origin}]\n" + std::string(more);
    return made;
  }

  Gateway& gateway() { return *gateway_; }
  Socket& client() { return client_; }
  Socket& origin() { return origin_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] bool isAlive() const {
    Socket visitor = Socket::connectTo(gateway_->address());
    visitor.send("GET /alive HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    const auto response = readResponse(visitor);
    return response && response->status() == 204;
  }

 private:
  [[nodiscard]] std::string requestHead() const {
    if (phase_ == Phase::Send) {
      return "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: " + std::to_string(kUpload) + "\r\n\r\n";
    }
    if (phase_ == Phase::Tunnel) {
      return "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    }
    return "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  }

  void beginResponse() {
    origin_.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(downloadOf(phase_)) + "\r\n\r\n" +
                 std::string(kFirstPart));
    ASSERT_TRUE(client_.receiveUntil(kFirstPart));
  }

  // Until the client has so much of it.
  void receiveBody(std::size_t size) {
    const std::size_t wanted = client_.buffer().find("\r\n\r\n") + 4 + size;
    while (client_.buffer().size() < wanted) {
      ASSERT_TRUE(client_.receive());
    }
  }

  void fillAcceptQueue() {
    // The queue takes one more than its backlog; the SYN of the next is dropped.
    queued_.push_back(Socket::connectTo(listening_.address()));
  }

  void enterTunnel() {
    origin_ = listening_.accept();
    ASSERT_TRUE(readHead(origin_));
    origin_.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nfrom the origin");
    ASSERT_TRUE(client_.receiveUntil("from the origin"));
    client_.send("from the client");
    ASSERT_TRUE(origin_.receiveUntil("from the client"));
  }

  void answerRequest() {
    origin_ = phase_ == Phase::Connect ? listening_.accept() : std::move(origin_);
    EXPECT_TRUE(readRequest(origin_));
    origin_.send(okResponse("late"));
  }

  void finishUpload() {
    std::thread sender;
    if (end_ != End::ClientFinish) {
      sender = std::thread([this] { client_.send(std::string(kUpload - sent_, 'x')); });
    }
    readRequestBody(origin_, *request_);
    if (request_->complete) {
      origin_.send(okResponse("thanks"));
    }
    if (sender.joinable()) {
      sender.join();
    }
  }

  Phase phase_;
  End end_;
  SilentDns dns_;
  // Small buffers, so that an upload gets stuck soon.
  ListeningSocket listening_{phase_ == Phase::Connect ? 0 : 16, phase_ == Phase::Send ? 8192 : 0};
  std::unique_ptr<Gateway> gateway_;
  std::vector<Socket> queued_;
  Socket client_, origin_;
  std::optional<WireMessage> request_;
  std::size_t sent_ = 0;
  std::uint16_t port_ = 0;
};

struct Expected {
  std::string outcome;
  std::set<std::string> causes;  // "" = no diagnosis
};

Expected byClientReset(Phase phase) {
  switch (phase) {
    case Phase::Send:
      return {"aborted", {"client_aborted_upload"}};
    case Phase::Tunnel:
      return {"aborted", {"tunnel_reset_by_client"}};
    default:
      return {"aborted", {"client_closed_request"}};
  }
}

Expected byOrigin(Phase phase, bool reset) {
  switch (phase) {
    case Phase::Tls:
      return {"failure", {reset ? "tls_connection_reset" : "tls_connection_closed"}};
    case Phase::Send:
      return {"failure", {"request_write_reset"}};
    case Phase::Head:
      return {"failure", {reset ? "reset_before_response" : "empty_response"}};
    case Phase::Body:
    case Phase::Splice:
    case Phase::Stuck:
      return {"failure", {reset ? "response_body_reset" : "response_body_truncated"}};
    case Phase::Tunnel:
      return reset ? Expected{"failure", {"tunnel_reset_by_origin"}} : Expected{"success", {""}};
    case Phase::Resolve:
    case Phase::Connect:
      break;
  }
  return {"success", {""}};
}

// What finish() leads to.
Expected byNature(Phase phase, bool client_left) {
  if (phase == Phase::Tls) {
    return {"failure", {"tls_connection_closed"}};
  }
  if (phase == Phase::Send && client_left) {  // it can still be told
    return {"failure", {"client_length_mismatch"}};
  }
  return {"success", {""}};
}

Expected expectedOf(Phase phase, End end) {
  switch (end) {
    case End::ClientReset:
      return byClientReset(phase);
    case End::OriginReset:
    case End::OriginFinish:
      return byOrigin(phase, end == End::OriginReset);
    case End::ClientFinish:
      return byNature(phase, true);
    case End::Reload:
      return byNature(phase, false);
    case End::Stop:
    case End::StopTwice:
      break;
  }
  return {"failure", {"proxy_draining"}};
}

using Param = std::tuple<Phase, End>;

// What a client that finished its side is asked, to learn whether it is still
// there (client_abort: probe). Every client skips it, RFC 9110 section 15.2.
std::string withoutProbes(std::string got) {
  constexpr std::string_view kProbe = "HTTP/1.1 100 Continue\r\n\r\n";
  while (got.starts_with(kProbe)) {
    got.erase(0, kProbe.size());
  }
  return got;
}

class LifetimeTest : public testing::TestWithParam<Param> {
 protected:
  static void bringAbout(End end, Stage& stage) {
    switch (end) {
      case End::ClientReset:
        stage.client().reset();
        break;
      case End::ClientFinish:
        stage.client().finish();
        stage.finish();
        break;
      case End::OriginReset:
        stage.origin().reset();
        break;
      case End::OriginFinish:
        stage.origin().close();
        stage.client().finish();
        break;
      case End::Reload:
        stage.gateway().reload(stage.config("trusted_proxies: [\"192.0.2.0/24\"]\n"));
        stage.finish();
        break;
      case End::Stop:
        stage.gateway().daemon().signal(SIGTERM);
        break;
      case End::StopTwice:
        stage.gateway().daemon().signal(SIGTERM);
        EXPECT_TRUE(
            stage.gateway().daemon().waitFor([](const json& event) { return event.value("event", "") == "drain"; }));
        stage.gateway().daemon().signal(SIGTERM);
        break;
    }
  }

  static void checkClient(const Expected& expected, Phase phase, Stage& stage) {
    if (!stage.client().open()) {
      return;
    }
    stage.client().finish();
    stage.client().receiveToEnd();
    EXPECT_NE(stage.client().end(), Socket::End::Late) << "the client was left waiting";
    const std::string got = withoutProbes(stage.client().buffer());
    const bool committed = inBody(phase) || phase == Phase::Tunnel;
    if (expected.outcome == "success" && inBody(phase)) {
      EXPECT_EQ(got.size() - got.find("\r\n\r\n") - 4, downloadOf(phase));
    } else if (expected.outcome == "success" && !committed) {
      EXPECT_EQ(got.rfind("HTTP/1.1 200 ", 0), 0U) << got;
    } else if (expected.outcome == "failure" && !committed) {
      const bool blamed = got.rfind("HTTP/1.1 5", 0) == 0 || got.rfind("HTTP/1.1 400 ", 0) == 0;
      EXPECT_TRUE(blamed) << got;
    } else if (expected.outcome == "failure" && inBody(phase)) {
      EXPECT_LT(got.size(), downloadOf(phase)) << "cut short, and it shows";
      EXPECT_EQ(got.find("HTTP/1.1", 1), std::string::npos) << "a second answer inside the first";
    }
  }
};

TEST_P(LifetimeTest, OneEventAndTheDaemonLives) {
  const auto [phase, end] = GetParam();
  Stage stage(phase, end);
  ASSERT_NO_FATAL_FAILURE(stage.enter());
  ASSERT_NO_FATAL_FAILURE(bringAbout(end, stage));
  const Expected expected = expectedOf(phase, end);
  const bool at_once = end == End::StopTwice;
  checkClient(expected, phase, stage);
  const auto event = stage.gateway().exchangeOf(stage.port());
  EXPECT_TRUE(event) << "no event";
  if (event) {
    EXPECT_EQ(event->value("outcome", ""), expected.outcome) << event->dump();
    EXPECT_EQ(expected.causes.count(causeOf(*event)), 1U) << event->dump();
    EXPECT_EQ(event->value("attempts", 0U), 1U) << "an origin was asked: " << event->dump();
  }
  if (end != End::Stop && !at_once) {
    EXPECT_TRUE(stage.isAlive());
  }
  if (stage.origin().open()) {
    stage.origin().finish();
    stage.origin().receiveToEnd();
    EXPECT_NE(stage.origin().end(), Socket::End::Late) << "the origin's connection was left behind";
  }
  stage.gateway().expectCleanStop();
  std::size_t events = 0;
  for (const json& seen : stage.gateway().exchanges()) {
    events += seen.value("/client/port"_json_pointer, 0U) == stage.port() ? 1 : 0;
  }
  EXPECT_EQ(events, 1U);
}

std::string nameOf(Phase phase) {
  constexpr std::array kNames = {"resolve", "connect", "tls", "send", "head", "body", "splice", "stuck", "tunnel"};
  return kNames.at(static_cast<std::size_t>(phase));
}

std::string nameOf(End end) {
  constexpr std::array kNames = {"client_reset", "client_finish", "origin_reset", "origin_finish",
                                 "reload",       "stop",          "stop_twice"};
  return kNames.at(static_cast<std::size_t>(end));
}

// The origin can end nothing before there is a connection to it.
std::vector<Param> allParams() {
  std::vector<Param> params;
  for (const Phase phase : {Phase::Resolve, Phase::Connect, Phase::Tls, Phase::Send, Phase::Head, Phase::Body,
                            Phase::Splice, Phase::Stuck, Phase::Tunnel}) {
    for (const End end : {End::ClientReset, End::ClientFinish, End::OriginReset, End::OriginFinish, End::Reload,
                          End::Stop, End::StopTwice}) {
      const bool by_origin = end == End::OriginReset || end == End::OriginFinish;
      if (!by_origin || (phase != Phase::Resolve && phase != Phase::Connect)) {
        params.emplace_back(phase, end);
      }
    }
  }
  return params;
}

INSTANTIATE_TEST_SUITE_P(Lifetime, LifetimeTest, testing::ValuesIn(allParams()),
                         [](const testing::TestParamInfo<Param>& test) {
                           return nameOf(std::get<0>(test.param)) + "_" + nameOf(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace gatewhy::test
