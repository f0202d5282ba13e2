// SPDX-License-Identifier: Apache-2.0
// Clients that stay with an endpoint: by a cookie of gatewhy's, or by a hash.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using testing::StartsWith;

// Answers with its name and with the Cookie fields that it got.
std::unique_ptr<OriginServer> namedOrigin(const std::string& name) {
  return std::make_unique<OriginServer>([name](Socket& connection) {
    while (const auto request = readRequest(connection)) {
      connection.send(okResponse(name + " got [" + request->field("Cookie") + "]"));
    }
  });
}

struct Answer {
  unsigned status = 0;
  std::string origin;      // its name
  std::string cookies;     // that it got
  std::string set_cookie;  // "" = none
  [[nodiscard]] std::string token() const { return set_cookie.substr(0, set_cookie.find(';')); }
};

Answer ask(Gateway& gateway, const std::string& fields = "", const std::string& path = "/") {
  Socket client = Socket::connectTo(gateway.address());
  client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n");
  const auto answer = readResponse(client);
  EXPECT_TRUE(answer);
  if (!answer) {
    return {};
  }
  const std::size_t got = answer->body.find(" got [");
  return {.status = answer->status(),
          .origin = answer->body.substr(0, got),
          .cookies = got == std::string::npos ? "" : answer->body.substr(got + 6, answer->body.size() - got - 7),
          .set_cookie = answer->field("Set-Cookie")};
}

std::string cookieField(const std::string& token) {
  return "Cookie: " + token + "\r\n";
}

class StickyTest : public testing::Test {
 protected:
  StickyTest() {
    config_.origin_url = a_->url() + "\", \"" + b_->url() + "\", \"" + c_->url();  // a list
    config_.origin_more = "sticky: {cookie: gw}\n";
    config_.wrapper = {"/usr/bin/env", "STATE_DIRECTORY=" + (state_.path() + "/state")};
  }
  std::unique_ptr<OriginServer> a_ = namedOrigin("a"), b_ = namedOrigin("b"), c_ = namedOrigin("c");
  PemDirectory state_;
  GatewayConfig config_;
};

TEST_F(StickyTest, AClientStaysWhereItWasAnsweredFirst) {
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const Answer first = ask(*gateway, "Cookie: x=1\r\n");
  EXPECT_THAT(first.set_cookie, testing::MatchesRegex("gw=[A-Za-z0-9_-]+; Path=/; HttpOnly; SameSite=Lax"));
  EXPECT_EQ(first.cookies, "x=1");
  for (int i = 0; i < 6; ++i) {
    const Answer next = ask(*gateway, "Cookie: x=1; " + first.token() + "; y=2\r\n");
    EXPECT_EQ(next.origin, first.origin);
    EXPECT_EQ(next.set_cookie, "") << "it has not changed";
    EXPECT_EQ(next.cookies, "x=1; y=2") << "the origin gets none of ours";
  }
  EXPECT_EQ(ask(*gateway, cookieField(first.token())).cookies, "") << "no empty field";
  std::set<std::string> seen;
  for (int i = 0; i < 6; ++i) {
    seen.insert(ask(*gateway).origin);
  }
  EXPECT_EQ(seen.size(), 3U) << "others go anywhere";
  gateway->expectCleanStop();
}

TEST_F(StickyTest, ValuesThatAreNotOursAreReplaced) {
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const std::string good = ask(*gateway).token();
  std::string forged = good;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  for (const std::string& value : {forged, std::string("gw="), std::string("gw=../../etc"), good + "A"}) {
    const Answer answer = ask(*gateway, cookieField(value));
    EXPECT_EQ(answer.status, 200U);
    EXPECT_THAT(answer.set_cookie, StartsWith("gw=")) << value;
    EXPECT_NE(answer.token(), value);
    EXPECT_EQ(answer.cookies, "") << "the origin gets none of them";
  }
  gateway->expectCleanStop();
}

TEST_F(StickyTest, ACookieOfAnotherOriginIsWorthNothing) {
  config_.more_origins =
      fmt::format("  other: {{endpoints: [\"{}\", \"{}\"], sticky: {{cookie: gw}}}}\n", a_->url(), b_->url());
  config_.more = "routes: [{path: /other, origin: other}, {origin: origin}]\n";
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const std::string of_one = ask(*gateway).token();
  const Answer answer = ask(*gateway, cookieField(of_one), "/other");
  EXPECT_THAT(answer.set_cookie, StartsWith("gw="));
  EXPECT_NE(answer.token(), of_one);
  gateway->expectCleanStop();
}

