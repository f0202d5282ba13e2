// SPDX-License-Identifier: Apache-2.0
// Two gatewhys scraped by a real Prometheus, configured the way docs/fleet.md
// says, which writes on to a real VictoriaMetrics: both answer the dashboard's
// queries and the rules' alike.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/metrics_store.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kTree = GATEWHY_SOURCE_DIR;

// What Grafana would make of it, with nothing chosen.
std::string withVariables(std::string expression) {
  for (const auto& [variable, value] : {std::pair("$__rate_interval", "1m"), std::pair("$__range", "1h"),
                                        std::pair("$instance", ".*"), std::pair("$origin", ".*")}) {
    for (std::size_t at = expression.find(variable); at != std::string::npos; at = expression.find(variable)) {
      expression.replace(at, std::string_view(variable).size(), value);
    }
  }
  EXPECT_THAT(expression, testing::Not(HasSubstr("$"))) << "a variable that Grafana does not have either";
  return expression;
}

struct DashboardQueries {
  std::vector<std::string> panels, annotations;
};

DashboardQueries dashboardQueries() {
  const json dashboard = json::parse(contentOf(kTree + "/docs/monitoring/dashboard.json"));
  DashboardQueries queries;
  for (const json& panel : dashboard["panels"]) {
    for (const json& target : panel["targets"]) {
      EXPECT_THAT(target["expr"].get<std::string>(), HasSubstr("instance=~\"$instance\"")) << panel["title"];
      queries.panels.push_back(withVariables(target["expr"]));
    }
  }
  for (const json& annotation : dashboard["annotations"]["list"]) {
    queries.annotations.push_back(withVariables(annotation["expr"]));
  }
  return queries;
}

// The labels of the series that a query gives; nullopt where it was refused. A
// value that is no number is what VictoriaMetrics leaves out.
std::optional<std::set<std::string>> seriesOf(const MetricsStore& store, const std::string& query) {
  const json answer = store.answer("/api/v1/query?query=" + percentEncoded(query));
  if (!answer.is_object() || answer.value("status", "") != "success") {
    return std::nullopt;
  }
  std::set<std::string> series;
  for (const json& one : answer["data"]["result"]) {
    if (one["value"][1] != "NaN") {
      series.insert(one["metric"].dump());
    }
  }
  return series;
}

class FleetMetricsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {Prometheus::kProgram, VictoriaMetrics::kProgram}) {
      if (!std::filesystem::exists(program)) {
        GTEST_SKIP() << program << " is not installed on this machine";
      }
    }
    // Nobody listens where the second one looks for `one`.
    gateways_.push_back(Gateway::start(gateway("gw-1", origin_.url())));
    gateways_.push_back(Gateway::start(gateway("gw-2", "http://127.0.0.1:9")));
    ASSERT_TRUE(gateways_[0] != nullptr && gateways_[1] != nullptr);
    victoria_.emplace(directory_.path() + "/victoria");
    std::string yaml = documentedYaml(kTree + "/docs/fleet.md", "## Metrics");
    replaceAll(yaml, "gw-1.internal:9180", gateways_[0]->daemon().adminAddress());
    replaceAll(yaml, "gw-2.internal:9180", gateways_[1]->daemon().adminAddress());
    replaceAll(yaml, "victoria.internal:8428", victoria_->address());
    replaceAll(yaml, "15s", "1s");
    replaceAll(yaml, "/usr/share/gatewhy/", kTree + "/docs/monitoring/");
    prometheus_.emplace(directory_.write("prometheus.yml", yaml), directory_.path() + "/tsdb");
    ASSERT_TRUE(prometheus_->running() && victoria_->running());
  }

  static GatewayConfig gateway(const std::string& name, const std::string& one) {
    GatewayConfig config;
    config.origin_url = one;
    config.more_origins = "  all: {endpoints: [\"http://127.0.0.1:9\"]}\n";
    config.more = "routes: [{path: /all, origin: all}, {origin: origin}]\n";
    config.admin = "{address: \"127.0.0.1:0\"}";
    config.diagnostics = fmt::format("{{name: {}}}", name);
    return config;
  }
  void ask(int times) const {
    for (const auto& gateway : gateways_) {
      for (int i = 0; i < times; ++i) {
        EXPECT_NE(bodyAt(gateway->address(), "/"), "");
        EXPECT_NE(bodyAt(gateway->address(), "/all"), "");
      }
    }
  }
  // Where the answer hangs on a threshold, the stores may differ: they interpolate each in its own way.
  void expectAnswered(const std::string& query) const {
    EXPECT_TRUE(seriesOf(*prometheus_, query)) << prometheus_->answer("/api/v1/query?query=" + percentEncoded(query));
    EXPECT_TRUE(seriesOf(*victoria_, query)) << victoria_->answer("/api/v1/query?query=" + percentEncoded(query));
  }
  // Both stores give the same series; more samples may be on their way to one of them.
  void expectAlike(const std::string& query) const {
    std::optional<std::set<std::string>> here, there;
    EXPECT_TRUE(eventually([&] {
      here = seriesOf(*prometheus_, query);
      there = seriesOf(*victoria_, query);
      return here && there && *here == *there;
    })) << query
        << "\nPrometheus:      " << prometheus_->answer("/api/v1/query?query=" + percentEncoded(query))
        << "\nVictoriaMetrics: " << victoria_->answer("/api/v1/query?query=" + percentEncoded(query));
  }
  void expectSoon(std::string_view query, const std::string& wanted) const {
    for (const MetricsStore* store :
         {static_cast<const MetricsStore*>(&*prometheus_), static_cast<const MetricsStore*>(&*victoria_)}) {
      EXPECT_TRUE(eventually([&] { return store->value(query) == wanted; })) << query << ": " << store->query(query);
    }
  }

  OriginServer origin_{[](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse("fine"));
    }
  }};
  PemDirectory directory_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::optional<VictoriaMetrics> victoria_;
  std::optional<Prometheus> prometheus_;
};

