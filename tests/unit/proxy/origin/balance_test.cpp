// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

OriginConfig originOf(Balance balance, const std::vector<std::uint32_t>& weights) {
  OriginConfig origin;
  origin.balance = balance;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EndpointConfig endpoint;
    endpoint.url = "http://10.0.0." + std::to_string(i) + ":8080";
    endpoint.weight = weights[i];
    origin.endpoints.push_back(endpoint);
  }
  return origin;
}

class BalanceTest : public ::testing::Test, protected EndpointFilter {
 protected:
  [[nodiscard]] bool usable(std::size_t endpoint) const override {
    ++asked_;
    return down_.count(endpoint) == 0;
  }
  std::size_t pick(Balancer& balancer, std::uint64_t key = 0) {
    loads_.resize(std::max<std::size_t>(loads_.size(), 2048));
    return balancer.pick(*this, loads_, key);
  }
  // How often each of `endpoints` was picked.
  std::vector<int> shares(Balancer& balancer, std::size_t endpoints, int picks) {
    std::vector<int> count(endpoints);
    for (int i = 0; i < picks; ++i) {
      ++count.at(pick(balancer, static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ULL));
    }
    return count;
  }

  std::set<std::size_t> down_;
  std::vector<std::uint32_t> loads_;
  mutable std::size_t asked_ = 0;
};

TEST_F(BalanceTest, RoundRobinTakesTurns) {
  const OriginConfig origin = originOf(Balance::RoundRobin, {1, 1, 1});
  Balancer balancer(origin);
  std::vector<std::size_t> order;
  for (int i = 0; i < 6; ++i) {
    order.push_back(pick(balancer));
  }
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 0, 1, 2}));
  down_ = {1};
  EXPECT_EQ(shares(balancer, 3, 10), (std::vector<int>{5, 0, 5}));
}

TEST_F(BalanceTest, WeightedRoundRobinIsExactInEveryRoundAndInterleaves) {
  const OriginConfig origin = originOf(Balance::RoundRobin, {5, 1, 2});
  Balancer balancer(origin);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::size_t> order;
    for (int i = 0; i < 8; ++i) {
      order.push_back(pick(balancer));
    }
    EXPECT_EQ(std::count(order.begin(), order.end(), 0), 5);
    EXPECT_EQ(std::count(order.begin(), order.end(), 1), 1);
    EXPECT_EQ(std::count(order.begin(), order.end(), 2), 2);
    // No more than its fair share of a row for the heavy one.
    EXPECT_EQ(std::search_n(order.begin(), order.end(), 4, 0U), order.end());
  }
}

TEST_F(BalanceTest, WhoComesBackGetsNoBurst) {
  const OriginConfig origin = originOf(Balance::RoundRobin, {3, 1, 1});
  Balancer balancer(origin);
  down_ = {0};
  EXPECT_EQ(shares(balancer, 3, 1000), (std::vector<int>{0, 500, 500}));
  down_.clear();
  const std::vector<int> after = shares(balancer, 3, 50);
  EXPECT_NEAR(after[0], 30, 2);
}

TEST_F(BalanceTest, LeastRequestsWeighsLoadAgainstWeightAndSharesTies) {
  const OriginConfig origin = originOf(Balance::LeastRequests, {1, 1, 1});
  Balancer balancer(origin);
  EXPECT_EQ(shares(balancer, 3, 9), (std::vector<int>{3, 3, 3}));
  loads_[0] = 2;
  loads_[1] = 1;
  loads_[2] = 2;
  EXPECT_EQ(pick(balancer), 1U);
  down_ = {1};
  EXPECT_EQ(shares(balancer, 3, 4), (std::vector<int>{2, 0, 2}));
  const OriginConfig uneven = originOf(Balance::LeastRequests, {1, 4});
  Balancer weighted(uneven);
  down_.clear();
  loads_ = {1, 6};  // 2/1 against 7/4
  EXPECT_EQ(pick(weighted), 1U);
  loads_ = {1, 8};  // 2/1 against 9/4
  EXPECT_EQ(pick(weighted), 0U);
}

