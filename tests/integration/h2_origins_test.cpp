// SPDX-License-Identifier: Apache-2.0
// HTTP/2 to origins that are not ours: Node's server plain and over TLS, nginx
// over TLS, and gatewhy itself. What a client of HTTP/1.1 sees is what it would
// see of an origin of HTTP/1.1.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proxy/loop/fd.h"
#include "tests/integration/gateway.h"
#include "tests/integration/port_printer.h"
#include "tests/integration/socket.h"
#include "tests/support/child_process.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kTenMiB = 10UL * 1024 * 1024;

std::string script(const std::string& name) {
  return std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/" + name;
}

class H2Origins : public testing::Test {
 protected:
  H2Origins() {
    const Identity identity = selfSigned({.common_name = "localhost", .dns_names = {"localhost"}});
    certificate_ = keys_.write("origin.pem", certificatesPem({&identity}));
    key_ = keys_.write("origin.key", keyPem(identity));
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  // "plain", "tls" or "tls-h1".
  std::string startOrigin(const std::string& kind, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"/usr/bin/node", script("h2_origin.js"), kind, "--key", key_, "--cert",
                                       certificate_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ChildOptions options;
    options.arguments = std::move(arguments);
    return origins_.emplace_back(std::make_unique<PortPrinter>(options))->port();
  }
  void startGateway(const std::string& url, const std::string& more = "") {
    GatewayConfig config;
    config.origin_url = url;
    config.origin_more = fmt::format("tls: {{ca_file: \"{}\", server_name: localhost}}\n{}", certificate_, more);
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  json play(const std::string& story) {
    const std::string& address = gateway_->address();
    ChildOptions options;
    options.arguments = {"/usr/bin/node", script("h2_origin_client.js"), story, address.substr(address.rfind(':') + 1)};
    std::string output;
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line; });
    if (!child) {
      ADD_FAILURE() << child.error();
      return {};
    }
    (*child)->wait();
    json told = json::parse(output, nullptr, false);
    EXPECT_FALSE(told.is_discarded()) << output << (*child)->standardError();
    return told;
  }
  [[nodiscard]] json eventOf(const std::string& path) {
    const auto event = gateway_->daemon().waitFor([&](const json& one) {
      return one.value("/url/path"_json_pointer, "") == path && one.value("event", "") == "exchange";
    });
    EXPECT_TRUE(event) << path;
    return event.value_or(json());
  }

  PemDirectory keys_;
  std::string certificate_, key_;
  std::vector<std::unique_ptr<PortPrinter>> origins_;
  std::unique_ptr<Gateway> gateway_;
};

// The same stories over prior knowledge, and over TLS where ALPN chooses.
class H2OriginStories : public H2Origins, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    const bool plain = std::string_view(GetParam()) == "h2c";
    start(startOrigin(plain ? "plain" : "tls"));
  }
  void start(const std::string& port) {
    const bool plain = std::string_view(GetParam()) == "h2c";
    startGateway(fmt::format("{}:{}", plain ? "h2c://127.0.0.1" : "https://127.0.0.1", port));
  }
};

TEST_P(H2OriginStories, AnswersOfEveryKind) {
  const json seen = play("gets");
  EXPECT_EQ(seen["hello"]["body"], "hello");
  EXPECT_EQ(seen["hello"]["headers"]["x-version"], "2.0");
  EXPECT_EQ(seen["hello"]["headers"]["content-length"], "5");
  EXPECT_EQ(seen["stream"]["body"], "onetwo");
  EXPECT_EQ(seen["stream"]["headers"]["transfer-encoding"], "chunked");
  EXPECT_EQ(seen["head"]["status"], 200);
  EXPECT_EQ(seen["head"]["headers"]["content-length"], "5");
  EXPECT_EQ(seen["head"]["size"], 0);
  EXPECT_EQ(seen["none"]["status"], 204);
  EXPECT_EQ(seen["unchanged"]["status"], 304);
  EXPECT_THAT(seen["hints"]["interim"], ElementsAre(103));
  EXPECT_EQ(seen["hints"]["body"], "hinted");
  EXPECT_TRUE(eventOf("/stream").value("connection_reused", false));
}

TEST_P(H2OriginStories, BodiesBothWays) {
  const json seen = play("bodies");
  EXPECT_EQ(seen["up"]["body"], std::to_string(kTenMiB));
  EXPECT_EQ(seen["down"]["size"], kTenMiB);
  EXPECT_EQ(seen["told"]["body"], "3");
  EXPECT_EQ(seen["trailers"]["body"], "4");
  EXPECT_EQ(seen["trailers"]["trailers"]["x-sum"], "4");
  EXPECT_EQ(seen["trailers"]["trailers"]["x-asked"], "yes");
  EXPECT_TRUE(seen["continued"]["continued"]);
  EXPECT_EQ(seen["continued"]["body"], "5");
  EXPECT_FALSE(seen["refused"]["continued"]);
  EXPECT_EQ(seen["refused"]["status"], 417);
  EXPECT_EQ(seen["early"]["status"], 413);
}