TEST_F(FleetMetricsTest, BothStoresAnswerTheDashboardAndTheRules) {
  ASSERT_TRUE(eventually([&] { return prometheus_->value("sum(up)") == "2"; })) << prometheus_->ask("/api/v1/targets");
  // The first sample of a series is no increase: it has to be there before.
  expectSoon(R"(sum(gatewhy_exchanges_total))", "0");
  constexpr int kTimes = 20;
  for (const int round : {1, 2}) {
    ask(kTimes);
    expectSoon(R"(sum(gatewhy_exchanges_total))", std::to_string(4 * kTimes * round));
    expectSoon(R"(sum(gatewhy_diagnoses_total{origin="all"}))", std::to_string(2 * kTimes * round));
    expectSoon(R"(sum(gatewhy_diagnoses_total{origin="origin"}))", std::to_string(kTimes * round));
  }

  const DashboardQueries dashboard = dashboardQueries();
  for (const std::string& query : dashboard.panels) {
    expectAlike(query);
  }
  for (const std::string& query : dashboard.annotations) {
    expectAnswered(query);
  }
  json groups;
  ASSERT_TRUE(eventually([&] {
    groups = prometheus_->ask("/api/v1/rules")["groups"];
    return groups.size() == 3;
  })) << groups;
  int recorded = 0;
  for (const json& group : groups) {
    for (const json& rule : group["rules"]) {
      if (rule["type"] != "recording") {
        expectAnswered(rule["query"]);
      } else {
        expectAlike(rule["query"]);
        ++recorded;
        expectAlike(rule["name"]);  // what Prometheus recorded has been written on
        EXPECT_FALSE(seriesOf(*victoria_, rule["name"])->empty()) << rule["name"];
      }
    }
  }
  EXPECT_GT(recorded, 0);
  // All of them against one of them.
  expectSoon(R"(origin:gatewhy_instances:count{origin="all"})", "2");
  expectSoon(R"(origin_cause:gatewhy_seeing_instances:count{origin="all",cause="connection_refused"})", "2");
  expectSoon(R"(origin:gatewhy_instances:count{origin="origin"})", "2");
  expectSoon(R"(origin_cause:gatewhy_seeing_instances:count{origin="origin",cause="connection_refused"})", "1");

  prometheus_->expectCleanStop();
  victoria_->expectCleanStop();
  for (const auto& gateway : gateways_) {
    gateway->expectCleanStop();
  }
}

}  // namespace
}  // namespace gatewhy::test