TEST_F(BalanceTest, RandomTwoFollowsWeightsAndAvoidsTheLoaded) {
  const OriginConfig origin = originOf(Balance::RandomTwo, {1, 3});
  Balancer balancer(origin);
  loads_ = {0, 0};
  const std::vector<int> even = shares(balancer, 2, 4000);
  EXPECT_GT(even[1], 3000);  // lighter by weight too, where both were drawn
  loads_ = {0, 30};
  const std::vector<int> loaded = shares(balancer, 2, 4000);
  EXPECT_GT(loaded[0], even[0] + 500);
  down_ = {1};
  EXPECT_EQ(shares(balancer, 2, 20), (std::vector<int>{20, 0}));
}

TEST_F(BalanceTest, HashKeepsAKeyWhereItIsAndMovesOnlyTheKeysOfWhoLeft) {
  for (const std::vector<std::uint32_t>& weights :
       {std::vector<std::uint32_t>(10, 1), {1, 2, 3, 1, 2, 3, 1, 2, 3, 1}}) {
    const OriginConfig origin = originOf(Balance::Hash, weights);
    Balancer balancer(origin);
    std::size_t moved = 0;
    for (std::uint64_t key = 0; key < 1000; ++key) {
      down_.clear();
      const std::size_t home = pick(balancer, key);
      EXPECT_EQ(pick(balancer, key), home);
      down_ = {4};
      moved += pick(balancer, key) != home ? 1 : 0;
      EXPECT_TRUE(home == 4 || pick(balancer, key) == home);
    }
    EXPECT_GT(moved, 20U);
    EXPECT_LT(moved, 250U);
    down_.clear();
  }
  // Where an endpoint stands in the list is of no matter.
  OriginConfig origin = originOf(Balance::Hash, {1, 1, 1, 1});
  OriginConfig turned = origin;
  std::reverse(turned.endpoints.begin(), turned.endpoints.end());
  Balancer one(origin);
  Balancer other(turned);
  for (std::uint64_t key = 0; key < 100; ++key) {
    EXPECT_EQ(pick(one, key), 3 - pick(other, key));
  }
}

TEST_F(BalanceTest, BackupsServeOnlyWhileNoPrimaryDoes) {
  for (const Balance balance : {Balance::RoundRobin, Balance::LeastRequests, Balance::RandomTwo, Balance::Hash}) {
    OriginConfig origin = originOf(balance, {1, 2, 1, 1});
    origin.endpoints[2].backup = origin.endpoints[3].backup = true;
    Balancer balancer(origin);
    down_.clear();
    std::vector<int> all = shares(balancer, 4, 100);
    EXPECT_EQ(all[0] + all[1], 100);
    down_ = {0, 1};
    all = shares(balancer, 4, 100);
    EXPECT_EQ(all[2] + all[3], 100);
    down_ = {0, 1, 2, 3};
    EXPECT_EQ(pick(balancer), Balancer::kNone);
    down_ = {0, 1, 2};
    EXPECT_EQ(pick(balancer), 3U);
  }
}

// The filter is what costs: it looks at an endpoint's shared state.
TEST_F(BalanceTest, AThousandEndpointsAreNotAllAsked) {
  for (const Balance balance : {Balance::RoundRobin, Balance::LeastRequests, Balance::RandomTwo, Balance::Hash}) {
    for (const bool equal : {true, false}) {
      std::vector<std::uint32_t> weights(1000, 1);
      weights[0] = equal ? 1 : 2;
      const OriginConfig origin = originOf(balance, weights);
      Balancer balancer(origin);
      asked_ = 0;
      [[maybe_unused]] const std::vector<int> ignored = shares(balancer, 1000, 1000);
      EXPECT_LT(asked_, 20000U) << static_cast<int>(balance) << equal;
    }
  }
}

}  // namespace
}  // namespace gatewhy
