// SPDX-License-Identifier: Apache-2.0
// A pool whose endpoint is a name: its addresses are hosts with a load and
// places of their own, and they come and go while requests are under way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "proxy/origin/origin_pool.h"

namespace gatewhy::test::pool_hosts {
namespace {

using namespace std::chrono_literals;

class MuteResolver final : public Resolver {
 public:
  std::unique_ptr<ResolveHandle> resolve(const std::string& /*host*/,
                                         std::function<void(int, FamilyAnswer)> /*on_answer*/) override {
    return std::make_unique<ResolveHandle>();
  }
  [[nodiscard]] DnsFault partialEvidence(const std::string& /*host*/) const override { return {}; }
};

class NamedRequest final : public PoolWaiter {
 public:
  NamedRequest(OriginPool& pool, std::size_t session, std::vector<std::size_t> tried, std::uint64_t key)
      : session_(session), tried_(std::move(tried)), key_(key) {
    PoolRefusal refusal{};
    if (auto lease = pool.request(*this, false, refusal)) {
      onLease(std::move(*lease));
    }
  }
  void onLease(Lease lease) override { lease_.emplace(std::move(lease)); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return key_; }
  [[nodiscard]] std::size_t sessionEndpoint() const override { return session_; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }
  [[nodiscard]] std::size_t at() const { return lease_ ? lease_->endpoint() : Balancer::kNone; }
  void end() { lease_.reset(); }

 private:
  std::size_t session_;
  std::vector<std::size_t> tried_;
  std::uint64_t key_;
  std::optional<Lease> lease_;
};

class PoolHostsTest : public testing::Test {
 protected:
  void SetUp() override {
    configure([](OriginConfig& /*config*/) {});
  }
  void configure(const std::function<void(OriginConfig&)>& change) {
    config_ = OriginConfig();
    config_.name = "origin";
    config_.endpoints.resize(1);
    config_.endpoints[0].url = "http://shop.internal";
    config_.endpoints[0].host = "shop.internal";
    change(config_);
    requests_.clear();
    pool_.emplace(loop_, config_, states_, origin_, [] {});
    pool_->watchNames([](std::size_t, const HostChange&) {});
  }
  void resolve(const std::vector<std::string>& ips) {
    ResolvedAddresses answer;
    answer.ttl_s = 3600;
    for (const std::string& ip : ips) {
      answer.addresses.push_back(*Address::fromIp(ip, 0));
    }
    states_[0]->name.learn(Failure{DnsFault{.status = DnsStatus::NoData}}, answer, 80, 1h, EventLoop::now());
    ++origin_->host_changes;
    pool_->refreshNames(resolver_);
  }
  NamedRequest& request(std::size_t session = Balancer::kNone, const std::vector<std::size_t>& tried = {},
                        std::uint64_t key = 0) {
    return requests_.emplace_back(*pool_, session, tried, key);
  }
  [[nodiscard]] std::string hostOf(const NamedRequest& request) const {
    return request.at() == Balancer::kNone ? "none" : pool_->health().host(request.at()).address_text;
  }

