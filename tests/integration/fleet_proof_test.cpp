// SPDX-License-Identifier: Apache-2.0
// Three NATS servers, three gatewhys, each kind of fault at one, two and all of
// them, under load: the stream's leader is killed, then a gatewhy, then a
// follower. Whatever failed is shown once, or its absence is named.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <thread>

#include "daemon/fleet/fleet_text.h"
#include "tests/integration/fleet_testing.h"
#include "tests/integration/gateway.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::StartsWith;

enum class At : std::uint8_t { One, Two, All };
constexpr std::array<std::pair<At, const char*>, 3> kPlaces{{{At::One, "one"}, {At::Two, "two"}, {At::All, "all"}}};

// What an origin does wrong, and the cause that it is known by.
struct Fault {
  std::string name, url, more, cause;
};

class FleetProofTest : public testing::Test {
 protected:
  static constexpr int kGateways = 3;

  void SetUp() override {
    if (::access("/usr/sbin/nats-server", X_OK) != 0) {
      GTEST_SKIP() << "nats-server is not installed";
    }
    faults_ = {{"refused", "http://127.0.0.1:9", "", "connection_refused"},
               {"reset", resets_.url(), "", "reset_before_response"},
               {"cut", cuts_.url(), "", "response_body_truncated"},
               {"babble", babbles_.url(), "", "response_not_http"},
               {"late", waits_.url(), ", timeouts: {response_head: 100ms}", "response_timeout"},
               {"plain", "https://" + plain_.address(), "", "tls_not_spoken"}};
  }

  [[nodiscard]] static bool meets(int gateway, At place) {
    return place == At::All || (place == At::Two && gateway < 2) || gateway == 0;
  }
  // Where a gateway meets no fault, the same origin answers.
  [[nodiscard]] GatewayConfig configOf(int gateway, const std::string& log) const {
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.more = "routes:\n";
    for (const Fault& fault : faults_) {
      for (const auto& [place, word] : kPlaces) {
        const bool met = meets(gateway, place);
        config.more_origins += fmt::format("  {}-{}: {{endpoints: [\"{}\"]{}}}\n", fault.name, word,
                                           met ? fault.url : origin_.url(), met ? fault.more : "");
        config.more += fmt::format("  - {{path: /{0}-{1}, origin: {0}-{1}}}\n", fault.name, word);
      }
    }
    config.more += "  - {origin: origin}\n";
    config.diagnostics = fmt::format("{{name: gw-{}, profile: standard}}", gateway + 1);
    config.log = log;
    return config;
  }

  // Asks one gateway for everything, again and again.
  void load(int gateway) {
    while (!enough_) {
      for (const Fault& fault : faults_) {
        for (const auto& [place, word] : kPlaces) {
          if (ended_[static_cast<std::size_t>(gateway)]) {
            return;
          }
          const std::string origin = fmt::format("{}-{}", fault.name, word);
          if (meets(gateway, place)) {
            ++injected_[static_cast<std::size_t>(gateway)][origin];
          }
          ask(running_[static_cast<std::size_t>(gateway)]->address(), "/" + origin);
        }
      }
      ++rounds_[static_cast<std::size_t>(gateway)];
    }
  }
  // So many more rounds at each gateway that runs.
  [[nodiscard]] bool awaitRounds(int more) {
    std::array<int, kGateways> wanted{};
    for (std::size_t i = 0; i < kGateways; ++i) {
      wanted[i] = rounds_[i] + more;
    }
    return comesTrue([&] {
      for (std::size_t i = 0; i < kGateways; ++i) {
        if (!ended_[i] && rounds_[i] < wanted[i]) {
          return false;
        }
      }
      return true;
    });
  }
  void expectAccounts(const FleetView& view) const;
  void expectVantages(const FleetView& view) const;

  OriginServer origin_{good()};
  OriginServer resets_{[](Socket& socket) {
    if (readRequest(socket)) {
      socket.reset();
    }
  }};
  OriginServer cuts_{[](Socket& socket) {
    if (!readRequest(socket)) {
      return;
    }
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  }};
  OriginServer babbles_{[](Socket& socket) {
    if (!readRequest(socket)) {
      return;
    }
    socket.send("220 mail.example ESMTP\r\n");
  }};
  OriginServer plain_{[](Socket& socket) {
    if (socket.receive()) {
      socket.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    }
  }};
  OriginServer waits_{[](Socket& socket) { socket.receiveToEnd(); }};
  std::vector<Fault> faults_;
  std::array<std::unique_ptr<Gateway>, kGateways> running_;
  // Each written by its gateway's load alone, read once that has ended.
  std::array<std::map<std::string, std::uint64_t>, kGateways> injected_;
  std::array<std::atomic<int>, kGateways> rounds_{};
  std::array<std::atomic<bool>, kGateways> ended_{};
  std::atomic<bool> enough_{false};
};

