// SPDX-License-Identifier: Apache-2.0
// Endpoints that go and come back: by their checks, by what requests meet, by
// an operator's word. Two workers throughout: each transition is told once.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

enum class Mood : std::uint8_t { Well, Unwell, Cuts, Silent, Babbles };

// Answers with its name, or as it is in the mood for; asked for /healthz, in
// another one. /held waits until release().
class MoodyOrigin {
 public:
  explicit MoodyOrigin(std::string name) : name_(std::move(name)), server_([this](Socket& peer) { serve(peer); }) {}
  ~MoodyOrigin() {
    release();
    server_.stop();
  }
  MoodyOrigin(const MoodyOrigin&) = delete;
  MoodyOrigin& operator=(const MoodyOrigin&) = delete;

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void awaitHeld() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [this] { return held_; });
  }
  [[nodiscard]] std::string lastCheck() const {
    const std::lock_guard lock(mutex_);
    return last_check_;
  }

  std::atomic<Mood> mood{Mood::Well}, check_mood{Mood::Well};

 private:
  void serve(Socket& peer) {
    while (const auto request = readRequest(peer)) {
      const bool check = request->target().starts_with("/healthz");
      if (check) {
        const std::lock_guard lock(mutex_);
        last_check_ = request->start_line + "\n" + request->field("Host") + "\n" + request->field("User-Agent") + "\n" +
                      request->field("X-Check");
      } else if (request->target() == "/held") {
        std::unique_lock lock(mutex_);
        held_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, kPatience, [this] { return released_; });
      }
      if (!answer(peer, check ? check_mood : mood)) {
        return;
      }
    }
  }
  bool answer(Socket& peer, Mood how) const {
    switch (how) {
      case Mood::Well:
        return peer.send(okResponse(name_));
      case Mood::Unwell:
        return peer.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      case Mood::Cuts:
        peer.reset();
        return false;
      case Mood::Silent:
        peer.receiveToEnd();
        return false;
      case Mood::Babbles:
        peer.send("220 mail.example ESMTP\r\n\r\n");
        return false;
    }
    return false;
  }

  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, released_ = false;  // guarded by mutex_
  std::string last_check_;                // guarded by mutex_
  OriginServer server_;
};

struct Answer {
  unsigned status = 0;
  std::string body, retry_after;
};

class HealthTest : public testing::Test {
 protected:
  void start(const std::string& settings, const std::vector<std::string>& urls) {
    gateway_ = Gateway::start(configured(settings, urls));
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override { finish(); }
  // Behind it every event has been read: only then is a count one.
  void finish() {
    if (gateway_ && !std::exchange(finished_, true)) {
      gateway_->expectCleanStop();
    }
  }
  static GatewayConfig configured(const std::string& settings, const std::vector<std::string>& urls) {
    GatewayConfig config;
    config.workers = 2;
    config.admin = "{address: \"127.0.0.1:0\"}";
    config.origin_url = urls.front();
    for (std::size_t i = 1; i < urls.size(); ++i) {
      config.origin_url += "\", \"" + urls[i];
    }
    config.origin_more = settings;
    config.more = "trusted_proxies: [127.0.0.1]\n";
    return config;
  }
  // Of a connection of its own, so that both workers get some.
  [[nodiscard]] Answer ask(const std::string& path = "/", const std::string& client = "203.0.113.1") const {
    Socket socket = Socket::connectTo(gateway_->address());
    socket.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + client + "\r\nConnection: close\r\n\r\n");
    const auto answer = readResponse(socket);
    return answer
               ? Answer{.status = answer->status(), .body = answer->body, .retry_after = answer->field("Retry-After")}
               : Answer{};
  }
  // Who answered so many requests; what was not a 200 stands as its status.
  [[nodiscard]] std::set<std::string> whoAnswers(int requests = 20) const {
    std::set<std::string> who;
    for (int i = 0; i < requests; ++i) {
      const Answer answer = ask();
      who.insert(answer.status == 200 ? answer.body : std::to_string(answer.status));
    }
    return who;
  }
  [[nodiscard]] static bool isChange(const json& event, const std::string& state, const std::string& url) {
    const std::string name = event.value("event", "");
    return (name == "health" || name == "eject") && event.value("state", "") == state &&
           event.value("endpoint", "") == url;
  }
  std::optional<json> awaitChange(const std::string& state, const std::string& url = "") {
    auto event = gateway_->daemon().waitFor([&](const json& one) { return isChange(one, state, url); });
    EXPECT_TRUE(event) << "never " << state;
    return event;
  }
  [[nodiscard]] std::size_t changes(const std::string& state, const std::string& url = "") const {
    const std::vector<json> events = gateway_->daemon().events();
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const json& one) { return isChange(one, state, url); }));
  }
  // Requests until the log has that change.
  void askUntil(const std::string& state, const std::string& url = "") {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (changes(state, url) == 0 && std::chrono::steady_clock::now() < end) {
      EXPECT_EQ(ask().status, 200U);
    }
    EXPECT_NE(changes(state, url), 0U) << "never " << state;
  }
  [[nodiscard]] std::string admin(const std::string& path) const {
    Socket socket = Socket::connectTo(gateway_->daemon().adminAddress());
    socket.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto answer = readResponse(socket);
    return answer ? answer->body : "";
  }
  [[nodiscard]] CommandResult command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {GATEWHY_BINARY, "endpoint"});
    arguments.insert(arguments.end(), {"--admin", gateway_->daemon().adminAddress()});
    return runCommand(arguments);
  }

  MoodyOrigin one_{"one"}, two_{"two"}, three_{"three"};
  std::unique_ptr<Gateway> gateway_;
  bool finished_ = false;
};

