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

TEST(HistogramTest, QuantilesLieInTheirBucket) {
  Histogram histogram;
  EXPECT_EQ(histogram.read().quantileMs(0.5), 0);
  for (int i = 0; i < 90; ++i) {
    histogram.observe(0.3);
  }
  for (int i = 0; i < 9; ++i) {
    histogram.observe(40);
  }
  histogram.observe(100000);
  const HistogramReading reading = histogram.read();
  EXPECT_EQ(reading.count(), 100U);
  EXPECT_NEAR(reading.sum_ms, 27 + 360 + 100000, 0.01);
  EXPECT_LE(reading.quantileMs(0.5), 0.5);
  EXPECT_GT(reading.quantileMs(0.95), 25);
  EXPECT_LE(reading.quantileMs(0.95), 50);
  EXPECT_EQ(reading.quantileMs(1), 60000) << "beyond the last bound: at least that";
}

TEST(HistogramTest, BoundBelongsToItsBucket) {  // Prometheus: le
  Histogram histogram;
  histogram.observe(5);
  EXPECT_EQ(histogram.read().buckets[3], 1U);
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
