// SPDX-License-Identifier: Apache-2.0
// Three origins of five endpoints each, which are killed and revived under
// load, in every way that there is, with reloads in between. No client may see
// a failure that a healthy endpoint could have answered, and the log must tell
// what was done and nothing else.
//
// It takes 40 s; GATEWHY_CHURN_MINUTES=5 makes it as long as that.
#include <fmt/chrono.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "diagnostics/cause.h"
#include "tests/integration/churn_test_endpoints.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kEndpointsEach = 5;
// At once, of an origin: enough stay for ejections to count (`panic`).
constexpr std::size_t kMostDead = 2;
// Who is back lives for longer than a request takes that meets the dead one
// after the other.
constexpr std::chrono::milliseconds kShortestLife{3000};
constexpr std::size_t kClients = 16;
// Of an endpoint: they get longer as they are repeated.
constexpr std::size_t kMostEjections = 7;

// What decides about an origin's endpoints.
struct Origin {
  const char* name;
  const char* settings;
  bool ejects = false, checks = false;
};
// Of `checked` nothing but its checks keeps requests from the dead, so that for
// a moment many of them need a retry.
constexpr std::array<Origin, 3> kOrigins{
    {{.name = "origin",
      .settings = "eject: {failures: 5, for: 100ms}\nretry: {attempts: 2}\n",
      .ejects = true,
      .checks = false},
     {.name = "checked",
      .settings = "eject: false\nretry: {attempts: 4, budget: 100%}\n",
      .ejects = false,
      .checks = true},
     {.name = "both",
      .settings = "eject: {failures: 5, for: 100ms}\nretry: {attempts: 4, budget: 100%}\n",
      .ejects = true,
      .checks = true}}};
constexpr std::size_t kAll = kOrigins.size() * kEndpointsEach;
constexpr const char* kChecks = "health: {path: /healthz, interval: 200ms, timeout: 2s, healthy: 2, unhealthy: 2}\n";
constexpr const char* kLimits = "timeouts: {connect: 1s, response_head: 2s}\n";

std::chrono::milliseconds length() {
  const char* const minutes = std::getenv("GATEWHY_CHURN_MINUTES");
  constexpr double kMinute = 60'000, kUsual = 40'000;
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(minutes == nullptr ? kUsual : std::strtod(minutes, nullptr) * kMinute));
}

// An endpoint's changes, as far as the log tells of them.
struct Told {
  std::size_t ejected = 0, down = 0, up_passive = 0, up_check = 0;
  std::string cause;  // of the last check that took it out

  void note(const json& event) {
    const std::string state = event.value("state", ""), source = event.value("source", "");
    if (state == "ejected") {
      ++ejected;
    } else if (state == "down") {
      ++down;
      cause = causeOf(event);
    } else if (state == "up") {
      ++(source == "check" ? up_check : up_passive);
    }
  }
};

// A client that did not get what a healthy endpoint would have answered.
struct Complaint {
  std::string request_id;
  bool repeatable = false;
  std::string answer;
};

class ChurnTest : public testing::Test {
 protected:
  void SetUp() override {
    gateway_ = Gateway::start(configured(kLimits));
    ASSERT_NE(gateway_, nullptr);
  }
  [[nodiscard]] std::vector<std::string> urlsOf(std::size_t origin) const {
    std::vector<std::string> urls;
    for (std::size_t i = 0; i < kEndpointsEach; ++i) {
      urls.push_back(endpoints_.url(origin * kEndpointsEach + i));
    }
    return urls;
  }
  [[nodiscard]] static std::string settingsOf(const Origin& origin, const std::string& limits) {
    return limits + origin.settings + (origin.checks ? kChecks : "");
  }
  [[nodiscard]] GatewayConfig configured(const std::string& limits) const {
    GatewayConfig config;
    config.workers = 2;
    config.log = "{destination: stdout, exchanges: failures}";
    config.origin_url = fmt::format("{}", fmt::join(urlsOf(0), "\", \""));
    config.origin_more = settingsOf(kOrigins[0], limits);
    for (std::size_t i = 1; i < kOrigins.size(); ++i) {
      config.more_origins +=
          fmt::format("  {}:\n    endpoints: [\"{}\"]\n", kOrigins[i].name, fmt::join(urlsOf(i), "\", \""));
      std::string settings = settingsOf(kOrigins[i], limits);
      while (!settings.empty()) {
        const std::size_t end = settings.find('\n') + 1;
        config.more_origins += "    " + settings.substr(0, end);
        settings.erase(0, end);
      }
    }
    config.more =
        "trusted_proxies: [127.0.0.1]\n"
        "routes: [{path: /checked, origin: checked}, {path: /both, origin: both}, {origin: origin}]\n";
    return config;
  }

  // ---- load

