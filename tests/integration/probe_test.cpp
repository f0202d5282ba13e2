// SPDX-License-Identifier: Apache-2.0
// `gatewhy probe` against origins that behave and origins that do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/commands/text_style.h"
#include "daemon/demo/script_peer.h"
#include "tests/integration/gateway.h"
#include "tests/support/command.h"
#include "tests/support/json_schema.h"
#include "tests/support/pki.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kUtf8 = "C.UTF-8";

std::unique_ptr<ScriptPeer> peerWith(const std::string& script, ScriptPeerOptions options = {}) {
  auto parsed = parseScript(script);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().message;
    return nullptr;
  }
  options.scripts = {parsed.value()};
  auto peer = ScriptPeer::start(std::move(options));
  if (!peer) {
    ADD_FAILURE() << peer.error();
    return nullptr;
  }
  return std::move(peer).value();
}

std::string urlOf(const ScriptPeer& peer, const std::string& path, const std::string& scheme = "http") {
  return scheme + "://" + peer.address().text() + path;
}

CommandResult probe(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {GATEWHY_BINARY, "probe"});
  return runCommand(arguments, {{"LC_ALL", kUtf8}, {"COLUMNS", "80"}});
}

// The event of a `--json` probe, held against the schema that ships with it.
json eventOf(const CommandResult& result) {
  static const json schema = json::parse(runCommand({GATEWHY_BINARY, "schema", "--event"}).output);
  const json event = json::parse(result.lines.empty() ? "" : result.lines.front(), nullptr, false);
  EXPECT_TRUE(event.is_object()) << result.output << result.errors;
  EXPECT_THAT(schemaProblems(schema, event), testing::IsEmpty()) << event;
  return event;
}

TEST(ProbeTest, Http2SaysWhatTheServerAllows) {
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.listener_more = ", http2: true";
  config.more = "routes: [{respond: {status: 204}}]\n";
  const auto server = Gateway::start(config);
  ASSERT_NE(server, nullptr);
  const CommandResult result = probe({"http://" + server->address() + "/", "--http2"});
  EXPECT_EQ(result.status, 0) << result.output << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("204, 0 bytes of body"), HasSubstr("HTTP/2 SETTINGS"),
                    ContainsRegex("max_concurrent_streams +128\n"), ContainsRegex("max_frame_size +16384\n")));
  server->expectCleanStop();
}

TEST(ProbeTest, Http2OfAServerThatHasNone) {
  const auto peer = peerWith(R"(read_head, respond 400 "what?")");
  const json event = eventOf(probe({urlOf(*peer, "/"), "--http2", "--json"}));
  EXPECT_EQ(causeOf(event), "h2_protocol_error");
}

TEST(ProbeTest, AGoodAnswer) {
  const auto peer =
      peerWith(R"(read_head, send "HTTP/1.1 200 Fine\r\nX-Kind: good\r\nContent-Length: 5\r\n\r\nhello")");
  const CommandResult result = probe({urlOf(*peer, "/cart?id=7#top")});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("200 Fine"), HasSubstr("5 bytes of body"), HasSubstr("X-Kind: good"),
                                   HasSubstr("connect"), HasSubstr("wait")));
  EXPECT_THAT(result.output, Not(HasSubstr("\x1b["))) << "no colour into a pipe";
  for (const std::string& line : result.lines) {
    EXPECT_LE(columnsOf(line), 80U) << line;
  }
}

TEST(ProbeTest, SendsWhatWasAskedFor) {
  const auto peer = peerWith("read_head, echo");
  const json event = eventOf(probe({urlOf(*peer, "/cart?id=7#top"), "--method", "DELETE", "--header", "X-Try: a: b",
                                    "--header", "Host: shop.example", "--header", "User-Agent: me", "--json"}));
  EXPECT_EQ(event["http"]["request"]["method"], "DELETE");
  EXPECT_EQ(event["url"]["path"], "/cart");
  EXPECT_EQ(event["url"]["query"], "id=7");
  EXPECT_EQ(event["server"]["address"], "shop.example");
  EXPECT_EQ(event["user_agent"]["original"], "me");
  EXPECT_EQ(event["outcome"], "success");
  ASSERT_FALSE(peer->records().empty());
}

TEST(ProbeTest, AStatusOfTheOriginIsAnAnswer) {
  const auto peer = peerWith(R"(read_head, respond 503 "later")");
  const CommandResult result = probe({urlOf(*peer, "/"), "--json"});
  EXPECT_EQ(result.status, 0);
  const json event = eventOf(result);
  EXPECT_EQ(event["origin_status"], 503);
  EXPECT_EQ(event["generated_by"], "origin");
}

