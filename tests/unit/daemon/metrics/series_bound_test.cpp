// SPDX-License-Identifier: Apache-2.0
// How large /metrics becomes, and what happens to what does not fit.
#include "daemon/metrics/series_bound.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "config/load.h"
#include "daemon/daemon_view.h"
#include "daemon/metrics/metrics_page.h"

namespace gatewhy {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string pageOf(SeriesBound& bound, const std::vector<std::pair<std::string, int>>& origins) {
  MetricsWriter page(MetricsFormat::Text, bound);
  page.begin(Metric::Findings);
  for (const auto& [origin, count] : origins) {
    page.count({{"origin", origin}, {"finding", "f"}}, 1, static_cast<std::uint64_t>(count));
  }
  page.begin(Metric::Retries);
  return std::move(page).finish();
}

TEST(SeriesBoundTest, WhatDoesNotFitCountsAsOther) {
  SeriesBound bound(2);
  const std::string first = pageOf(bound, {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}});
  EXPECT_THAT(first, HasSubstr("gatewhy_findings_total{origin=\"a\",finding=\"f\"} 1\n"));
  EXPECT_THAT(first, HasSubstr("gatewhy_findings_total{origin=\"b\",finding=\"f\"} 2\n"));
  EXPECT_THAT(first, HasSubstr("gatewhy_findings_total{origin=\"_other\",finding=\"f\"} 7\n"));
  EXPECT_THAT(first, Not(HasSubstr("origin=\"c\"")));
  EXPECT_EQ(bound.folded(), 2U);
  // Who was there stays, whatever the order; who was not never comes to be.
  const std::string next = pageOf(bound, {{"c", 3}, {"0", 1}, {"b", 5}});
  EXPECT_THAT(next, HasSubstr("gatewhy_findings_total{origin=\"b\",finding=\"f\"} 5\n"));
  EXPECT_THAT(next, HasSubstr("gatewhy_findings_total{origin=\"_other\",finding=\"f\"} 4\n"));
  EXPECT_EQ(bound.folded(), 2U) << "of this page";
  EXPECT_LT(next.find("_other"), next.find("gatewhy_retries_total")) << "inside its metric";
}

TEST(SeriesBoundTest, HistogramsAddUp) {
  SeriesBound bound(kHistogramLines);
  MetricsWriter page(MetricsFormat::Text, bound);
  page.begin(Metric::ExchangeDuration);
  DurationHistogram durations;
  durations.add(2);
  for (const char* origin : {"a", "b", "c"}) {
    page.histogram({{"origin", origin}}, 1, durations, {});
  }
  const std::string text = std::move(page).finish();
  EXPECT_THAT(text, HasSubstr("gatewhy_exchange_duration_seconds_count{origin=\"a\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gatewhy_exchange_duration_seconds_bucket{origin=\"_other\",le=\"0.0025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gatewhy_exchange_duration_seconds_count{origin=\"_other\"} 2\n"));
  EXPECT_EQ(bound.folded(), 2 * kHistogramLines);
}

class NowhereLog final : public LogDestination {
 public:
  WriteResult write(std::string_view lines) override { return {.size = lines.size()}; }
  void awaitRoom(int /*timeout_ms*/) override {}
  [[nodiscard]] std::string name() const override { return "nowhere"; }
};

// 300 origins of three endpoints each.
class ManyOriginsTest : public testing::Test {
 protected:
  static constexpr int kOrigins = 300;
  static constexpr int kEndpoints = 3;

  ManyOriginsTest() : log_(std::make_unique<NowhereLog>(), 1 << 20) {
    std::string yaml = "listeners: [{address: '127.0.0.1:0'}]\norigins:\n";
    std::string routes = "routes:\n";
    for (int i = 0; i < kOrigins; ++i) {
      yaml += fmt::format("  {}: {{endpoints: ['{}', '{}', '{}']}}\n", origin(i), url(i, 0), url(i, 1), url(i, 2));
      routes += fmt::format("  - {{path: /{0}, origin: {0}}}\n", origin(i));
    }
    LoadedConfig loaded =
        loadConfig(yaml + routes, "t.yaml", [](const std::string& /*name*/) { return std::optional<std::string>(); });
    for (const ConfigProblem& problem : loaded.problems) {
      ADD_FAILURE() << format(problem);
    }
    auto generation = Generation::create(loaded.config, states_);
    EXPECT_TRUE(generation);
    daemon_.setGeneration(std::move(generation).value());
    daemon_.log = &log_;
    daemon_.count_parked = [] { return std::vector<ParkedCount>(); };
    daemon_.metrics.push_back(std::make_unique<WorkerMetrics>());
  }
  static std::string origin(int i) { return fmt::format("origin-{}.example", i); }
  static std::string url(int i, int endpoint) {
    return fmt::format("http://10.{}.{}.{}:8080", i / 250, i % 250, endpoint + 1);
  }