TEST_F(StickyTest, MovesWhereItsEndpointIsGone) {
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  Answer first = ask(*gateway);
  (first.origin == "a" ? a_ : first.origin == "b" ? b_ : c_).reset();
  const Answer moved = ask(*gateway, cookieField(first.token()));
  EXPECT_EQ(moved.status, 200U);
  EXPECT_NE(moved.origin, first.origin);
  EXPECT_NE(moved.token(), first.token());
  const Answer next = ask(*gateway, cookieField(moved.token()));
  EXPECT_EQ(next.origin, moved.origin);
  EXPECT_EQ(next.set_cookie, "");
  gateway->expectCleanStop();
}

TEST_F(StickyTest, TwoInstancesWithOneKeyAgree) {
  state_.write("keys", std::string(40, 'k') + "\n");
  config_.more = "secrets: {file: \"" + state_.path() + "/keys\"}\n";
  const auto one = Gateway::start(config_);
  const auto other = Gateway::start(config_);
  ASSERT_TRUE(one && other);
  const Answer first = ask(*one);
  const Answer next = ask(*other, cookieField(first.token()));
  EXPECT_EQ(next.origin, first.origin);
  EXPECT_EQ(next.set_cookie, "");
  EXPECT_FALSE(std::filesystem::exists(state_.path() + "/state"));
  // A new key in front: what the old one signed counts, and is replaced.
  state_.write("keys", std::string(40, 'n') + "\n" + std::string(40, 'k') + "\n");
  one->reload(config_);
  const Answer renewed = ask(*one, cookieField(first.token()));
  EXPECT_EQ(renewed.origin, first.origin);
  EXPECT_THAT(renewed.set_cookie, StartsWith("gw="));
  EXPECT_NE(renewed.token(), first.token());
  one->expectCleanStop();
  other->expectCleanStop();
}

TEST_F(StickyTest, ItsOwnKeyOutlivesARestart) {
  auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const Answer first = ask(*gateway);
  gateway->reload(config_);
  EXPECT_EQ(ask(*gateway, cookieField(first.token())).set_cookie, "");
  gateway->expectCleanStop();
  const std::string file = state_.path() + "/state/secret";
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const Answer next = ask(*gateway, cookieField(first.token()));
  EXPECT_EQ(next.origin, first.origin);
  EXPECT_EQ(next.set_cookie, "");
  gateway->expectCleanStop();
}

TEST_F(StickyTest, SaysWhereItsKeyCannotBeKept) {
  config_.wrapper = {"/usr/bin/env", "STATE_DIRECTORY=/proc/nothing"};
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const auto told = gateway->daemon().waitFor([](const nlohmann::json& event) {
    return event.value("message", "").find("the key of sticky cookies cannot be kept") != std::string::npos;
  });
  ASSERT_TRUE(told);
  EXPECT_EQ((*told)["severity"], "WARN");
  const Answer first = ask(*gateway);
  EXPECT_EQ(ask(*gateway, cookieField(first.token())).set_cookie, "") << "it works all the same";
  gateway->expectCleanStop();
}

// The same value goes to the same endpoint, and most stay when one is gone.
TEST_F(StickyTest, HashesWhatTheConfigurationNames) {
  config_.origin_more = "balance: {hash: \"{header.X-User}\"}\neject: {failures: 1, for: 60s}\n";
  const auto gateway = Gateway::start(config_);
  ASSERT_TRUE(gateway);
  const auto of = [&](int user) { return ask(*gateway, fmt::format("X-User: user-{}\r\n", user)).origin; };
  std::map<int, std::string> places;
  std::set<std::string> used;
  for (int user = 0; user < 24; ++user) {
    used.insert(places[user] = of(user));
  }
  EXPECT_EQ(used.size(), 3U);
  for (int user = 0; user < 24; ++user) {
    EXPECT_EQ(of(user), places[user]);
  }
  b_.reset();
  for (int user = 0; user < 24; ++user) {
    const std::string now = of(user);
    EXPECT_TRUE(places[user] == "b" ? now != "b" : now == places[user])
        << user << ": " << places[user] << " -> " << now;
  }
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
