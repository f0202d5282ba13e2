// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/traffic_history.h"

#include <algorithm>

namespace gatewhy {
namespace {

TrafficHistory::Tries triesOf(const OriginTotals& origin) {
  TrafficHistory::Tries tries;
  for (const auto& [endpoint, totals] : origin.endpoints) {
    tries[endpoint] = totals.tries();
  }
  return tries;
}

}  // namespace

void TrafficHistory::sample(const MetricTotals& totals, std::chrono::system_clock::time_point now) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::int64_t number = seconds / kStep.count();
  // A clock that was set back goes on in the step that it is in.
  if (steps_.empty() || steps_.back().number < number) {
    steps_.push_back({.number = number, .origins = {}});
    Snapshot snapshot{.at = seconds, .origins = {}, .tries = {}};
    for (const auto& [name, origin] : totals.origins) {
      snapshot.origins[name] = {.duration = origin.duration, .phases = origin.phases};
      snapshot.tries[name] = triesOf(origin);
    }
    snapshots_.push_back(std::move(snapshot));
  }
  while (steps_.front().number + static_cast<std::int64_t>(kSteps) <= steps_.back().number) {
    steps_.pop_front();
  }
  while (snapshots_.size() > 1 && snapshots_[1].at <= seconds - kLatencyWindow.count()) {
    snapshots_.pop_front();
  }
  for (const auto& [name, origin] : totals.origins) {
    OriginStep& before = counted_[name];
    OriginStep& step = steps_.back().origins[name];
    const std::uint64_t exchanges = origin.duration.count();
    step.exchanges += exchanges - before.exchanges;
    before.exchanges = exchanges;
    for (const auto& [cause, count] : origin.byCause()) {
      if (count != before.causes[cause]) {
        step.causes[cause] += count - before.causes[cause];
        before.causes[cause] = count;
      }
    }
  }
}

TrafficHistory::Latency TrafficHistory::recentLatency(const std::string& origin, const MetricTotals& now) const {
  const auto current = now.origins.find(origin);
  if (current == now.origins.end()) {
    return {};
  }
  Latency latency{.duration = current->second.duration, .phases = current->second.phases};
  if (snapshots_.empty()) {
    return latency;
  }
  const auto before = snapshots_.front().origins.find(origin);
  if (before != snapshots_.front().origins.end()) {
    latency.duration = latency.duration.since(before->second.duration);
    for (std::size_t i = 0; i < latency.phases.size(); ++i) {
      latency.phases[i] = latency.phases[i].since(before->second.phases[i]);
    }
  }
  return latency;
}

TrafficHistory::Tries TrafficHistory::recentTries(const std::string& origin, const MetricTotals& now) const {
  const auto current = now.origins.find(origin);
  if (current == now.origins.end()) {
    return {};
  }
  Tries tries = triesOf(current->second);
  if (snapshots_.empty()) {
    return tries;
  }
  const auto before = snapshots_.front().tries.find(origin);
  if (before != snapshots_.front().tries.end()) {
    for (const auto& [endpoint, counts] : before->second) {
      TryCounts& recent = tries[endpoint];
      recent.answered -= std::min(recent.answered, counts.answered);
      recent.failed -= std::min(recent.failed, counts.failed);
    }
  }
  return tries;
}

}  // namespace gatewhy