constexpr const char* kChecks = "health: {path: /healthz, interval: 100ms, timeout: 5s, unhealthy: 2}\n";

// ---- checks -----------------------------------------------------------

TEST_F(HealthTest, AFailingCheckTakesOutAndAPassingOneBringsBack) {
  start(kChecks, {one_.url(), two_.url()});
  static_cast<void>(awaitChange("up", one_.url()));
  static_cast<void>(awaitChange("up", two_.url()));
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "two"));
  one_.check_mood = Mood::Unwell;
  const auto down = awaitChange("down", one_.url());
  ASSERT_TRUE(down);
  EXPECT_EQ(down->value("event", ""), "health");
  EXPECT_EQ(down->value("severity", ""), "ERROR");
  EXPECT_EQ(down->value("source", ""), "check");
  EXPECT_EQ(down->value("origin", ""), "origin");
  EXPECT_EQ(causeOf(*down), "health_status_unexpected");
  EXPECT_EQ(down->value("/diagnosis/evidence/detail"_json_pointer, ""), "/healthz answered 503, not 200-399");
  EXPECT_THAT(whoAnswers(), ElementsAre("two"));
  const std::string metrics = admin("/metrics");
  EXPECT_THAT(metrics,
              HasSubstr(fmt::format("gatewhy_endpoint_up{{origin=\"origin\",endpoint=\"{}\"}} 0", one_.url())));
  EXPECT_THAT(metrics, HasSubstr("gatewhy_health_check_failures_total{origin=\"origin\",cause=\"health_status_"));
  EXPECT_EQ(admin("/readyz"), "ready\n");
  one_.check_mood = Mood::Well;
  const auto up = gateway_->daemon().waitFor(
      [&, seen = 0](const json& event) mutable { return isChange(event, "up", one_.url()) && ++seen == 2; });
  ASSERT_TRUE(up);
  EXPECT_FALSE(up->contains("diagnosis"));
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "two"));
  finish();
  EXPECT_EQ(changes("down", one_.url()), 1U);
  EXPECT_EQ(changes("up", one_.url()), 2U);
  EXPECT_EQ(changes("up", two_.url()), 1U);
}

TEST_F(HealthTest, AllDownIsSaidAtOnceWithEveryReason) {
  one_.check_mood = Mood::Unwell;
  two_.check_mood = Mood::Cuts;
  start(kChecks, {one_.url(), two_.url()});
  static_cast<void>(awaitChange("down", one_.url()));
  static_cast<void>(awaitChange("down", two_.url()));
  const Answer answer = ask();
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.retry_after, "1") << "two intervals";
  const auto event = gateway_->daemon().waitFor([](const json& one) { return one.value("event", "") == "exchange"; });
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "no_healthy_endpoint");
  const json& endpoints = event->at("/diagnosis/evidence/endpoints"_json_pointer);
  ASSERT_EQ(endpoints.size(), 2U);
  EXPECT_THAT(endpoints[0].get<std::string>(),
              AllOf(HasSubstr(one_.url() + ": down by its check since 20"), HasSubstr("health_status_unexpected: ")));
  EXPECT_THAT(endpoints[1].get<std::string>(), HasSubstr(two_.url() + ": down by its check since 20"));
  EXPECT_EQ(event->value("attempts", 0), 0) << event->dump();
}

struct Reason {
  const char* name;
  Mood mood;
  const char* settings;
  const char* cause;
};

class HealthReasonTest : public HealthTest, public testing::WithParamInterface<Reason> {};

