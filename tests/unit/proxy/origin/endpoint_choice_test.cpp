// SPDX-License-Identifier: Apache-2.0
// Which endpoint a pool gives to a request, by what is known of their health.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>

#include "proxy/origin/origin_pool.h"

namespace gatewhy::test::endpoint_choice {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr Verdict kFailed{
    .source = HealthSource::Passive, .kind = Verdict::Kind::Bad, .cause = Cause::ConnectionRefused, .client = 1};
constexpr Verdict kUnchecked{
    .source = HealthSource::Check, .kind = Verdict::Kind::Bad, .cause = Cause::ConnectionRefused, .client = 0};
constexpr Verdict kChecked{.source = HealthSource::Check, .kind = Verdict::Kind::Good};

class Asker final : public PoolWaiter {
 public:
  explicit Asker(std::vector<std::size_t> tried) : tried_(std::move(tried)) {}
  void onLease(Lease /*lease*/) override {}
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }

 private:
  std::vector<std::size_t> tried_;
};

// Three endpoints, and a fourth as backup.
class EndpointChoice : public testing::Test {
 protected:
  OriginPool& pool() {
    if (!pool_) {
      for (std::size_t i = 0; i < 4; ++i) {
        config_.endpoints.push_back({.url = "http://shop-" + std::to_string(i), .unix_path = {}, .backup = i == 3});
      }
      std::vector<std::shared_ptr<EndpointState>> states;
      for (std::size_t i = 0; i < 4; ++i) {
        states.push_back(std::make_shared<EndpointState>());
      }
      pool_.emplace(loop_, config_, std::move(states), std::make_shared<OriginState>(), [] {});
    }
    return *pool_;
  }
  void report(std::size_t endpoint, const Verdict& verdict) {
    static_cast<void>(pool().health().report(endpoint, verdict, EventLoop::now()));
  }
  // How often each is given, of so many requests.
  std::map<std::size_t, int> given(const std::vector<std::size_t>& tried, int requests = 12) {
    std::map<std::size_t, int> counts;
    for (int i = 0; i < requests; ++i) {
      Asker asker(tried);
      PoolRefusal refusal{};
      if (const auto lease = pool().request(asker, false, refusal)) {
        ++counts[lease->endpoint()];
      }
    }
    return counts;
  }

  EventLoop loop_;
  OriginConfig config_;
  std::optional<OriginPool> pool_;
};

TEST_F(EndpointChoice, AllThatAreInUseInTurn) {
  EXPECT_THAT(given({}), ElementsAre(std::pair(0, 4), std::pair(1, 4), std::pair(2, 4)));
  report(1, kFailed);
  EXPECT_THAT(given({}), ElementsAre(std::pair(0, 4), std::pair(1, 4), std::pair(2, 4)))
      << "one failure is nothing yet";
}

TEST_F(EndpointChoice, ARetryGoesWhereItHasNotBeenAndFirstToThoseThatWork) {
  EXPECT_THAT(given({0}), ElementsAre(std::pair(1, 6), std::pair(2, 6)));
  report(1, kFailed);
  EXPECT_THAT(given({0}), ElementsAre(std::pair(2, 12)));
  report(2, kFailed);
  EXPECT_THAT(given({0}), ElementsAre(std::pair(1, 6), std::pair(2, 6))) << "rather than the backup";
  report(1, {});
  EXPECT_THAT(given({0}), ElementsAre(std::pair(1, 12)));
  EXPECT_THAT(given({0, 1, 2}), ElementsAre(std::pair(3, 12)));
  EXPECT_TRUE(pool().hasAlternative({0, 1}, 2));
  EXPECT_FALSE(pool().hasAlternative({0, 1, 2}, 3));
}

TEST_F(EndpointChoice, WhoIsOutIsNoAlternative) {
  config_.eject = EjectConfig{.failures = 1, .duration = 1h};
  config_.health = HealthConfig{};
  config_.health->unhealthy = 1;
  report(0, kFailed);
  report(1, kUnchecked);
  EXPECT_TRUE(pool().health().setDrained(3, true, EventLoop::now()));
  EXPECT_THAT(given({}), ElementsAre(std::pair(2, 12)));
  EXPECT_FALSE(pool().hasAlternative({}, 2));
  EXPECT_TRUE(pool().hasAlternative({}, 0));
}

TEST_F(EndpointChoice, WhoHasJustComeBackIsSparedWhereOthersAreThere) {
  config_.slow_start = 1h;
  config_.health = HealthConfig{};
  config_.health->unhealthy = 1;
  config_.health->healthy = 1;
  report(0, kUnchecked);
  report(0, kChecked);
  auto counts = given({}, 300);
  EXPECT_GE(counts[0], 2) << "a twentieth of its turns";
  EXPECT_LE(counts[0], 14);
  EXPECT_NEAR(counts[1], 150, 10);
  EXPECT_NEAR(counts[2], 150, 10);
  report(1, kUnchecked);
  report(2, kUnchecked);
  EXPECT_THAT(given({}), ElementsAre(std::pair(0, 12))) << "there is nobody else but the backup";
}

}  // namespace
}  // namespace gatewhy::test::endpoint_choice
