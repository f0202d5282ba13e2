// SPDX-License-Identifier: Apache-2.0
// All places that show percentiles agree with the events.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>

#include "config/load.h"
#include "daemon/admin/admin_json.h"
#include "daemon/commands/report/logged_event.h"
#include "daemon/commands/report/report_model.h"
#include "daemon/commands/report/report_view.h"
#include "daemon/commands/top/top_view.h"
#include "daemon/daemon_view.h"
#include "daemon/metrics/metrics_page.h"

namespace gatewhy {
namespace {

using SurfaceJson = nlohmann::ordered_json;

class NoDestination final : public LogDestination {
 public:
  WriteResult write(std::string_view lines) override { return {.size = lines.size()}; }
  void awaitRoom(int /*timeout_ms*/) override {}
  [[nodiscard]] std::string name() const override { return "nowhere"; }
};

// A daemon that has had exchanges, and the report on its log.
class SurfacesTest : public testing::Test {
 protected:
  SurfacesTest() : log_(std::make_unique<NoDestination>(), 1 << 20) {
    LoadedConfig loaded = loadConfig(
        "listeners: [{address: '127.0.0.1:0'}]\norigins: {shop: {endpoints: ['http://192.0.2.1', 'http://192.0.2.2']}}",
        "t.yaml", [](const std::string& /*name*/) { return std::optional<std::string>(); });
    auto generation = Generation::create(loaded.config, states_);
    EXPECT_TRUE(generation);
    daemon_.setGeneration(std::move(generation).value());
    daemon_.log = &log_;
    daemon_.count_parked = [] { return std::vector<ParkedCount>(); };
    daemon_.metrics.push_back(std::make_unique<WorkerMetrics>());
    daemon_.metrics.push_back(std::make_unique<WorkerMetrics>());
    history_.sample(totalsOf(daemon_.metrics), std::chrono::system_clock::now());
  }

  void happen(const ExchangeEvent& event) {
    daemon_.metrics[recorded_++ % daemon_.metrics.size()]->record(event);
    std::string line;
    appendJson(line, event);
    const std::size_t length = line.size();
    line.append(simdjson_padding, ' ');
    const LoggedEvent* const read = reader_.read({.text = std::string_view(line).substr(0, length), .complete = true});
    ASSERT_NE(read, nullptr) << line;
    report_.add(*read);
  }
  void happen(double ms) {
    ExchangeEvent event;
    event.timestamp = std::chrono::system_clock::now();
    event.origin = "shop";
    event.endpoint = "http://192.0.2.1";
    event.attempts = 1;
    event.status = 200;
    event.timings.wait = ms;
    event.timings.total = ms;
    happen(event);
  }

  [[nodiscard]] SurfaceJson origin() const { return SurfaceJson::parse(originsJson(daemon_, history_))["origins"][0]; }
  [[nodiscard]] std::string metrics() const {
    SeriesBound bound;
    return metricsPage(daemon_, history_, {}, bound, MetricsFormat::Text);
  }
  [[nodiscard]] std::string top() const {
    TopSnapshot snapshot;
    snapshot.origins = SurfaceJson::parse(originsJson(daemon_, history_));
    snapshot.history = SurfaceJson::parse(historyJson(history_));
    return topFrame(snapshot, nullptr, {.colour = false, .unicode = true, .width = 120}, {.height = 100});
  }
  [[nodiscard]] SurfaceJson report() const { return SurfaceJson::parse(reportJson(report_, {}))["origins"][0]; }

  static constexpr std::size_t simdjson_padding = 64;
  SharedStates states_;
  EventLog log_;
  DaemonView daemon_;
  TrafficHistory history_;
  EventReader reader_;
  ReportModel report_;
  std::size_t recorded_ = 0;
};

double exact(std::vector<double> samples, double q) {
  std::sort(samples.begin(), samples.end());
  return samples[static_cast<std::size_t>(std::ceil(q * static_cast<double>(samples.size()))) - 1];
}

double metricValue(const std::string& page, const std::string& series) {
  const std::size_t at = page.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 2));
}