TEST_P(HealthReasonTest, IsThatOfTheDiagnosis) {
  one_.check_mood = GetParam().mood;
  start(GetParam().settings, {one_.url(), two_.url()});
  const auto down = awaitChange("down", one_.url());
  ASSERT_TRUE(down);
  EXPECT_EQ(causeOf(*down), GetParam().cause) << down->dump(1);
  EXPECT_EQ(down->value("cause", ""), GetParam().cause);
  EXPECT_THAT(whoAnswers(6), ElementsAre("two"));
}

INSTANTIATE_TEST_SUITE_P(Checks, HealthReasonTest,
                         testing::Values(Reason{"Status", Mood::Unwell, kChecks, "health_status_unexpected"},
                                         Reason{"Reset", Mood::Cuts, kChecks, "reset_before_response"},
                                         Reason{"Silence", Mood::Silent,
                                                "health: {path: /healthz, interval: 100ms, timeout: 150ms}\n",
                                                "response_timeout"},
                                         Reason{"Babble", Mood::Babbles, kChecks, "response_not_http"}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_F(HealthTest, WhatIsExpectedCanBeChosen) {
  two_.check_mood = Mood::Unwell;
  start("health: {path: /healthz, interval: 100ms, expect: [204, 500-503]}\n", {one_.url(), two_.url()});
  static_cast<void>(awaitChange("up", two_.url()));
  const auto down = awaitChange("down", one_.url());
  ASSERT_TRUE(down);
  EXPECT_EQ(down->value("/diagnosis/evidence/detail"_json_pointer, ""), "/healthz answered 200, not 204, 500-503");
}

TEST_F(HealthTest, WithoutAPathAConnectionIsEnough) {
  one_.check_mood = Mood::Cuts;
  ListeningSocket closed;
  const std::string nobody = "http://" + closed.address();
  closed.stop();
  start("health: {interval: 100ms, unhealthy: 1}\n", {one_.url(), nobody});
  const auto down = awaitChange("down", nobody);
  ASSERT_TRUE(down);
  EXPECT_EQ(causeOf(*down), "connection_refused");
  static_cast<void>(awaitChange("up", one_.url()));
  EXPECT_EQ(one_.lastCheck(), "");
  EXPECT_THAT(whoAnswers(6), ElementsAre("one"));
}

TEST_F(HealthTest, TheRequestIsAsConfigured) {
  start(fmt::format("health: {{path: \"/healthz?deep=1\", method: HEAD, interval: 100ms, host: well.example, port: {}, "
                    "headers: {{X-Check: \"yes\"}}}}\n",
                    two_.port()),
        {one_.url()});
  static_cast<void>(awaitChange("up", one_.url()));
  EXPECT_THAT(two_.lastCheck(), testing::MatchesRegex("HEAD /healthz.deep=1 HTTP/1.1\nwell.example\n"
                                                      "gatewhy/.* .health check.\nyes"));
  EXPECT_EQ(one_.lastCheck(), "") << "the check has a port of its own";
}

TEST_F(HealthTest, AReloadForgetsNothingButWhatIsNotCheckedAnyMore) {
  start(kChecks, {one_.url(), two_.url()});
  one_.check_mood = Mood::Unwell;
  static_cast<void>(awaitChange("down", one_.url()));
  one_.check_mood = Mood::Silent;  // so that nothing new is found meanwhile
  GatewayConfig changed =
      configured("health: {path: /healthz, interval: 1h, timeout: 5s, unhealthy: 2}\n", {one_.url(), two_.url()});
  gateway_->reload(changed);
  EXPECT_THAT(whoAnswers(6), ElementsAre("two"));
  changed.origin_more = "";
  gateway_->reload(changed);
  std::set<std::string> who;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (who.size() < 2 && std::chrono::steady_clock::now() < end) {
    who.merge(whoAnswers(2));  // the monitor hears of it a moment after the workers
  }
  EXPECT_THAT(who, ElementsAre("one", "two"));
  finish();
  EXPECT_EQ(changes("down", one_.url()), 1U);
}

// ---- what requests meet -----------------------------------------------

TEST_F(HealthTest, FiveFailuresEjectByDefaultAndASuccessBringsBack) {
  start("", {one_.url(), two_.url()});
  one_.mood = Mood::Cuts;
  askUntil("ejected", one_.url());
  const auto eject = awaitChange("ejected", one_.url());
  ASSERT_TRUE(eject);
  EXPECT_EQ(eject->value("event", ""), "eject");
  EXPECT_EQ(eject->value("source", ""), "passive");
  EXPECT_NEAR(eject->value("for_ms", 0.0), 10'000, 2);
  EXPECT_FALSE(causeOf(*eject).empty());
  EXPECT_THAT(whoAnswers(), ElementsAre("two"));
  const json origins = json::parse(admin("/api/v1/origins"));
  const json& endpoint = origins.at("/origins/0/endpoints/0"_json_pointer);
  EXPECT_EQ(endpoint.value("state", ""), "ejected");
  EXPECT_EQ(endpoint.value("source", ""), "passive");
  EXPECT_EQ(endpoint.value("summary", ""), eject->value("/diagnosis/summary"_json_pointer, "-"));
  EXPECT_LE(endpoint.value("ejected_for_ms", 0), 10'000);
  finish();
  EXPECT_EQ(changes("ejected", one_.url()), 1U);
}

TEST_F(HealthTest, WhoAnswersAfterAnEjectionIsBack) {
  start("eject: {failures: 2, for: 50ms}\n", {one_.url(), two_.url()});
  one_.mood = Mood::Cuts;
  askUntil("ejected", one_.url());
  one_.mood = Mood::Well;
  askUntil("up", one_.url());
  EXPECT_EQ(awaitChange("up", one_.url())->value("source", ""), "passive");
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "two"));
}

TEST_F(HealthTest, NothingEjectsWhereThatIsOffNorTheOnlyEndpoint) {
  const std::string settings = "eject: false\nretry: {attempts: 0}\n";
  start(settings, {one_.url(), two_.url()});
  one_.mood = Mood::Cuts;
  for (int i = 0; i < 40; ++i) {
    static_cast<void>(ask());
  }
  gateway_->reload(configured("", {one_.url()}));
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(ask().status, 503U);
  }
  finish();
  EXPECT_EQ(changes("ejected", one_.url()), 0U);
}

TEST_F(HealthTest, AnOriginsOwn5xxIsNoFailure) {
  start("eject: {failures: 1}\n", {one_.url(), two_.url()});
  one_.mood = Mood::Unwell;
  two_.mood = Mood::Unwell;
  EXPECT_THAT(whoAnswers(), ElementsAre("503"));
  finish();
  EXPECT_EQ(changes("ejected", one_.url()) + changes("ejected", two_.url()), 0U);
}

TEST_F(HealthTest, ClientsThatLeaveSayNothingOfTheEndpoint) {
  start("eject: {failures: 1}\n", {one_.url(), two_.url()});
  one_.mood = Mood::Silent;
  two_.mood = Mood::Silent;
  for (int i = 0; i < 4; ++i) {
    Socket client = Socket::connectTo(gateway_->address());
    client.send("GET /left HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::uint16_t port = client.localPort();
    client.reset();
    EXPECT_EQ(gateway_->exchangeOf(port)->value("outcome", ""), "aborted");
  }
  finish();
  EXPECT_EQ(changes("ejected", one_.url()) + changes("ejected", two_.url()), 0U);
}

// With a URL that takes longer than the origin is given.
TEST_F(HealthTest, OneStrangerWithASlowUrlEjectsNobody) {
  start("timeouts: {response_head: 50ms}\nretry: {attempts: 0}\n", {one_.url(), two_.url()});
  one_.mood = Mood::Silent;
  two_.mood = Mood::Silent;
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(ask("/slow", "203.0.113.7").status, 524U);
  }
  EXPECT_EQ(changes("ejected", one_.url()) + changes("ejected", two_.url()), 0U);
  // Two of them, and nobody for whom it works: that is the endpoint.
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ask("/slow", "203.0.113.8").status, 524U);
  }
  const auto eject = gateway_->daemon().waitFor([](const json& event) { return event.value("event", "") == "eject"; });
  ASSERT_TRUE(eject);
  EXPECT_EQ(causeOf(*eject), "response_timeout");
  finish();
  EXPECT_EQ(changes("ejected", one_.url()) + changes("ejected", two_.url()), 1U) << "never the last one";
}