// Injected = shown, but at the one that was killed, whose gap is named.
void FleetProofTest::expectAccounts(const FleetView& view) const {
  const auto now = std::chrono::system_clock::now();
  const std::string text = fleetText(view, now);
  std::array<std::map<std::string, std::uint64_t>, kGateways> shown;
  for (const FailureView& failure : view.failures()) {
    for (const auto& [instance, count] : failure.by_instance) {
      shown[static_cast<std::size_t>(instance.back() - '1')][failure.origin] += count;
    }
  }
  EXPECT_EQ(shown[0], injected_[0]) << text;
  EXPECT_EQ(shown[1], injected_[1]) << text;
  for (const auto& [origin, count] : shown[2]) {
    EXPECT_LE(count, injected_[2].at(origin)) << origin;
    EXPECT_GT(count, 0U) << origin;
  }
  // What it was about to send again when it was killed is a gap before that.
  const auto gaps = view.gaps(now);
  ASSERT_THAT(gaps.size(), AnyOf(1U, 2U)) << text;
  EXPECT_EQ(gaps.back().words(),
            fmt::format("gw-3, boot {}, ended without stop after {}", gaps.back().boot, gaps.back().last));
  EXPECT_THAT(gaps.front().words(), StartsWith("gw-3, boot "));
}

void FleetProofTest::expectVantages(const FleetView& view) const {
  std::map<std::string, VantageVerdict> verdicts;
  for (const FailureView& failure : view.failures()) {
    for (const Fault& fault : faults_) {
      if (failure.origin.starts_with(fault.name + "-")) {
        EXPECT_EQ(failure.cause, fault.cause) << failure.origin;
      }
    }
    verdicts[failure.origin] = failure.vantage;
  }
  for (const Fault& fault : faults_) {
    const VantageVerdict& one = verdicts[fault.name + "-one"];
    EXPECT_EQ(one.vantage, Vantage::WayFromThere) << fault.name << ": " << one.words;
    EXPECT_THAT(one.seen_by, ElementsAre("gw-1"));
    const VantageVerdict& two = verdicts[fault.name + "-two"];
    EXPECT_EQ(two.vantage, Vantage::WayFromThere) << fault.name << ": " << two.words;
    EXPECT_THAT(two.seen_by, ElementsAre("gw-1", "gw-2"));
    EXPECT_EQ(verdicts[fault.name + "-all"].words, "3 of 3 gatewhys: the origin") << fault.name;
  }
}

TEST_F(FleetProofTest, EveryFailureIsShownOrAccountedFor) {
  NatsCluster cluster(3);
  ASSERT_TRUE(comesTrue([&] {
    return runCommand({GATEWHY_BINARY, "fleet", "init", "--nats", cluster.url(), "--replicas", "3"}).status == 0;
  }));
  const std::string log = fmt::format("{{destination: [stdout, {{to: \"{}\", stop_timeout: 30s}}]}}", cluster.url());
  for (int i = 0; i < kGateways; ++i) {
    running_[static_cast<std::size_t>(i)] = Gateway::start(configOf(i, log));
    ASSERT_NE(running_[static_cast<std::size_t>(i)], nullptr);
  }
  std::vector<std::thread> clients;
  for (int i = 0; i < kGateways; ++i) {
    clients.emplace_back([this, i] { load(i); });
  }
  // Enough for the verdicts before anything happens to the servers.
  constexpr int kRounds = 8;
  EXPECT_TRUE(awaitRounds(kRounds));
  EXPECT_TRUE(comesTrue([&] { return cluster.isWhole(); }));
  const int first = cluster.leader();
  cluster.kill(first);
  EXPECT_TRUE(awaitRounds(2));
  EXPECT_TRUE(comesTrue([&] { return cluster.leader() >= 0 && cluster.leader() != first; })) << "another leads";
  running_[2]->daemon().signal(SIGKILL);
  ended_[2] = true;
  EXPECT_TRUE(awaitRounds(2));
  cluster.start(first);
  EXPECT_TRUE(comesTrue([&] { return cluster.isWhole(); })) << "all have everything again";
  const int leader = cluster.leader();
  const int follower = (std::max(leader, 0) + 1) % cluster.size();
  cluster.kill(follower);
  EXPECT_TRUE(awaitRounds(2));
  enough_ = true;
  for (std::thread& client : clients) {
    client.join();
  }
  cluster.start(follower);
  EXPECT_TRUE(comesTrue([&] { return cluster.isWhole(); })) << "all have everything again";
  for (const int i : {0, 1}) {
    EXPECT_EQ(running_[static_cast<std::size_t>(i)]->daemon().stop(), std::optional(0));
  }

  // Asking fails now and then while servers come and go: that is asked again.
  std::string problem;
  FleetView view;
  ASSERT_TRUE(comesTrue([&] {
    problem.clear();
    view = viewOf(cluster, &problem);
    const auto instances = view.instances(std::chrono::system_clock::now());
    return problem.empty() && instances.size() == kGateways && instances[0].state == InstanceState::Stopped &&
           instances[1].state == InstanceState::Stopped && instances[2].state == InstanceState::Silent;
  })) << problem
      << fleetText(view, std::chrono::system_clock::now());
  expectAccounts(view);
  expectVantages(view);
}

}  // namespace
}  // namespace gatewhy::test