  // An exchange at each endpoint, and for each of the first `causes` causes of origins one that failed.
  void happen(std::size_t causes) {
    ExchangeEvent event;
    event.attempts = 1;
    event.status = 200;
    event.outcome = Outcome::Success;
    event.timings.connect = event.timings.send = event.timings.wait = event.timings.receive = event.timings.total = 1;
    for (int i = 0; i < kOrigins; ++i) {
      const std::string name = origin(i);
      event.origin = name;
      event.route = name;
      for (int j = 0; j < kEndpoints; ++j) {
        const std::string endpoint = url(i, j);
        event.endpoint = endpoint;
        event.diagnosis = nullptr;
        daemon_.metrics[0]->record(event);
        fail(event, causes);
      }
    }
  }
  void fail(ExchangeEvent& event, std::size_t causes) {
    std::size_t left = causes;
    for (const CauseInfo& row : allCauses()) {
      if (row.blame == Blame::Origin && left != 0) {
        --left;
        Diagnosis diagnosis;
        diagnosis.cause = row.cause;
        diagnosis.blame = row.blame;
        diagnosis.status = row.log_status;
        event.diagnosis = &diagnosis;
        daemon_.metrics[0]->record(event);
        ++failed_;
      }
    }
  }
  struct Page {
    std::string text;
    std::size_t lines = 0, counted = 0;  // samples; of these, those that are bounded
    std::uint64_t diagnoses = 0, endpoint_failures = 0;
  };
  [[nodiscard]] Page page() {
    Page made{.text = metricsPage(daemon_, history_, {}, bound_, MetricsFormat::Text)};
    std::istringstream lines(made.text);
    std::string type;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE")) {
        type = line.substr(line.rfind(' ') + 1);
      } else if (!line.starts_with('#')) {
        ++made.lines;
        made.counted += type == "gauge" || line.find('{') == std::string::npos ? 0 : 1;
        const auto value = std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
        made.diagnoses += line.starts_with("gatewhy_diagnoses_total") ? value : 0;
        made.endpoint_failures += line.starts_with("gatewhy_endpoint_failures_total") ? value : 0;
      }
    }
    RecordProperty("lines", static_cast<int>(made.lines));
    RecordProperty("octets", static_cast<int>(made.text.size()));
    return made;
  }
  static std::size_t folded(const Page& page) {
    const std::string name = "\ngatewhy_metrics_folded_series ";
    return std::strtoull(page.text.c_str() + page.text.find(name) + name.size(), nullptr, 10);
  }

  SharedStates states_;
  EventLog log_;
  DaemonView daemon_;
  TrafficHistory history_;
  SeriesBound bound_;
  std::uint64_t failed_ = 0;
};

TEST_F(ManyOriginsTest, IdleTheyAreFew) {
  const Page idle = page();
  EXPECT_LE(idle.counted, 5000U + kOrigins * kEndpoints * 4) << "zero series, and counters of endpoints";
  EXPECT_EQ(folded(idle), 0U);
}

TEST_F(ManyOriginsTest, WithTrafficAndAFewCausesAllHaveTheirNames) {
  happen(/*causes=*/4);
  const Page busy = page();
  EXPECT_EQ(folded(busy), 0U);
  EXPECT_THAT(busy.text, Not(HasSubstr("\"_other\"")));
  EXPECT_EQ(busy.diagnoses, failed_);
}

TEST_F(ManyOriginsTest, WithEveryCauseEverywhereThePageIsFullAndNothingIsLost) {
  happen(/*causes=*/1000);
  const Page full = page();
  EXPECT_GT(folded(full), 0U);
  EXPECT_LE(full.counted, kMostSeriesLines + 2000) << "the overflow itself is bounded by the table of causes";
  EXPECT_EQ(full.diagnoses, failed_);
  EXPECT_EQ(full.endpoint_failures, failed_);
  EXPECT_THAT(full.text, HasSubstr("gatewhy_endpoint_failures_total{origin=\"_other\",endpoint=\"_other\",cause="));
  EXPECT_EQ(page().counted, full.counted) << "the next page is the same";
}

}  // namespace
}  // namespace gatewhy
