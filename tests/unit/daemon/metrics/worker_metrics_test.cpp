// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/worker_metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "daemon/metrics/metric_totals.h"
#include "daemon/metrics/traffic_history.h"

namespace gatewhy {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

class WorkerMetricsTest : public testing::Test {
 protected:
  WorkerMetricsTest() {
    workers_.push_back(std::make_unique<WorkerMetrics>());
    workers_.push_back(std::make_unique<WorkerMetrics>());
  }
  static ExchangeEvent exchange(std::string_view route, std::string_view origin, std::uint16_t status) {
    ExchangeEvent event;
    event.route = route;
    event.origin = origin;
    event.status = status;
    event.timings.total = 7;
    return event;
  }
  [[nodiscard]] std::uint64_t exchanges(const char* route, const char* origin, std::uint16_t code) const {
    return totalsOf(workers_).exchanges[{.route = route, .origin = origin, .code = code}];
  }
  std::vector<std::unique_ptr<WorkerMetrics>> workers_;
};

TEST_F(WorkerMetricsTest, WorkersAreAddedUp) {
  workers_[0]->record(exchange("*", "shop", 200));
  workers_[0]->record(exchange("*", "shop", 200));
  workers_[1]->record(exchange("*", "shop", 200));
  workers_[1]->record(exchange("*", "shop", 404));
  workers_[1]->record(exchange("*", "other", 200));
  EXPECT_EQ(exchanges("*", "shop", 200), 3U);
  EXPECT_EQ(exchanges("*", "shop", 404), 1U);
  EXPECT_EQ(exchanges("*", "other", 200), 1U);
  EXPECT_EQ(totalsOf(workers_).origins.at("shop").duration.count(), 4U);
}

TEST_F(WorkerMetricsTest, CountsWhatClientsSpeak) {
  const TlsSession tls{.version = "1.3", .cipher = {}, .application = "h2", .server_name = {}, .resumed = true};
  const TlsSession unheard{.version = "9", .cipher = {}, .application = {}, .server_name = {}};
  for (const TlsSession* session : {static_cast<const TlsSession*>(nullptr), &tls, &unheard}) {
    ExchangeEvent event = exchange("*", "shop", 200);
    event.protocol_version = "2";
    event.tls = session;
    workers_[session == nullptr ? 0 : 1]->record(event);
  }
  workers_[0]->record(exchange("", "", 0));  // no request
  const MetricTotals totals = totalsOf(workers_);
  EXPECT_EQ(totals.client_protocols[2][0], 1U);
  EXPECT_EQ(totals.client_protocols[2][2], 1U);
  EXPECT_EQ(totals.resumed_sessions, 1U);
}

TEST_F(WorkerMetricsTest, CodesWithoutAMeaningCountByClass) {
  for (const std::uint16_t status : {std::uint16_t{0}, std::uint16_t{299}, std::uint16_t{298}, std::uint16_t{599}}) {
    workers_[0]->record(exchange("*", "shop", status));
  }
  std::map<std::string, std::uint64_t> labels;
  for (const auto& [key, count] : totalsOf(workers_).exchanges) {
    labels[codeLabel(key.code)] = count;
  }
  EXPECT_EQ(labels, (std::map<std::string, std::uint64_t>{{"none", 1}, {"2xx", 2}, {"5xx", 1}}));
  EXPECT_EQ(codeLabel(521), "521");
  EXPECT_EQ(codeLabel(499), "499");
}

TEST_F(WorkerMetricsTest, RetriesAreTheTriesThatWereFollowedByAnother) {
  Diagnosis refused;
  refused.cause = Cause::ConnectionRefused;
  refused.status = 521;
  std::vector<TryRecord> tries(3);
  tries[0].diagnosis = refused;  // another address of the same endpoint
  tries[1].diagnosis = refused;
  tries[1].retried = true;
  ExchangeEvent event = exchange("*", "shop", 200);
  event.attempts = 3;
  event.tries = &tries;
  workers_[0]->record(event);
  const OriginTotals totals = totalsOf(workers_).origins.at("shop");
  EXPECT_EQ(totals.retries, (std::map<Cause, std::uint64_t>{{Cause::ConnectionRefused, 1}}));
  EXPECT_TRUE(totals.diagnoses.empty()) << "the exchange went well in the end";
}

TEST_F(WorkerMetricsTest, SeriesAreBounded) {
  for (std::size_t i = 0; i < WorkerMetrics::kMostRoutes + 100; ++i) {
    workers_[0]->record(exchange("route-" + std::to_string(i), "origin-" + std::to_string(i % 2000), 200));
  }
  std::size_t routes = 0;
  workers_[0]->routes().forEach([&](const RouteSeries& /*series*/) { ++routes; });
  const MetricTotals totals = totalsOf(workers_);
  EXPECT_LE(routes, WorkerMetrics::kMostRoutes + 1);
  EXPECT_LE(totals.origins.size(), WorkerMetrics::kMostOrigins + 1);
  EXPECT_GE(totals.origins.at("_other").duration.count(), 1000U);
  std::uint64_t all = 0;
  for (const auto& [key, count] : totals.exchanges) {
    all += count;
  }
  EXPECT_EQ(all, WorkerMetrics::kMostRoutes + 100) << "nothing is lost";
}

TEST_F(WorkerMetricsTest, ReaderMayLookAtAnyTime) {
  std::thread reader([this] {
    std::uint64_t before = 0;
    while (before < 20000) {
      std::uint64_t all = 0;
      for (const auto& [key, count] : totalsOf(workers_).exchanges) {
        all += count;
      }
      EXPECT_GE(all, before) << "counters only rise";
      before = all;
    }
  });
  for (int i = 0; i < 20000; ++i) {
    workers_[0]->record(exchange("route-" + std::to_string(i % 50), "shop", static_cast<std::uint16_t>(200 + i % 7)));
  }
  reader.join();
}

// The last of three tries answered.
TEST_F(WorkerMetricsTest, RescuedRequestsAreFailuresOfTheirEndpoints) {
  Diagnosis slow;
  slow.cause = Cause::ConnectionTimeout;
  slow.blame = Blame::Network;
  std::vector<TryRecord> tries(3);
  tries[0] = {.endpoint = "http://a:1", .diagnosis = slow, .retried = true};
  tries[1] = {.endpoint = "http://b:1", .diagnosis = slow};  // one of its addresses
  tries[2] = {.endpoint = "http://b:1"};
  ExchangeEvent event = exchange("*", "shop", 200);
  event.request_id = "saved";
  event.attempts = 3;
  event.tries = &tries;
  event.endpoint = tries[2].endpoint;
  workers_[0]->record(event);
  workers_[1]->record(event);
  const OriginTotals totals = totalsOf(workers_).origins.at("shop");
  const EndpointTotals& left = totals.endpoints.at("http://a:1");
  EXPECT_EQ(left.rescued, (std::map<Cause, std::uint64_t>{{Cause::ConnectionTimeout, 2}}));
  EXPECT_EQ(left.failures, left.rescued);
  EXPECT_EQ(left.answered, 0U);
  EXPECT_EQ(left.tries().failingShare(), 1);
  ASSERT_TRUE(left.last_failure);
  EXPECT_EQ(left.last_failure->request_id, "saved");
  EXPECT_TRUE(left.last_failure->rescued);
  const EndpointTotals& took = totals.endpoints.at("http://b:1");
  EXPECT_EQ(took.answered, 2U);
  EXPECT_TRUE(took.failures.empty()) << "another of its addresses made that good";
}

TEST_F(WorkerMetricsTest, WhatNoRetrySavedIsNotRescued) {
  Diagnosis refused;
  refused.cause = Cause::ConnectionRefused;
  refused.blame = Blame::Origin;
  std::vector<TryRecord> tries(2);
  tries[0] = {.endpoint = "http://a:1", .diagnosis = refused, .retried = true};
  tries[1] = {.endpoint = "http://b:1", .diagnosis = refused};
  ExchangeEvent event = exchange("*", "shop", 521);
  event.outcome = Outcome::Failure;
  event.diagnosis = &refused;
  event.attempts = 2;
  event.tries = &tries;
  event.endpoint = tries[1].endpoint;
  workers_[0]->record(event);
  const OriginTotals totals = totalsOf(workers_).origins.at("shop");
  for (const char* endpoint : {"http://a:1", "http://b:1"}) {
    EXPECT_EQ(totals.endpoints.at(endpoint).failures.at(Cause::ConnectionRefused), 1U);
    EXPECT_TRUE(totals.endpoints.at(endpoint).rescued.empty());
    EXPECT_FALSE(totals.endpoints.at(endpoint).last_failure->rescued);
  }
}

TEST_F(WorkerMetricsTest, ClientsThatLeaveSayNothingOfAnEndpoint) {
  Diagnosis left;
  left.cause = Cause::ClientClosedRequest;
  left.blame = Blame::Client;
  ExchangeEvent event = exchange("*", "shop", 0);
  event.outcome = Outcome::Aborted;
  event.diagnosis = &left;
  event.attempts = 1;
  event.endpoint = "http://a:1";
  workers_[0]->record(event);
  const EndpointTotals totals = totalsOf(workers_).origins.at("shop").endpoints.at("http://a:1");
  EXPECT_EQ(totals.answered, 0U);
  EXPECT_TRUE(totals.failures.empty());
}

// A connection that idled too long is the network's business: the endpoint is no worse for it.
TEST_F(WorkerMetricsTest, StaleConnectionsAreNoFailureOfTheEndpoint) {
  Diagnosis stale;
  stale.cause = Cause::StaleConnection;
  stale.blame = Blame::Origin;
  std::vector<TryRecord> tries(2);
  tries[0] = {.endpoint = "http://a:1", .diagnosis = stale, .retried = true};
  tries[1] = {.endpoint = "http://a:1"};
  ExchangeEvent event = exchange("*", "shop", 200);
  event.attempts = 2;
  event.tries = &tries;
  event.endpoint = tries[1].endpoint;
  workers_[0]->record(event);
  const EndpointTotals totals = totalsOf(workers_).origins.at("shop").endpoints.at("http://a:1");
  EXPECT_EQ(totals.rescued.at(Cause::StaleConnection), 1U);
  EXPECT_EQ(totals.tries().failed, 0U);
  EXPECT_EQ(totals.tries().answered, 1U);
}

TEST_F(WorkerMetricsTest, RecentTriesForget) {
  TrafficHistory history;
  const system_clock::time_point start{seconds(30 * 1000)};
  ExchangeEvent event = exchange("*", "shop", 200);
  event.endpoint = "http://a:1";
  event.attempts = 1;
  workers_[0]->record(event);
  history.sample(totalsOf(workers_), start);
  workers_[0]->record(event);
  EXPECT_EQ(history.recentTries("shop", totalsOf(workers_)).at("http://a:1").answered, 1U) << "since the first sample";
  history.sample(totalsOf(workers_), start + seconds(60));
  history.sample(totalsOf(workers_), start + seconds(60) + TrafficHistory::kLatencyWindow);
  EXPECT_EQ(history.recentTries("shop", totalsOf(workers_)).at("http://a:1").answered, 0U);
}

TEST_F(WorkerMetricsTest, HistoryHasStepsAndForgets) {
  TrafficHistory history;
  const system_clock::time_point start{seconds(30 * 1000)};
  Diagnosis refused;
  refused.cause = Cause::ConnectionRefused;
  ExchangeEvent failed = exchange("*", "shop", 521);
  failed.diagnosis = &refused;
  workers_[0]->record(exchange("*", "shop", 200));
  history.sample(totalsOf(workers_), start);
  workers_[0]->record(failed);
  history.sample(totalsOf(workers_), start + seconds(10));
  workers_[1]->record(failed);
  history.sample(totalsOf(workers_), start + seconds(31));
  ASSERT_EQ(history.steps().size(), 2U);
  const auto& first = history.steps()[0].origins.at("shop");
  EXPECT_EQ(first.exchanges, 2U);
  EXPECT_EQ(first.causes.at(Cause::ConnectionRefused), 1U);
  EXPECT_EQ(history.steps()[1].origins.at("shop").exchanges, 1U);
  EXPECT_EQ(history.recentLatency("shop", totalsOf(workers_)).duration.count(), 2U) << "since the first sample";
  EXPECT_EQ(history.recentLatency("nobody", totalsOf(workers_)).duration.count(), 0U);
  history.sample(totalsOf(workers_), start + TrafficHistory::kSteps * TrafficHistory::kStep);
  EXPECT_EQ(history.steps().front().number, 1001) << "an hour later the first step is gone";
}

}  // namespace
}  // namespace gatewhy