TEST(ProbeTest, Refused) {
  ScriptPeerOptions options;
  options.listens = false;
  const auto peer = peerWith("accept", std::move(options));
  const CommandResult text = probe({urlOf(*peer, "/")});
  EXPECT_EQ(text.status, 3);
  EXPECT_THAT(text.output, AllOf(HasSubstr("connection_refused"), HasSubstr("check first"), HasSubstr("should act"),
                                 HasSubstr("ECONNREFUSED")));
  const CommandResult machine = probe({urlOf(*peer, "/"), "--json"});
  EXPECT_EQ(machine.status, 3);
  const json event = eventOf(machine);
  EXPECT_EQ(causeOf(event), "connection_refused");
  EXPECT_EQ(event["peer"]["address"], peer->address().text());
  EXPECT_FALSE(event["http"].contains("response"));
}

TEST(ProbeTest, Garbage) {
  const auto peer = peerWith(R"(read_head, send "SSH-2.0-\x1B[31mX\r\n", hold)");
  const CommandResult text = probe({urlOf(*peer, "/")});
  EXPECT_EQ(text.status, 3);
  EXPECT_THAT(text.output, HasSubstr("response_not_http"));
  EXPECT_EQ(causeOf(eventOf(probe({urlOf(*peer, "/"), "--json"}))), "response_not_http");
}

TEST(ProbeTest, Timeout) {
  const auto peer = peerWith("read_head, hold");
  const CommandResult result = probe({urlOf(*peer, "/"), "--timeout", "150ms", "--json"});
  EXPECT_EQ(result.status, 3);
  const json event = eventOf(result);
  EXPECT_EQ(causeOf(event), "response_timeout");
  EXPECT_EQ(event["diagnosis"]["evidence"]["limit_ms"], 150);
}

// A body that keeps dripping stays under every limit but that of the whole.
TEST(ProbeTest, TimeoutOfTheWhole) {
  const auto peer = peerWith(
      R"(read_head, send "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", repeat 50 "x", pause 100ms, send "x", )"
      R"(pause 100ms, send "x", pause 100ms, send "x", pause 100ms, send "x", hold)");
  const CommandResult result = probe({urlOf(*peer, "/"), "--timeout", "200ms", "--json"});
  EXPECT_EQ(result.status, 3);
  const json event = eventOf(result);
  EXPECT_EQ(causeOf(event), "exchange_timeout");
  EXPECT_EQ(event["http"]["response"]["status_code"], 200);
}

TEST(ProbeTest, TruncatedBodyKeepsTheStatus) {
  const auto peer = peerWith(R"(read_head, send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", close)");
  const CommandResult text = probe({urlOf(*peer, "/")});
  EXPECT_EQ(text.status, 3);
  EXPECT_THAT(text.output, AllOf(HasSubstr("200 OK"), HasSubstr("response_body_truncated")));
}

class ProbeTlsTest : public testing::Test {
 protected:
  ProbeTlsTest() { std::signal(SIGPIPE, SIG_IGN); }  // OpenSSL writes without MSG_NOSIGNAL
  std::unique_ptr<ScriptPeer> serve(const CertificateSpec& spec) {
    const Identity leaf = signedBy(root_, spec);
    ScriptPeerOptions options;
    options.tls_files.identities["leaf"] = {.certificate_file = directory_.certificates("leaf.pem", {&leaf}),
                                            .key_file = directory_.key("leaf.key", leaf)};
    ca_ = directory_.certificates("ca.pem", {&root_});
    return peerWith(R"(tls cert=leaf, read_head, respond 200 "hello")", std::move(options));
  }
  // The peer's port under the certificate's name.
  static std::string url(const ScriptPeer& peer) { return "https://origin.test:" + port(peer) + "/"; }
  static std::string pin(const ScriptPeer& peer) { return "origin.test:" + port(peer) + ":127.0.0.1"; }
  static std::string port(const ScriptPeer& peer) { return std::to_string(peer.address().port()); }

  Identity root_ = selfSigned(authority("Probe Root"));
  PemDirectory directory_;
  std::string ca_;
};

TEST_F(ProbeTlsTest, SaysWhatWasNegotiated) {
  const auto peer = serve({.dns_names = {"origin.test"}, .not_after = std::chrono::hours(36)});
  const CommandResult result = probe({url(*peer), "--resolve", pin(*peer), "--ca", ca_});
  EXPECT_EQ(result.status, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("TLSv1.3, TLS_"), HasSubstr("CN=origin.test"), HasSubstr("CN=Probe Root"),
                                   HasSubstr("tls_handshake"), HasSubstr("(1 day)"), HasSubstr("no ALPN")));
}