TEST_F(HealthTest, WhereTooManyAreEjectedAllAreUsedAndThatIsSaidOnce) {
  start("eject: {failures: 2, for: 1h}\nretry: {attempts: 2, budget: 100%}\n", {one_.url(), two_.url(), three_.url()});
  one_.mood = Mood::Cuts;
  two_.mood = Mood::Cuts;
  askUntil("ejected", one_.url());
  askUntil("ejected", two_.url());
  askUntil("panic");
  EXPECT_THAT(awaitChange("panic")->value("message", ""), HasSubstr("1 of 3 endpoints are not ejected"));
  EXPECT_THAT(whoAnswers(), ElementsAre("three"));
  EXPECT_THAT(admin("/metrics"), HasSubstr("gatewhy_origin_panic{origin=\"origin\"} 1"));
  one_.mood = Mood::Well;
  two_.mood = Mood::Well;
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "three", "two")) << "ejections are ignored";
  finish();
  EXPECT_EQ(changes("panic"), 1U);
}

// ---- an operator's word -----------------------------------------------

TEST_F(HealthTest, DrainedEndpointsFinishWhatTheyHaveAndGetNoMore) {
  start("", {one_.url(), two_.url()});
  Socket held = Socket::connectTo(gateway_->address());
  held.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  Socket other = Socket::connectTo(gateway_->address());
  other.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  one_.awaitHeld();
  const CommandResult drained = command({"drain", "origin", one_.url()});
  EXPECT_EQ(drained.status, 0) << drained.errors;
  EXPECT_THAT(drained.output, HasSubstr(one_.url() + " is drained"));
  EXPECT_THAT(whoAnswers(), ElementsAre("two"));
  EXPECT_THAT(command({"drain", "origin", one_.url()}).output, HasSubstr("it was already"));
  EXPECT_THAT(command({"list", "origin"}).output, HasSubstr("drained since 20"));
  one_.release();
  two_.release();
  std::set<std::string> finished;
  for (Socket* socket : {&held, &other}) {
    const auto answer = readResponse(*socket);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status(), 200U);
    finished.insert(answer->body);
  }
  EXPECT_THAT(finished, testing::Contains("one")) << "it was in flight";
  gateway_->reload(configured("timeouts: {connect: 3s}\n", {one_.url(), two_.url()}));
  EXPECT_THAT(whoAnswers(), ElementsAre("two")) << "also after a reload";
  EXPECT_EQ(command({"ready", "origin"}).status, 0);
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "two"));
  finish();
  EXPECT_EQ(changes("drained", one_.url()), 1U);
  EXPECT_EQ(changes("ready", one_.url()), 1U);
  EXPECT_EQ(changes("ready", two_.url()), 0U) << "it was ready";
}

