// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/zero_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gatewhy {
namespace {

ConfigPtr load(const std::string& yaml) {
  LoadedConfig loaded = loadConfig("listeners: [{address: '127.0.0.1:0'}]\n" + yaml, "t.yaml",
                                   [](const std::string& /*name*/) { return std::optional<std::string>(); });
  for (const ConfigProblem& problem : loaded.problems) {
    ADD_FAILURE() << format(problem);
  }
  return loaded.config;
}

std::size_t seriesOf(const MetricTotals& totals) {
  std::size_t all = totals.exchanges.size();
  for (const auto& [name, origin] : totals.origins) {
    all += origin.diagnoses.size() + origin.retries.size() + origin.findings.size();
  }
  return all;
}

TEST(ZeroSeriesTest, WhatMayHappenIsThere) {
  const ConfigPtr config = load(R"(
origins:
  pair: {endpoints: ['http://192.0.2.1', 'http://192.0.2.2']}
  single: {endpoints: ['http://192.0.2.3']}
  once: {endpoints: ['http://192.0.2.1', 'http://192.0.2.2'], retry: {attempts: 0}}
routes: [{path: /fixed, respond: {status: 404}}, {path: /s, origin: single}, {path: /o, origin: once}, {origin: pair}]
)");
  ASSERT_TRUE(config);
  MetricTotals totals;
  totals.origins["pair"].retries[Cause::ConnectionRefused] = 7;
  addZeroSeries(*config, totals);

  EXPECT_EQ(totals.exchanges.at({.route = "*/fixed", .origin = "", .code = 404}), 0U);
  EXPECT_EQ(totals.exchanges.at({.route = "*", .origin = "pair", .code = 200}), 0U);
  const OriginTotals& pair = totals.origins.at("pair");
  EXPECT_EQ(pair.diagnoses.at({Cause::ResponseTimeout, 524}), 0U);
  EXPECT_EQ(pair.diagnoses.count({Cause::ClientHeadTimeout, 408}), 0U) << "what clients do";
  EXPECT_EQ(pair.retries.at(Cause::ConnectionRefused), 7U) << "what was counted stays";
  EXPECT_EQ(pair.retries.at(Cause::DnsTimeout), 0U);
  EXPECT_EQ(pair.retries.count(Cause::TlsCertificateExpired), 0U) << "never tried again";
  EXPECT_EQ(pair.findings.size(), kFindingCount);
  const std::map<Cause, std::uint64_t> stale_only = {{Cause::StaleConnection, 0}};
  EXPECT_EQ(totals.origins.at("single").retries, stale_only) << "there is no other endpoint";
  EXPECT_TRUE(totals.origins.at("once").retries.empty());
  EXPECT_EQ(totals.origins.at("").diagnoses.count({Cause::NoRoute, 404}), 1U);
  EXPECT_TRUE(totals.origins.at("").findings.empty());
}

TEST(ZeroSeriesTest, NoFindingsWithoutTheLint) {
  const ConfigPtr config = load(
      "diagnostics: {lint: false}\n"
      "origins: {shop: {endpoints: ['http://192.0.2.1']}}\nroutes: [{origin: shop}]\n");
  ASSERT_TRUE(config);
  MetricTotals totals;
  addZeroSeries(*config, totals);
  EXPECT_TRUE(totals.origins.at("shop").findings.empty());
}

TEST(ZeroSeriesTest, AreBoundedAndWholeForAnOrigin) {
  std::string yaml = "origins:\n";
  std::string routes = "routes:\n";
  for (int i = 0; i < 40; ++i) {
    yaml += "  o" + std::to_string(i) + ": {endpoints: ['http://192.0.2.1', 'http://192.0.2.2']}\n";
    routes += "  - {path: /" + std::to_string(i) + ", origin: o" + std::to_string(i) + "}\n";
  }
  const ConfigPtr config = load(yaml + routes);
  ASSERT_TRUE(config);
  MetricTotals totals;
  addZeroSeries(*config, totals);
  EXPECT_LE(seriesOf(totals), kMostZeroSeries);
  EXPECT_GT(seriesOf(totals), kMostZeroSeries / 2);
  const std::size_t diagnoses = totals.origins.at("o0").diagnoses.size();
  for (const auto& [name, origin] : totals.origins) {
    if (!name.empty()) {
      EXPECT_EQ(origin.diagnoses.size(), diagnoses) << name << ": these go before what is worth less";
      EXPECT_TRUE(origin.findings.empty() || origin.findings.size() == kFindingCount) << name;
    }
  }
}

}  // namespace
}  // namespace gatewhy