TEST_F(ProbeTlsTest, Http2HasToBeChosen) {
  const auto peer = serve({.dns_names = {"origin.test"}});
  const CommandResult result = probe({url(*peer), "--resolve", pin(*peer), "--ca", ca_, "--json", "--http2"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(causeOf(eventOf(result)), "tls_alpn_mismatch");
}

TEST_F(ProbeTlsTest, ExpiredIsDiagnosedUnlessInsecure) {
  const auto peer = serve(
      {.dns_names = {"origin.test"}, .not_before = -std::chrono::hours(48), .not_after = -std::chrono::hours(24)});
  const std::vector<std::string> common = {url(*peer), "--resolve", pin(*peer), "--ca", ca_, "--json"};
  const CommandResult strict = probe(common);
  EXPECT_EQ(strict.status, 3);
  const json event = eventOf(strict);
  EXPECT_EQ(causeOf(event), "tls_certificate_expired");
  EXPECT_TRUE(event["timings"].contains("tls_handshake"));
  std::vector<std::string> insecure = common;
  insecure.emplace_back("--insecure");
  EXPECT_EQ(probe(insecure).status, 0);
}

TEST_F(ProbeTlsTest, UnreadableAuthoritiesAreEvidence) {
  const auto peer = serve({.dns_names = {"origin.test"}});
  const CommandResult result =
      probe({url(*peer), "--resolve", pin(*peer), "--ca", directory_.path() + "/nowhere.pem", "--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(eventOf(result).dump(), HasSubstr("nowhere.pem"));
}

TEST(ProbeTest, RepeatCountsWhatCameOfIt) {
  const auto good = parseScript(R"(read_head, respond 200 "x")");
  const auto bad = parseScript("read_head, reset");
  ScriptPeerOptions options;
  options.scripts = {good.value(), bad.value(), bad.value(), good.value()};
  auto peer = ScriptPeer::start(std::move(options));
  ASSERT_TRUE(peer) << peer.error();
  const CommandResult result = probe({urlOf(**peer, "/"), "--repeat", "5"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.output, AllOf(HasSubstr("5 requests, 2 failed"), HasSubstr("median")));
  EXPECT_THAT(result.output, testing::ContainsRegex("reset_before_response +2"));
  EXPECT_THAT(result.output, testing::ContainsRegex("200 +3"));
  EXPECT_EQ((*peer)->connections(), 5U) << "a fresh connection each";
}

TEST(ProbeTest, AllAddressesARowEach) {
  const auto peer = peerWith(R"(read_head, respond 204 "")");
  const std::string port = std::to_string(peer->address().port());
  // Nobody listens on that port of 127.0.0.2.
  const CommandResult result = probe({"http://shop.example:" + port + "/", "--resolve",
                                      "shop.example:" + port + ":127.0.0.1,127.0.0.2", "--all-addresses"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.output, testing::ContainsRegex("127.0.0.1:" + port + " +IPv4 .*204"));
  EXPECT_THAT(result.output, testing::ContainsRegex("127.0.0.2:" + port + " +IPv4 .*connection_refused"));
}

TEST(ProbeTest, AddressesThatFailedBeforeAreTries) {
  const auto peer = peerWith(R"(read_head, respond 200 "x")");
  const std::string port = std::to_string(peer->address().port());
  const CommandResult result = probe(
      {"http://shop.example:" + port + "/", "--resolve", "shop.example:" + port + ":127.0.0.2,127.0.0.1", "--json"});
  EXPECT_EQ(result.status, 0);
  const json event = eventOf(result);
  ASSERT_EQ(event["attempts"], 2);
  EXPECT_EQ(event["tries"][0]["diagnosis"]["cause"], "connection_refused");
  EXPECT_FALSE(event["tries"][1].contains("diagnosis"));
}

TEST(ProbeTest, UnixSocket) {
  const PemDirectory directory;
  ScriptPeerOptions options;
  options.address = "unix:" + directory.path() + "/app.sock";
  const auto peer = peerWith(R"(read_head, respond 200 "x")", std::move(options));
  EXPECT_EQ(probe({peer->address().text() + ":/status"}).status, 0);
  EXPECT_EQ(causeOf(eventOf(probe({"unix:" + directory.path() + "/none.sock", "--json"}))), "unix_socket_missing");
}

TEST(ProbeTest, WrongUsageIsNoDiagnosis) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {},
           {"shop.example"},
           {"http://a/", "--timeout", "5"},
           {"http://a/", "--no-such-option"},
           {"http://a/", "--header", "no colon"},
           {"http://a/", "--header", "A: b\r\nC: d"},
           {"http://a/", "--header", "Content-Length: 5"},
           {"http://a/", "--method", "BAD METHOD"},
           {"http://a/", "--method", "CONNECT"},
           {"http://a/", "--resolve", "b:80:192.0.2.1"},
           {"http://a/", "--repeat", "0"},
       }) {
    const CommandResult result = probe(wrong);
    EXPECT_EQ(result.status, 64) << testing::PrintToString(wrong) << result.output;
    EXPECT_NE(result.errors, "");
  }
}

}  // namespace
}  // namespace gatewhy::test