  void load(std::size_t client) {
    Socket socket;
    for (std::size_t number = 0; !over_; ++number) {
      if (!socket.open()) {
        socket = Socket::connectTo(gateway_->address());
      }
      const std::string id = fmt::format("client-{}-{}", client, number);
      const bool repeatable = number % 4 != 0;
      socket.send(
          fmt::format("{} /{} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.{}\r\nX-Request-ID: {}\r\n{}\r\n",
                      repeatable ? "GET" : "POST", kOrigins[number % kOrigins.size()].name, client + 1, id,
                      repeatable ? "" : "Content-Length: 5\r\n"));
      if (!repeatable) {
        socket.send("hello");
      }
      const auto answer = readResponse(socket);
      ++requests_;
      if (!answer || answer->status() != 200 || !answer->complete) {
        const std::lock_guard lock(mutex_);
        complaints_.push_back({.request_id = id,
                               .repeatable = repeatable,
                               .answer = answer ? answer->start_line + " " + answer->fault : "nothing"});
      }
      if (!answer || !answer->complete || answer->field("Connection") == "close") {
        socket.close();
      }
    }
  }

  // ---- what the log tells

  // All of an endpoint, up to the event for which `holds`; nullopt: it never does.
  template <typename Holds>
  std::optional<Told> awaitTold(const std::string& url, const Holds& holds) {
    Told told;
    const auto found = gateway_->daemon().waitFor([&](const json& event) {
      const std::string name = event.value("event", "");
      if ((name != "health" && name != "eject") || event.value("endpoint", "") != url) {
        return false;
      }
      told.note(event);
      return holds(told);
    });
    return found ? std::optional(told) : std::nullopt;
  }

  // ---- kills

  // One after the other until the time is over, each an endpoint that lives.
  void killAndRevive(std::size_t of, std::uint32_t seed) {
    const Origin& origin = kOrigins[of];
    std::minstd_rand random(seed);
    while (const auto chosen = chooseVictim(of, random)) {
      const auto how = static_cast<Death>(random() % (origin.checks ? kDeaths : kDeaths - 1));
      const bool known = killOnce(origin, *chosen, how);
      const std::lock_guard lock(mutex_);
      dying_.erase(*chosen);
      if (!known) {
        return;
      }
    }
  }

  std::optional<std::size_t> chooseVictim(std::size_t of, std::minstd_rand& random) {
    std::unique_lock lock(mutex_);
    // Few kills for each endpoint that is ejected, so these take the whole time.
    const std::chrono::milliseconds pause =
        kOrigins[of].ejects
            ? length() * static_cast<int>(kMostDead) / static_cast<int>(kMostEjections * kEndpointsEach) / 2
            : kShortestLife;
    paused_.wait_until(lock, std::min<Clock::time_point>(ends_, Clock::now() + std::max(pause, kShortestLife)),
                       [] { return false; });
    std::vector<std::size_t> alive;
    for (std::size_t i = of * kEndpointsEach; i < (of + 1) * kEndpointsEach; ++i) {
      if (!dying_.contains(i) && (!kOrigins[of].ejects || told_[i].ejected < kMostEjections)) {
        alive.push_back(i);
      }
    }
    if (alive.empty() || Clock::now() >= ends_) {
      return std::nullopt;
    }
    const std::size_t chosen = alive[random() % alive.size()];
    dying_.insert(chosen);
    return chosen;
  }

  // False: the log has never told of it.
  bool killOnce(const Origin& origin, std::size_t endpoint, Death how) {
    const std::string url = endpoints_.url(endpoint);
    Told before;
    {
      const std::lock_guard lock(mutex_);
      before = told_[endpoint];
    }
    Span dead{.from = timeNow(), .to = {}};
    endpoints_.kill(endpoint, how);
    auto told = awaitTold(
        url, [&](const Told& now) { return origin.checks ? now.down > before.down : now.ejected > before.ejected; });
    EXPECT_TRUE(told) << url << " of " << origin.name << " " << nameOf(how) << ", and nothing was told";
    if (told && origin.checks) {
      EXPECT_EQ(told->cause, causeOfDeath(how)) << url;
    }
    endpoints_.revive(endpoint);
    if (told) {
      told = awaitTold(url, [&](const Told& now) {
        return origin.checks ? now.up_check > before.up_check &&
                                   (now.ejected == before.ejected || now.up_passive > before.up_passive)
                             : now.up_passive > before.up_passive;
      });
      EXPECT_TRUE(told) << url << " of " << origin.name << " is never back";
    }
    dead.to = timeNow();
    const std::lock_guard lock(mutex_);
    told_[endpoint] = told.value_or(before);
    deaths_[endpoint].push_back(dead);
    return told.has_value();
  }

  void awaitTime(Clock::time_point when) {
    std::unique_lock lock(mutex_);
    paused_.wait_until(lock, when, [] { return false; });
  }

  // ---- afterwards

