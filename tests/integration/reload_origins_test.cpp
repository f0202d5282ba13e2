// SPDX-License-Identifier: Apache-2.0
// What a reload leaves alone: of an origin whose configuration and files are
// the same, the connections, the retry budget and the addresses.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "daemon/demo/script_peer.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

constexpr int kRequests = 6;

std::unique_ptr<ScriptPeer> patientOrigin(const std::string& begin, ScriptPeerOptions options = {}) {
  std::string steps = begin;
  for (int i = 0; i < kRequests; ++i) {
    steps += R"(read_head, respond 200 "x", )";
  }
  options.scripts = {parseScript(steps + "hold").value()};
  return ScriptPeer::start(std::move(options)).value();
}

class ReloadOriginsTest : public testing::Test {
 protected:
  // Whether the origin answered on a connection that had carried a request.
  static bool asksOnAKeptConnection(Gateway& gateway, const std::string& path = "/") {
    Socket client = Socket::connectTo(gateway.address());
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = readResponse(client);
    EXPECT_TRUE(answer && answer->status() == 200);
    const auto event = gateway.exchangeOf(client.localPort());
    return event && event->value("connection_reused", false);
  }
};

TEST_F(ReloadOriginsTest, KeepsTheConnectionsOfWhatHasNotChanged) {
  const auto changed = patientOrigin("");
  const auto same = patientOrigin("");
  GatewayConfig config;
  config.origin_url = fmt::format("http://127.0.0.1:{}", changed->address().port());
  config.more_origins = fmt::format("  same: {{endpoints: [\"http://127.0.0.1:{}\"]}}\n", same->address().port());
  config.more = "routes: [{path: /same, origin: same}, {origin: origin}]\n";
  const auto gateway = Gateway::start(config);
  ASSERT_TRUE(gateway);
  EXPECT_FALSE(asksOnAKeptConnection(*gateway));
  EXPECT_FALSE(asksOnAKeptConnection(*gateway, "/same"));
  config.origin_more = "timeouts: {response_head: 7s}\n";
  gateway->reload(config);
  EXPECT_FALSE(asksOnAKeptConnection(*gateway)) << "its configuration is another one";
  EXPECT_TRUE(asksOnAKeptConnection(*gateway, "/same"));
  gateway->reload(config);
  EXPECT_TRUE(asksOnAKeptConnection(*gateway));
  EXPECT_TRUE(asksOnAKeptConnection(*gateway, "/same"));
  EXPECT_EQ(changed->connections(), 2U);
  EXPECT_EQ(same->connections(), 1U);
  gateway->expectCleanStop();
}

// What was verified by other authorities than those in force is not used again.
TEST_F(ReloadOriginsTest, VerifiedConnectionsGoWithTheirAuthorities) {
  const Identity root = selfSigned(authority("Reload Root"));
  const Identity other = selfSigned(authority("Another Root"));
  const Identity leaf = signedBy(root, {.dns_names = {"localhost"}, .addresses = {"127.0.0.1"}});
  PemDirectory files;
  ScriptPeerOptions options;
  options.tls_files.identities["leaf"] = {.certificate_file = files.certificates("leaf.pem", {&leaf}),
                                          .key_file = files.key("leaf.key", leaf)};
  const auto origin = patientOrigin("tls cert=leaf, ", std::move(options));
  GatewayConfig config;
  config.origin_url = fmt::format("https://127.0.0.1:{}", origin->address().port());
  config.origin_more = fmt::format("tls: {{ca_file: \"{}\"}}\n", files.certificates("ca.pem", {&root}));
  const auto gateway = Gateway::start(config);
  ASSERT_TRUE(gateway);
  EXPECT_FALSE(asksOnAKeptConnection(*gateway));
  gateway->reload(config);
  EXPECT_TRUE(asksOnAKeptConnection(*gateway));
  files.certificates("ca.pem", {&root, &other});
  gateway->reload(config);
  EXPECT_FALSE(asksOnAKeptConnection(*gateway));
  EXPECT_EQ(origin->connections(), 2U);
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