TEST_P(H2OriginStories, AHundredRequestsShareAConnection) {
  const json seen = play("many");
  EXPECT_THAT(seen["statuses"], ElementsAre(200));
  EXPECT_EQ(seen["sessions"].size(), 1U);
  EXPECT_EQ(seen["stats"]["most"], 100);
  EXPECT_EQ(seen["stats"]["sessions"], 1);
}

TEST_P(H2OriginStories, ACrowdWaitsForTheFirstConnection) {
  const json seen = play("crowd");
  EXPECT_THAT(seen["statuses"], ElementsAre(200));
  EXPECT_EQ(seen["stats"]["sessions"], 1);
}

TEST_P(H2OriginStories, AClientThatLeavesHarmsNobody) {
  const json seen = play("leaving");
  EXPECT_EQ(seen["waiting"]["status"], 200);
  EXPECT_EQ(seen["sibling"]["status"], 200);
  EXPECT_EQ(seen["waiting"]["body"], seen["sibling"]["body"]) << "one connection";
  EXPECT_EQ(seen["stats"]["aborted"], 1);
  EXPECT_EQ(causeOf(eventOf("/hang")), "client_closed_request");
}

TEST_P(H2OriginStories, ResetsAreOfTheirStreamAlone) {
  const json seen = play("resets");
  EXPECT_EQ(seen["refused"]["status"], 503);
  EXPECT_EQ(seen["reset"]["status"], 200);
  EXPECT_EQ(seen["reset"]["body"], "begun");
  EXPECT_NE(seen["reset"]["error"], nullptr) << "a broken answer never looks whole";
  EXPECT_EQ(seen["after"]["status"], 200);
  EXPECT_EQ(causeOf(eventOf("/refuse")), "h2_refused_stream");
  const json reset = eventOf("/reset");
  EXPECT_EQ(causeOf(reset), "h2_stream_reset");
  EXPECT_EQ(reset["diagnosis"]["phase"], "response_body");
}

std::string bySchemes(const testing::TestParamInfo<const char*>& scheme) {
  return scheme.param;
}
INSTANTIATE_TEST_SUITE_P(By, H2OriginStories, testing::Values("h2c", "https"), bySchemes);

// Its SETTINGS come when a crowd is on its way; it refuses all but one of them.
TEST_F(H2Origins, AnOriginOfOneStreamAtATimeLosesNoCall) {
  startGateway("h2c://127.0.0.1:" + startOrigin("plain", {"--streams", "1"}), "retry: {attempts: 0}");
  EXPECT_EQ(play("crowd")["statuses"], json::array({200}));
}

// The client counts a stream until END_STREAM, and may then open another, be the
// origin's own end here or not.
TEST_F(H2Origins, AClientThatUsesAllItsStreamsIsRefusedNone) {
  GatewayConfig config;
  config.origin_url = "h2c://127.0.0.1:" + startOrigin("plain");
  config.listener_more = ", http2: {streams: 20}";
  gateway_ = Gateway::start(config);
  ASSERT_NE(gateway_, nullptr);
  const auto load =
      runCommand({"/usr/bin/h2load", "-n", "2000", "-c", "1", "-m", "20", "http://" + gateway_->address() + "/hello"});
  EXPECT_THAT(load.output, HasSubstr("2000 succeeded, 0 failed"));
}

TEST_F(H2Origins, AMisdirectedRequestIsTriedAgainByHttp1) {
  startGateway("https://127.0.0.1:" + startOrigin("tls"));
  const json seen = play("http11");
  EXPECT_EQ(seen["misdirected"]["status"], 200);
  EXPECT_EQ(seen["misdirected"]["body"], "by 1.1");
  EXPECT_EQ(seen["after"]["headers"]["x-version"], "1.1") << "the endpoint is held to it";
  EXPECT_THAT(eventOf("/misdirected")["findings"], ::testing::Contains("http_1_1_required"));
  EXPECT_FALSE(eventOf("/hello").contains("findings")) << "said once";
}

TEST_F(H2Origins, WhatRequiresHttp1GetsIt) {
  startGateway("https://127.0.0.1:" + startOrigin("tls"));
  const json seen = play("required");
  EXPECT_EQ(seen["required"]["body"], "by 1.1");
  EXPECT_EQ(seen["after"]["headers"]["x-version"], "1.1");
}

