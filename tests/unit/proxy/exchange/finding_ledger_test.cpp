// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/finding_ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace gatewhy {
namespace {

FindingSet setOf(std::initializer_list<Finding> findings) {
  FindingSet set;
  for (const Finding finding : findings) {
    set.add(finding);
  }
  return set;
}

const FindingSet kBoth = setOf({Finding::DateMissing, Finding::EtagMalformed});
const FindingSet kDate = setOf({Finding::DateMissing});
const FindingSet kEtag = setOf({Finding::EtagMalformed});
constexpr TimePoint kStart{std::chrono::hours(5)};

TEST(FindingLedger, TellsOncePerRouteAndHour) {
  const std::vector<RouteConfig> routes(2);
  FindingLedger ledger(routes);
  EXPECT_EQ(ledger.news(routes[0], kDate, kStart), kDate);
  EXPECT_EQ(ledger.news(routes[0], kDate, kStart), FindingSet());
  EXPECT_EQ(ledger.news(routes[0], kBoth, kStart), kEtag) << "only what is new";
  EXPECT_EQ(ledger.news(routes[1], kBoth, kStart), kBoth) << "another route";
  EXPECT_EQ(ledger.news(routes[0], kBoth, kStart + FindingLedger::kToldAgainAfter), FindingSet());
  const TimePoint later = kStart + FindingLedger::kToldAgainAfter + std::chrono::seconds(1);
  EXPECT_EQ(ledger.news(routes[0], kDate, later), kDate) << "an hour has passed";
  EXPECT_EQ(ledger.news(routes[0], kBoth, later), kEtag);
  EXPECT_EQ(ledger.news(routes[0], kBoth, later), FindingSet());
}

TEST(FindingLedger, OfManyWorkersOneTells) {
  const std::vector<RouteConfig> routes(1);
  FindingLedger ledger(routes);
  EXPECT_EQ(ledger.news(routes[0], kEtag, kStart), kEtag);
  std::atomic<int> told{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        told += ledger.news(routes[0], kBoth, kStart).has(Finding::DateMissing) ? 1 : 0;
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace gatewhy