  // What was written of a request may have been done, so that of a POST
  // nobody may repeat it.
  void judge(const Complaint& complaint) {
    const auto event = gateway_->exchangeOf(complaint.request_id);
    if (!event) {
      ADD_FAILURE() << complaint.request_id << " got " << complaint.answer << ", and the log has nothing of it";
      return;
    }
    const auto& causes = allCauses();
    const auto cause =
        std::find_if(causes.begin(), causes.end(), [&](const CauseInfo& one) { return one.name == causeOf(*event); });
    const bool written = cause != causes.end() && cause->retry == Retry::IdempotentOnly;
    EXPECT_TRUE(written && !complaint.repeatable) << complaint.answer << "\n" << event->dump(1);
    ++lost_;
  }

  void judgeChanges() {
    std::array<Told, kAll> all;
    for (const json& event : gateway_->daemon().events()) {
      const std::string name = event.value("event", "");
      if (name != "health" && name != "eject") {
        continue;
      }
      EXPECT_NE(event.value("state", "").substr(0, 5), "panic") << event.dump();
      for (std::size_t i = 0; i < kAll; ++i) {
        if (event.value("endpoint", "") == endpoints_.url(i)) {
          all[i].note(event);
          const std::string state = event.value("state", "");
          EXPECT_TRUE((state != "ejected" && state != "down") || wasDead(i, event.value("timestamp", "")))
              << "nobody killed it: " << event.dump(1);
        }
      }
    }
    for (std::size_t i = 0; i < kAll; ++i) {
      const Origin& origin = kOrigins[i / kEndpointsEach];
      const std::size_t kills = deaths_[i].size();
      EXPECT_EQ(all[i].down, origin.checks ? kills : 0) << endpoints_.url(i);
      EXPECT_EQ(all[i].up_check, origin.checks ? kills + 1 : 0) << endpoints_.url(i);
      EXPECT_LE(all[i].up_passive, kills) << endpoints_.url(i);
      EXPECT_EQ(all[i].up_passive == 0, all[i].ejected == 0) << endpoints_.url(i);
      if (!origin.checks) {
        EXPECT_EQ(all[i].up_passive, kills) << endpoints_.url(i);
      }
    }
  }

  [[nodiscard]] bool wasDead(std::size_t endpoint, const std::string& when) const {
    return std::any_of(deaths_[endpoint].begin(), deaths_[endpoint].end(),
                       [&](const Span& dead) { return dead.from <= when && when <= dead.to; });
  }

  // From the kill until the log told that it is back; as events have their time.
  struct Span {
    std::string from, to;
  };
  static std::string timeNow() {
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                       (now - second).count());
  }

  ChurnEndpoints endpoints_{kAll};
  std::unique_ptr<Gateway> gateway_;
  Clock::time_point ends_;
  std::atomic<std::size_t> requests_ = 0;
  std::atomic<bool> over_ = false;
  std::size_t lost_ = 0;  // POSTs that nobody may repeat
  std::mutex mutex_;
  std::condition_variable paused_;
  std::vector<Complaint> complaints_;           // guarded by mutex_
  std::set<std::size_t> dying_;                 // guarded by mutex_
  std::array<Told, kAll> told_;                 // guarded by mutex_
  std::array<std::vector<Span>, kAll> deaths_;  // guarded by mutex_
};

TEST_F(ChurnTest, NoClientNoticesAndTheLogTellsWhatWasDone) {
  for (std::size_t i = 0; i < kAll; ++i) {
    if (kOrigins[i / kEndpointsEach].checks) {
      const auto told = awaitTold(endpoints_.url(i), [](const Told& now) { return now.up_check == 1; });
      ASSERT_TRUE(told) << endpoints_.url(i);
      told_[i] = *told;
    }
  }
  const Clock::time_point began = Clock::now();
  ends_ = began + length();
  std::vector<std::thread> clients, killers;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([this, i] { load(i); });
  }
  for (std::size_t i = 0; i < kOrigins.size(); ++i) {
    for (std::size_t lane = 0; lane < kMostDead; ++lane) {
      killers.emplace_back([this, i, lane] { killAndRevive(i, static_cast<std::uint32_t>(1 + i * 16 + lane)); });
    }
  }
  awaitTime(began + length() / 3);
  gateway_->reload(configured(kLimits));
  awaitTime(began + length() * 2 / 3);
  gateway_->reload(configured("timeouts: {connect: 1s, response_head: 2100ms}\n"));  // all pools anew
  for (std::thread& killer : killers) {
    killer.join();
  }
  over_ = true;
  for (std::thread& client : clients) {
    client.join();
  }
  for (const Complaint& complaint : complaints_) {
    judge(complaint);
  }
  judgeChanges();
  std::size_t kills = 0;
  for (const auto& deaths : deaths_) {
    kills += deaths.size();
  }
  fmt::print("{} requests, {} kills, {} POSTs lost on their way\n", requests_.load(), kills, lost_);
  EXPECT_GE(kills, killers.size());
  gateway_->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
