// SPDX-License-Identifier: Apache-2.0
// gatewhy scraped by a real Prometheus, configured the way docs/metrics.md
// says, with the alerting rules that the package ships.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/metrics_store.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kSource = GATEWHY_SOURCE_DIR;

// The configuration that docs/metrics.md tells operators to write, aimed at
// this gatewhy and in a hurry.
std::string documentedConfiguration(const std::string& target) {
  std::string yaml = documentedYaml(kSource + "/docs/metrics.md", "");
  replaceAll(yaml, "127.0.0.1:9180", target);
  replaceAll(yaml, "15s", "1s");
  replaceAll(yaml, "/usr/share/gatewhy/alerts.yaml", kSource + "/docs/monitoring/alerts.yaml");
  return yaml;
}

class PrometheusTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Prometheus::kProgram)) {
      GTEST_SKIP() << Prometheus::kProgram << " is not installed on this machine";
    }
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.more_origins = "  broken: {endpoints: [\"http://127.0.0.1:9\"]}\n";  // nobody listens there
    config.more = "routes: [{path: /broken/, origin: broken}, {origin: origin}]\n";
    config.admin = "{address: \"127.0.0.1:0\"}";
    const Identity identity = selfSigned({.common_name = "shop.example"});
    config.more_listeners =
        fmt::format(", {{address: \"127.0.0.1:0\", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}}}",
                    keys_.write("shop.pem", certificatesPem({&identity})), keys_.write("shop.key", keyPem(identity)));
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
    const PemDirectory& directory = gateway_->directory();
    const std::string& admin = gateway_->daemon().adminAddress();
    prometheus_.emplace(directory.write("prometheus.yml", documentedConfiguration(admin)), directory.path() + "/tsdb");
    ASSERT_TRUE(prometheus_->running());
    const std::string up = fmt::format("up{{job=\"gatewhy\",instance=\"{}\"}}", admin);
    ASSERT_TRUE(eventually([&] { return prometheus_->value(up) == "1"; })) << prometheus_->ask("/api/v1/targets");
  }
  void TearDown() override {
    if (prometheus_ && prometheus_->running()) {
      prometheus_->expectCleanStop();
      gateway_->expectCleanStop();
    }
  }
  void expectSoon(std::string_view expression, const std::string& wanted) const {
    EXPECT_TRUE(eventually([&] { return prometheus_->value(expression) == wanted; }))
        << expression << ": " << prometheus_->query(expression);
  }

  void expectCounts() const;
  void expectTraces() const;
  void expectNothingWrong() const;

  OriginServer origin_{[](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse("fine"));
    }
  }};
  PemDirectory keys_;
  std::unique_ptr<Gateway> gateway_;
  std::optional<Prometheus> prometheus_;
};

constexpr std::string_view kRefused =
    R"(gatewhy_diagnoses_total{origin="broken",cause="connection_refused",status="521"})";

// What may happen is there before it happens; then what happens is counted.
void PrometheusTest::expectCounts() const {
  EXPECT_EQ(prometheus_->value(kRefused), "0");
  EXPECT_EQ(prometheus_->value(R"(gatewhy_diagnoses_total{origin="origin",cause="response_timeout",status="524"})"),
            "0");
  EXPECT_EQ(prometheus_->value(R"(sum(gatewhy_diagnoses_total))"), "0");
  EXPECT_EQ(prometheus_->value(R"(gatewhy_exchanges_total{route="*",origin="origin",code="200"})"), "0");
  EXPECT_EQ(prometheus_->value(R"(gatewhy_endpoint_up{origin="broken"})"), "1");

  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(bodyAt(gateway_->address(), "/fine"), "fine");
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(bodyAt(gateway_->address(), "/broken/"), HasSubstr("connection_refused"));
  }
  expectSoon(kRefused, "3");
  expectSoon(R"(sum(gatewhy_diagnoses_total))", "3");
  expectSoon(R"(sum by (code) (gatewhy_exchanges_total{origin="origin"}))", "4");
  expectSoon(R"(gatewhy_exchange_duration_seconds_count{origin="broken"})", "3");
  expectSoon(fmt::format("sum(increase({}[1m])) > bool 2", kRefused), "1");
}

// One of the failures is found by its trace id, at both kinds of series that carry them.
void PrometheusTest::expectTraces() const {
  std::vector<json> failures = gateway_->exchanges();
  std::erase_if(failures, [](const json& event) { return causeOf(event) != "connection_refused"; });
  ASSERT_FALSE(failures.empty());
  const std::string trace = failures.back().value("trace_id", "");
  ASSERT_EQ(trace.size(), 32U);
  const auto traced = [&](std::string_view series) {
    const json found =
        prometheus_->ask("/api/v1/query_exemplars?start=0&end=4102444800&query=" + percentEncoded(series));
    for (const json& one : found) {
      for (const json& exemplar : one["exemplars"]) {
        if (exemplar["labels"] == json({{"trace_id", trace}})) {
          return true;
        }
      }
    }
    return false;
  };
  EXPECT_TRUE(eventually([&] { return traced(kRefused); })) << bodyAt(gateway_->daemon().adminAddress(), "/metrics");
  EXPECT_TRUE(eventually([&] { return traced(R"(gatewhy_exchange_duration_seconds_bucket{origin="broken"})"); }));
}

void PrometheusTest::expectNothingWrong() const {
  const json targets = prometheus_->ask("/api/v1/targets")["activeTargets"];
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0]["lastError"], "");
  EXPECT_EQ(targets[0]["health"], "up");

  const auto rules = [&] { return prometheus_->ask("/api/v1/rules")["groups"]; };
  const auto all_evaluated = [&] {
    const json groups = rules();
    return !groups.empty() && std::all_of(groups.begin(), groups.end(), [](const json& group) {
      return std::none_of(group["rules"].begin(), group["rules"].end(),
                          [](const json& rule) { return rule["health"] == "unknown"; });
    });
  };
  ASSERT_TRUE(eventually(all_evaluated)) << rules();
  std::size_t alerts = 0;
  for (const json& group : rules()) {
    for (const json& rule : group["rules"]) {
      ++alerts;
      EXPECT_EQ(rule["health"], "ok") << rule["name"] << ": " << rule.value("lastError", "");
    }
  }
  const std::string source = contentOf(kSource + "/docs/monitoring/alerts.yaml");
  std::size_t written = 0;
  for (std::size_t at = source.find("- alert: "); at != std::string::npos; at = source.find("- alert: ", at + 1)) {
    ++written;
  }
  EXPECT_EQ(alerts, written);

  // Every metric of the rules is one that gatewhy has; the page is held against
  // the table, and some need what is not here, such as an origin with TLS.
  const std::string documented = contentOf(kSource + "/docs/metrics.md");
  const json names = prometheus_->ask("/api/v1/label/__name__/values");
  for (std::size_t at = source.find("gatewhy_"); at != std::string::npos; at = source.find("gatewhy_", at + 1)) {
    const std::string name = source.substr(at, source.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at) - at);
    if (documented.find("`" + name + "`") == std::string::npos) {
      EXPECT_THAT(names, testing::Contains(name)) << "in docs/monitoring/alerts.yaml";
    }
  }
}

// In one test: it takes Prometheus five seconds to look at its targets.
TEST_F(PrometheusTest, ScrapesCountsAndTracesAndAcceptsTheRules) {
  expectCounts();
  expectTraces();
  expectNothingWrong();
}

}  // namespace
}  // namespace gatewhy::test
