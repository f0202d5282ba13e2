// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet_heartbeat.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/metrics/metric_totals.h"
#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kBeatEvery{5000};
constexpr std::size_t kMostOriginsTold = 200;  // an event has a largest size

}  // namespace

std::optional<std::chrono::milliseconds> FleetHeartbeat::dueIn(const EventLog& log) const {
  if (!log.inFleet()) {
    return std::nullopt;
  }
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now()), std::chrono::milliseconds(1));
}

void FleetHeartbeat::beat(EventLog& log) {
  if (!log.inFleet() || Clock::now() < due_) {
    return;
  }
  due_ = Clock::now() + kBeatEvery;
  const MetricTotals totals = totalsOf(view_.metrics);
  std::map<std::string, std::uint64_t> exchanges;
  for (const auto& [key, count] : totals.exchanges) {
    exchanges[key.origin] += count;
  }
  std::vector<std::string> failures;
  for (const auto& [origin, counts] : totals.origins) {
    for (const auto& [cause, count] : counts.byCause()) {
      if (failures.size() < kMostOriginsTold) {
        failures.push_back(fmt::format("{} {} {}", origin, name(cause), count));
      }
    }
  }
  std::vector<std::string> told;
  for (const auto& [origin, count] : exchanges) {
    if (told.size() < kMostOriginsTold) {
      told.push_back(fmt::format("{} {}", origin, count));
    }
  }
  LifecycleEvent event{.event = "heartbeat"};
  event.facts.push_back({.key = "version", .text = GATEWHY_VERSION, .number = {}, .list = {}});
  if (const GenerationPtr generation = view_.generation(); generation && !generation->config->hash.empty()) {
    event.facts.push_back({.key = "config_hash", .text = generation->config->hash, .number = {}, .list = {}});
  }
  event.facts.push_back({.key = "exchanges_by_origin", .text = {}, .number = {}, .list = std::move(told)});
  event.facts.push_back({.key = "failures_by_cause", .text = {}, .number = {}, .list = std::move(failures)});
  log.writeToFleet(event);
}

}  // namespace gatewhy
