// SPDX-License-Identifier: Apache-2.0
// Active checks that go over HTTP/2: requests, by prior knowledge and where ALPN
// chooses, and calls of the gRPC health protocol, to scripts and to grpc++.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_peer.h"
#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"
#include "tests/integration/port_printer.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kPath = "health: {path: /healthz, interval: 100ms, unhealthy: 1, healthy: 1}\n";
constexpr const char* kGrpc = "health: {grpc: shop.v1.Orders, interval: 100ms, unhealthy: 1, healthy: 1}\n";

class ChecksTest : public testing::Test {
 protected:
  ChecksTest() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    const Identity identity = selfSigned({.common_name = "localhost", .dns_names = {"localhost"}});
    certificate_ = keys_.certificates("origin.pem", {&identity});
    key_ = keys_.key("origin.key", identity);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  // The nth check meets the nth script, the last one repeats.
  std::string startPeer(const std::vector<std::string>& scripts) {
    ScriptPeerOptions options;
    for (const std::string& script : scripts) {
      const auto parsed = parseScript(script);
      EXPECT_TRUE(parsed) << script << ": " << parsed.error().message;
      options.scripts.push_back(parsed.value());
    }
    options.tls_files.identities["leaf"] = {.certificate_file = certificate_, .key_file = key_};
    peer_ = ScriptPeer::start(std::move(options)).value();
    return fmt::format("127.0.0.1:{}", peer_->address().port());
  }
  void start(const std::string& url, const std::string& health, bool trusted = true) {
    GatewayConfig config;
    config.origin_url = url;
    const std::string trust = trusted ? fmt::format("ca_file: \"{}\", ", certificate_) : "";
    config.origin_more = fmt::format("tls: {{{}server_name: localhost}}\n{}", trust, health);
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  static bool isChange(const json& event, const std::string& state) {
    return event.value("event", "") == "health" && event.value("source", "") == "check" &&
           event.value("state", "") == state;
  }
  json awaitChange(const std::string& state) {
    const auto event = gateway_->daemon().waitFor([&](const json& one) { return isChange(one, state); });
    EXPECT_TRUE(event) << "never " << state;
    return event.value_or(json::object());
  }
  [[nodiscard]] bool everDown() const {
    const std::vector<json> events = gateway_->daemon().events();
    return std::any_of(events.begin(), events.end(), [](const json& event) { return isChange(event, "down"); });
  }
  static std::string detailOf(const json& event) { return event.value("/diagnosis/evidence/detail"_json_pointer, ""); }

  PemDirectory keys_;
  std::string certificate_, key_;
  std::unique_ptr<ScriptPeer> peer_;
  std::unique_ptr<Gateway> gateway_;
};

// ---- requests ---------------------------------------------------------

TEST_F(ChecksTest, ByPriorKnowledge) {
  start("h2c://" + startPeer({"accept, h2, read_head, respond 204 \"\", wait_close",
                              "accept, h2, read_head, respond 503 \"\", wait_close"}),
        kPath);
  static_cast<void>(awaitChange("up"));
  const json down = awaitChange("down");
  EXPECT_EQ(causeOf(down), "health_status_unexpected");
  EXPECT_EQ(detailOf(down), "/healthz answered 503, not 200-399");
  EXPECT_EQ(down.value("/diagnosis/evidence/protocol"_json_pointer, ""), "h2");
  EXPECT_THAT(peer_->records().front().received, HasSubstr("GET /healthz HTTP/2\r\n"));
}

TEST_F(ChecksTest, AlpnChoosesHttp2) {
  start("https://" + startPeer({"accept, tls cert=leaf alpn=h2:http/1.1, h2, read_head, respond 200 \"\", wait_close"}),
        kPath);
  static_cast<void>(awaitChange("up"));
  EXPECT_EQ(peer_->records().front().alpn, "h2");
  EXPECT_FALSE(everDown());
}

TEST_F(ChecksTest, AlpnFallsBackToHttp1) {
  start("https://" + startPeer({"accept, tls cert=leaf alpn=http/1.1, read_head, respond 200 \"\", wait_close"}),
        kPath);
  static_cast<void>(awaitChange("up"));
  EXPECT_EQ(peer_->records().front().alpn, "http/1.1");
  EXPECT_THAT(peer_->records().front().received, HasSubstr("GET /healthz HTTP/1.1\r\n"));
  EXPECT_FALSE(everDown());
}

TEST_F(ChecksTest, WhoInsistsOnHttp2IsNotCheckedByHttp1) {
  start("h2://" + startPeer({"accept, tls cert=leaf, read_head, respond 200 \"\", wait_close"}), kPath);
  EXPECT_EQ(causeOf(awaitChange("down")), "tls_alpn_mismatch");
}

// Wanting HTTP/1.1 is no failure, not even of one check.
TEST_F(ChecksTest, WhoWantsHttp1IsAskedSoAtOnce) {
  for (const char* wants : {"rst_stream HTTP_1_1_REQUIRED, wait_close", "respond 421 \"\", wait_close"}) {
    SCOPED_TRACE(wants);
    start("https://" + startPeer({fmt::format("accept, tls cert=leaf alpn=h2:http/1.1, h2, read_head, {}", wants),
                                  "accept, tls cert=leaf alpn=http/1.1, read_head, respond 200 \"\", wait_close"}),
          kPath);
    static_cast<void>(awaitChange("up"));
    EXPECT_FALSE(everDown());
    gateway_->expectCleanStop();
    gateway_.reset();
  }
}

// ---- the gRPC health protocol -----------------------------------------

constexpr const char* kHead = "accept, h2, read_head, read_body, headers :status=200 content-type=application/grpc";
// An answer without messages: one head is all of it.
std::string trailersOnly(const std::string& fields) {
  return fmt::format("{} {} end_stream=true, wait_close", kHead, fields);
}
std::string message(const std::string& data, const std::string& then = "trailers grpc-status=0") {
  return fmt::format("{}, data \"{}\", {}, wait_close", kHead, data, then);
}

TEST_F(ChecksTest, TheCallIsAsGrpcWantsIt) {
  start("h2c://" + startPeer({message(R"(\0\0\0\0\x02\x08\x01)")}),
        "health: {grpc: shop.v1.Orders, interval: 100ms, unhealthy: 1, host: well.example, headers: {X-Check: a}}\n");
  static_cast<void>(awaitChange("up"));
  EXPECT_FALSE(everDown());
  const std::string received = peer_->records().front().received;
  EXPECT_THAT(received, HasSubstr("POST /grpc.health.v1.Health/Check HTTP/2\r\n"));
  for (const char* field : {":scheme: http\r\n", ":authority: well.example\r\n",
                            "\r\ncontent-type: application/grpc\r\n", "\r\nte: trailers\r\n", "\r\nx-check: a\r\n"}) {
    EXPECT_THAT(received, HasSubstr(field));
  }
  EXPECT_THAT(received, HasSubstr(std::string("\0\0\0\0\x10\n\x0eshop.v1.Orders", 21)));
  EXPECT_EQ(received.find("content-length"), std::string::npos);
}

struct BadAnswer {
  const char* name;
  std::string script;
  const char* cause;
  const char* detail;  // of the evidence; "" = not looked at
};

class GrpcChecksTest : public ChecksTest, public testing::WithParamInterface<BadAnswer> {};

TEST_P(GrpcChecksTest, IsDiagnosed) {
  const BadAnswer& bad = GetParam();
  start("h2c://" + startPeer({bad.script}),
        "health: {grpc: shop.v1.Orders, interval: 100ms, timeout: 500ms, unhealthy: 1}\n");
  const json down = awaitChange("down");
  EXPECT_EQ(causeOf(down), bad.cause) << down.dump(1);
  if (*bad.detail != '\0') {
    EXPECT_EQ(detailOf(down), bad.detail);
  }
  EXPECT_EQ(down.value("/diagnosis/evidence/protocol"_json_pointer, ""), "h2");
}

constexpr const char* kUnexpected = "health_status_unexpected";

INSTANTIATE_TEST_SUITE_P(
    Answers, GrpcChecksTest,
    testing::Values(
        BadAnswer{"NotServing", message(R"(\0\0\0\0\x02\x08\x02)"), kUnexpected,
                  "the gRPC service shop.v1.Orders answered NOT_SERVING, not SERVING"},
        BadAnswer{"Unknown", message(R"(\0\0\0\0\0)"), kUnexpected,
                  "the gRPC service shop.v1.Orders answered UNKNOWN, not SERVING"},
        BadAnswer{"ServiceUnknown", message(R"(\0\0\0\0\x02\x08\x03)"), kUnexpected,
                  "the gRPC service shop.v1.Orders answered SERVICE_UNKNOWN, not SERVING"},
        BadAnswer{"Unimplemented", trailersOnly("grpc-status=12 grpc-message=unknown%20method"), kUnexpected,
                  "the gRPC service shop.v1.Orders ended with grpc-status 12 (UNIMPLEMENTED): unknown method"},
        BadAnswer{"NotFound", message(R"(\0\0\0\0\0)", "trailers grpc-status=5"), kUnexpected,
                  "the gRPC service shop.v1.Orders ended with grpc-status 5 (NOT_FOUND)"},
        BadAnswer{
            "NoGrpc",
            R"(accept, h2, read_head, read_body, headers :status=404 content-type=text/html, last_data "no", wait_close)",
            kUnexpected, "the gRPC service shop.v1.Orders answered 404 with Content-Type text/html, which is no gRPC"},
        BadAnswer{
            "Broken", message(R"(\0\0\0\0\x09\x08)"), kUnexpected,
            "the gRPC service shop.v1.Orders gave an answer that cannot be read: its message should have 9 bytes, "
            "and 1 came: 00 00 00 00 09 08"},
        BadAnswer{"NoTrailers", fmt::format(R"({}, last_data "\0\0\0\0\x02\x08\x01", wait_close)", kHead), kUnexpected,
                  "the gRPC service shop.v1.Orders ended without a grpc-status"},
        BadAnswer{"NoEnd", fmt::format(R"({}, data "\0\0\0\0\x02\x08\x01", wait_close)", kHead),
                  "response_idle_timeout", ""},
        BadAnswer{"Silence", "accept, h2, read_head, wait_close", "response_timeout", ""},
        BadAnswer{"Reset", "accept, h2, read_head, rst_stream INTERNAL_ERROR, wait_close", "h2_stream_reset", ""},
        BadAnswer{"Http1", R"(accept, read 24, send "HTTP/1.1 400 Bad Request\r\n\r\n", wait_close)",
                  "h2_protocol_error", ""}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST_F(ChecksTest, GrpcOverTlsNeedsHttp2) {
  start("https://" + startPeer({"accept, tls cert=leaf alpn=http/1.1, read_head, respond 200 \"\", wait_close"}),
        kGrpc);
  const json down = awaitChange("down");
  EXPECT_EQ(causeOf(down), "tls_alpn_mismatch");
  EXPECT_EQ(down.value("/diagnosis/evidence/alpn_offered"_json_pointer, ""), "h2");
}

TEST_F(ChecksTest, GrpcOverTls) {
  start("https://" + startPeer({"accept, tls cert=leaf alpn=h2, h2, read_head, read_body, headers :status=200 "
                                "content-type=application/grpc, data \"\\0\\0\\0\\0\\x02\\x08\\x01\", trailers "
                                "grpc-status=0, wait_close"}),
        kGrpc);
  static_cast<void>(awaitChange("up"));
  EXPECT_FALSE(everDown());
}

TEST_F(ChecksTest, GrpcOfACertificateThatNobodyTrusts) {
  start("h2://" + startPeer({"accept, tls cert=leaf alpn=h2, h2, wait_close"}), kGrpc, false);
  EXPECT_THAT(causeOf(awaitChange("down")), MatchesRegex("tls_certificate_self_signed|tls_certificate_untrusted_root"));
}

TEST_F(ChecksTest, GrpcOfAClosedPort) {
  ListeningSocket closed;
  const std::string nobody = "h2c://" + closed.address();
  closed.stop();
  start(nobody, kGrpc);
  EXPECT_EQ(causeOf(awaitChange("down")), "connection_refused");
}

// ---- grpc++ -----------------------------------------------------------

class GrpcppChecksTest : public ChecksTest {
 protected:
  GrpcppChecksTest() : server_(options()) {}
  static ChildOptions options() {
    ChildOptions options;
    options.arguments = {GATEWHY_GRPC_PEER, "server"};
    return options;
  }
  void check(const std::string& service) {
    start("h2c://127.0.0.1:" + server_.port(),
          fmt::format("health: {{grpc: \"{}\", interval: 100ms, unhealthy: 1, healthy: 1}}\n", service));
  }
  // Past the gateway.
  void order(const std::string& act) {
    H2Client client(Socket::connectTo("127.0.0.1:" + server_.port()));
    const std::int32_t stream = client.begin(
        H2Client::post("/gatewhy.test.Calls/Unary", {{"content-type", "application/grpc"}, {"te", "trailers"}}));
    std::string call(4, '\0');
    call += static_cast<char>(act.size() + 2);
    call += "\x0a";
    call += static_cast<char>(act.size());
    client.data(stream, call + act, true);
    EXPECT_EQ(client.await(stream).trailer("grpc-status"), "0");
  }

  PortPrinter server_;
};

TEST_F(GrpcppChecksTest, AServiceGoesAndComesBack) {
  check("gatewhy.test.Calls");
  static_cast<void>(awaitChange("up"));
  EXPECT_FALSE(everDown());
  order("unwell");
  const json down = awaitChange("down");
  EXPECT_EQ(causeOf(down), "health_status_unexpected");
  EXPECT_EQ(detailOf(down), "the gRPC service gatewhy.test.Calls answered NOT_SERVING, not SERVING");
  order("well");
  const auto up = gateway_->daemon().waitFor(
      [seen = 0](const json& event) mutable { return isChange(event, "up") && ++seen == 2; });
  EXPECT_TRUE(up) << "never back";
}

TEST_F(GrpcppChecksTest, TheServerAsAWhole) {
  check("");
  static_cast<void>(awaitChange("up"));
  EXPECT_FALSE(everDown());
}

TEST_F(GrpcppChecksTest, AServiceThatItDoesNotHave) {
  check("other.Service");
  const json down = awaitChange("down");
  EXPECT_EQ(causeOf(down), "health_status_unexpected");
  EXPECT_THAT(detailOf(down), HasSubstr("the gRPC service other.Service ended with grpc-status 5 (NOT_FOUND)"));
}

}  // namespace
}  // namespace gatewhy::test