// "2.00 s" → 2000.
std::vector<double> timesIn(const std::string& text) {
  std::vector<double> found;
  const std::regex time(R"(([0-9.]+) (ms|s|min)\b)");
  for (std::sregex_iterator at(text.begin(), text.end(), time), end; at != end; ++at) {
    const std::string unit = (*at)[2];
    found.push_back(std::stod((*at)[1]) * (unit == "ms" ? 1 : unit == "s" ? 1000 : 60000));
  }
  return found;
}

std::vector<std::vector<double>> sampleSets() {
  std::mt19937 random(7);
  std::vector<std::vector<double>> sets{std::vector<double>(200, 2000.0), {}, {}, {}};
  std::lognormal_distribution<double> usual(3, 1.5);
  std::uniform_real_distribution<double> quick(0.05, 0.9);
  for (int i = 0; i < 5000; ++i) {
    sets[1].push_back(std::round(usual(random) * 1000) / 1000 + 0.001);
    sets[2].push_back(std::round(quick(random) * 1000) / 1000);
    sets[3].push_back(i % 100 < 95 ? 4.85 : 30000);  // a timer that fires for one in twenty
  }
  return sets;
}

TEST_F(SurfacesTest, PercentilesAgreeWithTheEvents) {
  for (const std::vector<double>& samples : sampleSets()) {
    // Each set is a daemon of its own: the window is the last five minutes.
    daemon_.metrics.clear();
    daemon_.metrics.push_back(std::make_unique<WorkerMetrics>());
    daemon_.metrics.push_back(std::make_unique<WorkerMetrics>());
    history_ = TrafficHistory();
    report_ = ReportModel();
    history_.sample(totalsOf(daemon_.metrics), std::chrono::system_clock::now());
    for (const double ms : samples) {
      happen(ms);
    }
    const SurfaceJson api = origin()["latency_ms"];
    const SurfaceJson reported = report()["phases_ms"];
    const std::string page = metrics();
    for (const auto& [label, q] : {std::pair("50", 0.5), std::pair("90", 0.9), std::pair("99", 0.99)}) {
      const double truth = exact(samples, q);
      const std::string key = std::string("p") + label;
      EXPECT_NEAR(api["exchange"][key].get<double>(), truth, 0.03 * truth);
      EXPECT_NEAR(api["wait"][key].get<double>(), truth, 0.03 * truth);
      EXPECT_NEAR(reported["total"][key].get<double>(), truth, 0.03 * truth);
      for (const char* phase : {"exchange", "wait"}) {
        const double metric = metricValue(
            page,
            fmt::format(R"(gatewhy_origin_duration_percentile_seconds{{origin="shop",phase="{}",percentile="{}"}})",
                        phase, label));
        EXPECT_NEAR(metric * 1000, truth, 0.03 * truth) << phase;
      }
    }
    for (const double bound : {0.5, 5.0, 1000.0, 2500.0}) {
      const auto below = std::count_if(samples.begin(), samples.end(), [&](double ms) { return ms <= bound; });
      EXPECT_EQ(metricValue(page, fmt::format(R"(gatewhy_exchange_duration_seconds_bucket{{origin="shop",le="{:g}"}})",
                                              bound / 1000)),
                static_cast<double>(below));
    }
    // For people: rounded to three digits.
    const std::string frame = top();
    const std::vector<double> shown = timesIn(frame.substr(frame.find("\nshop ")));
    ASSERT_GE(shown.size(), 2U) << frame;
    EXPECT_NEAR(shown[0], exact(samples, 0.5), 0.03 * exact(samples, 0.5)) << frame;
    EXPECT_NEAR(shown[1], exact(samples, 0.99), 0.03 * exact(samples, 0.99)) << frame;
    const std::string text = reportText(report_, {}, {.colour = false, .unicode = true, .width = 120});
    const std::vector<double> told = timesIn(text.substr(text.find("Time per phase")));
    ASSERT_GE(told.size(), 2U) << text;
    EXPECT_NEAR(told[0], exact(samples, 0.5), 0.03 * exact(samples, 0.5)) << text;
    EXPECT_NEAR(told[1], exact(samples, 0.99), 0.03 * exact(samples, 0.99)) << text;
  }
}