  EventLoop loop_;
  OriginConfig config_;
  std::vector<std::shared_ptr<EndpointState>> states_{std::make_shared<EndpointState>()};
  std::shared_ptr<OriginState> origin_ = std::make_shared<OriginState>();
  mutable std::optional<OriginPool> pool_;
  MuteResolver resolver_;
  std::deque<NamedRequest> requests_;
};

TEST_F(PoolHostsTest, RequestsTakeTurnsAmongTheAddresses) {
  EXPECT_EQ(hostOf(request()), "") << "the name is one host";
  resolve({"10.0.0.1", "10.0.0.2"});
  std::map<std::string, int> count;
  for (int i = 0; i < 6; ++i) {
    ++count[hostOf(request())];
  }
  EXPECT_EQ(count, (std::map<std::string, int>{{"10.0.0.1:80", 3}, {"10.0.0.2:80", 3}}));
}

TEST_F(PoolHostsTest, LimitsAreEachOnesOwn) {
  configure([](OriginConfig& config) { config.limits.connections = 1; });
  resolve({"10.0.0.1", "10.0.0.2"});
  EXPECT_NE(hostOf(request()), hostOf(request()));
  EXPECT_EQ(hostOf(request()), "none") << "it waits";
}

TEST_F(PoolHostsTest, LeastRequestsCountsByAddress) {
  configure([](OriginConfig& config) { config.balance = Balance::LeastRequests; });
  resolve({"10.0.0.1", "10.0.0.2"});
  NamedRequest& first = request();
  request();
  request();
  request();
  const std::string place = hostOf(first);
  first.end();
  EXPECT_EQ(hostOf(request()), place);
}

TEST_F(PoolHostsTest, AHashMovesOnlyTheKeysOfAnAddressThatLeaves) {
  configure([](OriginConfig& config) { config.balance = Balance::Hash; });
  resolve({"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  std::map<std::uint64_t, std::string> places;
  std::set<std::string> used;
  for (std::uint64_t key = 0; key < 64; ++key) {
    used.insert(places[key] = hostOf(request(Balancer::kNone, {}, key * 0x9e3779b97f4a7c15ULL)));
  }
  EXPECT_EQ(used.size(), 3U);
  resolve({"10.0.0.3", "10.0.0.1"});
  for (std::uint64_t key = 0; key < 64; ++key) {
    const std::string now = hostOf(request(Balancer::kNone, {}, key * 0x9e3779b97f4a7c15ULL));
    EXPECT_TRUE(places[key] == "10.0.0.2:80" ? now != "10.0.0.2:80" : now == places[key]) << key;
  }
}

TEST_F(PoolHostsTest, ARetryGoesToAnotherAddressAndASessionToItsOwn) {
  resolve({"10.0.0.1", "10.0.0.2"});
  const std::size_t first = request().at();
  const std::string other = hostOf(request(Balancer::kNone, {first}));
  EXPECT_NE(other, pool_->health().host(first).address_text);
  EXPECT_TRUE(pool_->hasAlternative({}, first));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(request(first).at(), first);
  }
}

TEST_F(PoolHostsTest, WhoHasLeftGetsNothingAndItsIndexIsKeptWhileSomethingIsUnderWay) {
  resolve({"10.0.0.1", "10.0.0.2"});
  NamedRequest& under_way = request();
  const std::string gone = hostOf(under_way);
  const std::string stays = gone == "10.0.0.1:80" ? "10.0.0.2" : "10.0.0.1";
  resolve({stays, "10.0.0.3"});
  const std::size_t index = under_way.at();
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(request().at(), index);
  }
  EXPECT_EQ(pool_->health().hosts().size(), 4U) << "the name, three addresses";
  EXPECT_NE(request(index).at(), index) << "a session that was there moves";
  under_way.end();
  resolve({stays, "10.0.0.4"});  // 10.0.0.3 has requests, so that the first one's index is taken
  EXPECT_EQ(pool_->health().hosts().size(), 4U);
  EXPECT_EQ(pool_->health().host(index).address_text, "10.0.0.4:80");
}

TEST_F(PoolHostsTest, TheNameIsOneHostAgain) {
  resolve({"10.0.0.1", "10.0.0.2"});
  EXPECT_NE(request().at(), 0U);
  resolve({"10.0.0.1"});
  EXPECT_EQ(request().at(), 0U);
}

TEST_F(PoolHostsTest, APoolThatComesLaterHasThemAtOnce) {
  resolve({"10.0.0.1", "10.0.0.2"});
  configure([](OriginConfig& config) { config.limits.pending = 7; });
  EXPECT_NE(hostOf(request()), hostOf(request()));
}

// ---- the search alone ---------------------------------------------------

class PoolHostsChoice : public testing::Test {
 protected:
  PoolHostsChoice() {
    config_.balance = Balance::LeastRequests;
    config_.endpoints.resize(3);
    for (std::size_t i = 0; i < config_.endpoints.size(); ++i) {
      config_.endpoints[i].url = "http://10.0.0." + std::to_string(i);
      states_.push_back(std::make_shared<EndpointState>());
    }
    config_.endpoints[2].backup = true;
    hosts_.emplace(loop_, config_, states_, std::make_shared<OriginState>());
  }

  EventLoop loop_;
  OriginConfig config_;
  std::vector<std::shared_ptr<EndpointState>> states_;
  std::optional<PoolHosts> hosts_;
  std::vector<std::size_t> tried_;
};

TEST_F(PoolHostsChoice, OffersEachUntilItIsFullAndTheBackupLast) {
  PoolHosts::Choice choice(*hosts_, tried_);
  std::vector<std::size_t> offered;
  for (std::size_t host = choice.next(0); host != Balancer::kNone; host = choice.next(0)) {
    offered.push_back(host);
    choice.noteFull(host);
  }
  EXPECT_THAT(offered, testing::AnyOf(testing::ElementsAre(0, 1, 2), testing::ElementsAre(1, 0, 2)));
  EXPECT_TRUE(choice.admits(0)) << "a session waits for a host that is full";
}

TEST_F(PoolHostsChoice, GoesByTheLoad) {
  hosts_->load(0);
  EXPECT_EQ(PoolHosts::Choice(*hosts_, tried_).next(0), 1U);
  hosts_->unload(0);
  hosts_->load(1);
  EXPECT_EQ(PoolHosts::Choice(*hosts_, tried_).next(0), 0U);
}

TEST_F(PoolHostsChoice, LeavesOutWhatWasTried) {
  tried_ = {0, 2};
  PoolHosts::Choice choice(*hosts_, tried_);
  EXPECT_FALSE(choice.admits(0));
  EXPECT_FALSE(choice.admits(Balancer::kNone)) << "no session";
  EXPECT_EQ(choice.next(0), 1U);
  choice.noteFull(1);
  EXPECT_EQ(choice.next(0), Balancer::kNone);
  EXPECT_TRUE(hosts_->hasAlternative(tried_, 2));
  EXPECT_FALSE(hosts_->hasAlternative(tried_, 1));
}

}  // namespace
}  // namespace gatewhy::test::pool_hosts