TEST_F(H2Origins, WhoInsistsOnHttp2IsNotTriedByHttp1) {
  startGateway("h2://127.0.0.1:" + startOrigin("tls"));
  const json seen = play("required");
  EXPECT_EQ(seen["required"]["status"], 520);
  EXPECT_EQ(causeOf(eventOf("/http11required")), "h2_http11_required");
  EXPECT_EQ(seen["after"]["headers"]["x-version"], "2.0");
}

TEST_F(H2Origins, UpgradesGoByHttp1AndOthersStayWithHttp2) {
  startGateway("https://127.0.0.1:" + startOrigin("tls"));
  const json seen = play("upgrade");
  EXPECT_EQ(seen["before"]["headers"]["x-version"], "2.0");
  EXPECT_EQ(seen["socket"]["status"], 101);
  EXPECT_EQ(seen["socket"]["upgraded"], "heard you");
  EXPECT_EQ(seen["after"]["headers"]["x-version"], "2.0");
}

TEST_F(H2Origins, Http2OffOffersHttp1Alone) {
  startGateway("https://127.0.0.1:" + startOrigin("tls"), "http2: false");
  EXPECT_EQ(play("gets")["hello"]["headers"]["x-version"], "1.1");
}

TEST_F(H2Origins, AnEndpointThatOnlyKnowsHttp1IsSpokenToInIt) {
  startGateway("https://127.0.0.1:" + startOrigin("tls-h1"));
  EXPECT_EQ(play("crowd")["statuses"], json::array({200}));
}

TEST_F(H2Origins, AlpnThatChoosesOtherwiseIsNamed) {
  startGateway("h2://127.0.0.1:" + startOrigin("tls-h1"));
  const json seen = play("required");
  EXPECT_EQ(seen["after"]["status"], 525);
  const json event = eventOf("/hello");
  EXPECT_EQ(causeOf(event), "tls_alpn_mismatch");
  EXPECT_EQ(event["diagnosis"]["evidence"]["alpn_offered"], "h2");
}

// gatewhy in front of gatewhy, by prior knowledge.
TEST_F(H2Origins, GatewhyItself) {
  const std::string port = startOrigin("plain");
  GatewayConfig inner;
  inner.origin_url = "h2c://127.0.0.1:" + port;
  inner.listener_more = ", http2: true";
  inner.diagnostics = "{name: inner}";
  const auto behind = Gateway::start(inner);
  ASSERT_NE(behind, nullptr);
  startGateway("h2c://" + behind->address());
  const json seen = play("bodies");
  EXPECT_EQ(seen["up"]["body"], std::to_string(kTenMiB));
  EXPECT_EQ(seen["down"]["size"], kTenMiB);
  EXPECT_EQ(seen["trailers"]["trailers"]["x-asked"], "yes");
  gateway_->expectCleanStop();
  gateway_.reset();
  behind->expectCleanStop();
}

// A port that nobody listens at any more.
int freePort() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(socket.get(), any, size), 0);
  EXPECT_EQ(::getsockname(socket.get(), any, &size), 0);
  return ntohs(address.sin_port);
}

TEST_F(H2Origins, NginxChoosesHttp2) {
  const int port = freePort();
  const std::string& directory = keys_.path();
  ChildOptions options;
  options.arguments = {
      "/usr/sbin/nginx", "-p", directory, "-c",
      keys_.write("nginx.conf",
                  fmt::format("daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/error.log;\n"
                              "events {{}}\nhttp {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0};\n"
                              " fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n"
                              " server {{ listen 127.0.0.1:{1} ssl http2; keepalive_requests 20;\n"
                              "  ssl_certificate {2}; ssl_certificate_key {3};\n"
                              "  add_header x-version $server_protocol; location / {{ return 200 hello; }} }} }}\n",
                              directory, port, certificate_, key_))};
  auto nginx = ChildProcess::start(options, [](const std::string&) {});
  ASSERT_TRUE(nginx) << nginx.error();
  while (!Socket::connectTo(fmt::format("127.0.0.1:{}", port)).open()) {  // until it listens
  }
  startGateway(fmt::format("https://127.0.0.1:{}", port));
  const json seen = play("gets");
  EXPECT_EQ(seen["hello"]["body"], "hello");
  EXPECT_EQ(seen["hello"]["headers"]["x-version"], "HTTP/2.0");
  EXPECT_EQ(seen["head"]["status"], 200);
  EXPECT_EQ(seen["head"]["size"], 0);
  EXPECT_EQ(play("crowd")["statuses"], json::array({200})) << "GOAWAY after twenty requests";
}

}  // namespace
}  // namespace gatewhy::test