TEST_F(HealthTest, AllDrainedIsSaidToo) {
  start("", {one_.url(), two_.url()});
  EXPECT_EQ(command({"drain", "origin"}).status, 0);
  EXPECT_EQ(ask().status, 503U);
  const auto event = gateway_->daemon().waitFor([](const json& one) { return one.value("event", "") == "exchange"; });
  ASSERT_TRUE(event);
  EXPECT_THAT(event->value("/diagnosis/evidence/detail"_json_pointer, ""), HasSubstr("drained by an operator since"));
}

TEST_F(HealthTest, OrdersAreGuarded) {
  start("", {one_.url(), two_.url()});
  const auto post = [&](const std::string& target, const std::string& fields) {
    Socket socket = Socket::connectTo(gateway_->daemon().adminAddress());
    socket.send("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" + fields + "\r\n");
    const auto answer = readResponse(socket);
    return answer ? answer->status() : 0;
  };
  const std::string target = "/api/v1/endpoints?origin=origin";
  EXPECT_EQ(post(target, ""), 403U);
  EXPECT_EQ(post(target, "X-Gatewhy-Action: drain\r\nSec-Fetch-Site: cross-site\r\n"), 403U);
  EXPECT_EQ(post(target, "X-Gatewhy-Action: drain\r\nOrigin: https://evil.example\r\n"), 403U);
  EXPECT_EQ(post(target, "X-Gatewhy-Action: drain\r\nOrigin: null\r\n"), 403U);
  EXPECT_EQ(post(target, "X-Gatewhy-Action: reload\r\n"), 400U);
  EXPECT_EQ(post("/api/v1/endpoints", "X-Gatewhy-Action: drain\r\n"), 400U);
  EXPECT_EQ(post("/api/v1/endpoints?origin=orign", "X-Gatewhy-Action: drain\r\n"), 404U);
  EXPECT_EQ(post(target + "&endpoint=http%3A%2F%2Fnobody", "X-Gatewhy-Action: drain\r\n"), 404U);
  EXPECT_THAT(whoAnswers(), ElementsAre("one", "two"));
  EXPECT_EQ(post(target, "X-Gatewhy-Action: drain\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"),
            200U);
  EXPECT_EQ(command({"ready", "orign"}).status, 1);
  EXPECT_THAT(command({"ready", "orign"}).errors, HasSubstr("did you mean 'origin'?"));
}

}  // namespace
}  // namespace gatewhy::test