// A retry saved the request from the first endpoint: every place says so.
TEST_F(SurfacesTest, RescuedRequestsAreShownByEndpointAndCause) {
  Diagnosis slow = diagnose(
      Observation{.phase = Phase::Connect,
                  .fault = DecisionFault{.cause = Cause::ConnectionTimeout, .detail = {}, .size = {}, .limit = {}}},
      StatusPolicy{});
  std::vector<TryRecord> tries(2);
  tries[0] = {.endpoint = "http://192.0.2.1", .diagnosis = slow, .retried = true};
  tries[1] = {.endpoint = "http://192.0.2.2"};
  ExchangeEvent event;
  event.timestamp = std::chrono::system_clock::now();
  event.request_id = "saved";
  event.origin = "shop";
  event.endpoint = tries[1].endpoint;
  event.attempts = 2;
  event.tries = &tries;
  event.status = 200;
  event.timings.total = 5001;
  for (int i = 0; i < 4; ++i) {
    happen(event);
  }
  const SurfaceJson api = origin();
  EXPECT_EQ(api["failures"], 0);
  const SurfaceJson& left = api["endpoints"][0];
  EXPECT_EQ(left["state"], "failing");
  EXPECT_EQ(left["recent"]["failed"], 4);
  EXPECT_EQ(left["rescued"]["connection_timeout"], 4);
  EXPECT_EQ(left["last_failure"]["cause"], "connection_timeout");
  EXPECT_EQ(left["last_failure"]["request_id"], "saved");
  EXPECT_EQ(left["last_failure"]["rescued"], true);
  const SurfaceJson& took = api["endpoints"][1];
  EXPECT_EQ(took["state"], "up");
  EXPECT_TRUE(took["rescued"].empty());
  EXPECT_FALSE(took.contains("last_failure"));

  EXPECT_EQ(
      metricValue(
          metrics(),
          R"(gatewhy_endpoint_rescued_total{origin="shop",endpoint="http://192.0.2.1",cause="connection_timeout"})"),
      4);
  const std::string frame = top();
  EXPECT_NE(frame.find("4 rescued from connection_timeout; last failure "), std::string::npos) << frame;
  EXPECT_NE(frame.find("1/2 failing"), std::string::npos) << frame;
  EXPECT_NE(frame.find("failing 100 %"), std::string::npos) << frame;

  const SurfaceJson rescued = report()["rescued"];
  ASSERT_EQ(rescued.size(), 1U);
  EXPECT_EQ(rescued[0]["endpoint"], "http://192.0.2.1");
  EXPECT_EQ(rescued[0]["cause"], "connection_timeout");
  EXPECT_EQ(rescued[0]["count"], 4);
  const std::string text = reportText(report_, {}, {.colour = false, .unicode = true, .width = 120});
  EXPECT_NE(text.find("4  from connection_timeout at http://192.0.2.1 (origin shop)"), std::string::npos) << text;
  EXPECT_NE(reportHtml(report_, {}).find("Rescued by a retry"), std::string::npos);
}

TEST_F(SurfacesTest, NothingIsUpBeforeItHasAnswered) {
  EXPECT_EQ(origin()["endpoints"][0]["state"], "no_traffic");
  EXPECT_NE(top().find("no traffic"), std::string::npos);
  happen(5);
  EXPECT_EQ(origin()["endpoints"][0]["state"], "up");
  EXPECT_EQ(origin()["endpoints"][1]["state"], "no_traffic");
}

}  // namespace
}  // namespace gatewhy
