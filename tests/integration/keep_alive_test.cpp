// SPDX-License-Identifier: Apache-2.0
// keep_alive.timeout: auto, in front of something that forgets idle
// connections without a word, as firewalls and balancers do: only a request
// finds out. That time passes is what this is about, so these tests let it.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kForgets{300};
constexpr milliseconds kPause{450};
constexpr int kRequests = 8;

// Ends a connection on the first request after `forgets` without one.
std::unique_ptr<OriginServer> forgetfulOrigin(milliseconds forgets, const std::string& says = "") {
  return std::make_unique<OriginServer>([forgets, says](Socket& connection) {
    auto since = Clock::now();
    while (readRequest(connection)) {
      if (Clock::now() - since > forgets) {
        return;
      }
      connection.send(okResponse("fine", says));
      since = Clock::now();
    }
  });
}

struct Outcome {
  int stale = 0;
  json endpoint;  // of /api/v1/origins
  std::string metrics;
};

std::string askAdmin(Gateway& gateway, const std::string& path) {
  Socket socket = Socket::connectTo(gateway.daemon().adminAddress());
  socket.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto answer = readResponse(socket);
  return answer ? answer->body : "";
}

// Requests with pauses between; how many of them found a stale connection.
Outcome play(OriginServer& origin, const std::string& timeout, milliseconds pause) {
  GatewayConfig config;
  config.origin_url = origin.url();
  config.origin_more = "keep_alive: {timeout: " + timeout + "}\n";
  config.admin = "{address: \"127.0.0.1:0\"}";
  const auto gateway = Gateway::start(config);
  Outcome outcome;
  if (!gateway) {
    return outcome;
  }
  for (int i = 0; i < kRequests; ++i) {
    if (i != 0) {
      std::this_thread::sleep_for(pause);
    }
    Socket client = Socket::connectTo(gateway->address());
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const auto answer = readResponse(client);
    EXPECT_TRUE(answer && answer->status() == 200) << "a retry saves it";
    const auto event = gateway->exchangeOf(client.localPort());
    for (const json& one : event ? event->value("tries", json::array()) : json::array()) {
      outcome.stale += one.value("/diagnosis/cause"_json_pointer, "") == "stale_connection" ? 1 : 0;
    }
  }
  outcome.endpoint = json::parse(askAdmin(*gateway, "/api/v1/origins"))["origins"][0]["endpoints"][0];
  outcome.metrics = askAdmin(*gateway, "/metrics");
  gateway->expectCleanStop();
  return outcome;
}

TEST(KeepAliveTest, StaleConnectionsBecomeRare) {
  const auto origin = forgetfulOrigin(kForgets);
  const Outcome before = play(*origin, "60s", kPause);
  const Outcome after = play(*origin, "auto", kPause);
  std::printf("stale connections in %d requests: %d with timeout: 60s, %d with auto\n", kRequests, before.stale,
              after.stale);
  EXPECT_EQ(before.stale, kRequests - 1) << "each request but the first finds its connection forgotten";
  EXPECT_LE(after.stale, 2) << "it takes two to learn";
  EXPECT_EQ(after.endpoint["rescued"].value("stale_connection", 0), after.stale);
  EXPECT_EQ(after.endpoint["keep_alive"]["learned_from"], "stale");
  EXPECT_LT(after.endpoint["keep_alive"]["timeout_ms"], after.endpoint["keep_alive"]["limit_ms"]);
  EXPECT_NE(after.metrics.find("gatewhy_origin_idle_limit_seconds{origin=\"origin\",endpoint=\""), std::string::npos);
  EXPECT_FALSE(before.endpoint.contains("keep_alive"));
}

// It need not be found out: one second is what it says.
TEST(KeepAliveTest, WhatTheOriginSaysIsBelieved) {
  constexpr milliseconds kSecond{1000};
  const auto origin = forgetfulOrigin(kSecond, "Keep-Alive: timeout=1\r\n");
  const Outcome outcome = play(*origin, "auto", kSecond + kPause);
  EXPECT_EQ(outcome.stale, 0);
  EXPECT_EQ(outcome.endpoint["keep_alive"]["learned_from"], "said");
  EXPECT_EQ(outcome.endpoint["keep_alive"]["limit_ms"], 1000);
  EXPECT_EQ(outcome.endpoint["keep_alive"]["timeout_ms"], 900);
}

}  // namespace
}  // namespace gatewhy::test
