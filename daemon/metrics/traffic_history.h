// SPDX-License-Identifier: Apache-2.0
// The last hour in steps, by origin and cause, and the latency and tries of the
// last minutes: samples of the counters, so that neither a request nor a failure
// pays for it. The admin thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "daemon/metrics/metric_totals.h"

namespace gatewhy {

class TrafficHistory {
 public:
  static constexpr std::chrono::seconds kStep{30};
  static constexpr std::size_t kSteps = 120;
  static constexpr std::chrono::seconds kLatencyWindow{300};

  struct OriginStep {
    std::uint64_t exchanges = 0;
    std::map<Cause, std::uint64_t> causes;
  };
  struct Step {
    std::int64_t number = 0;  // Unix time / kStep
    std::map<std::string, OriginStep> origins;
  };
  struct Latency {
    DurationHistogram duration;
    std::array<DurationHistogram, kTimedPhases.size()> phases;
  };
  using Tries = std::map<std::string, TryCounts>;  // by endpoint

  // To be called every few seconds.
  void sample(const MetricTotals& totals, std::chrono::system_clock::time_point now);

  // Oldest first; steps in which nothing happened may be missing.
  [[nodiscard]] const std::deque<Step>& steps() const { return steps_; }
  // Of the last kLatencyWindow, or as long as there are samples.
  [[nodiscard]] Latency recentLatency(const std::string& origin, const MetricTotals& now) const;
  // Likewise: how the tries at its endpoints ended.
  [[nodiscard]] Tries recentTries(const std::string& origin, const MetricTotals& now) const;

 private:
  struct Snapshot {
    std::int64_t at = 0;  // Unix seconds
    std::map<std::string, Latency> origins;
    std::map<std::string, Tries> tries;  // by origin
  };
  std::deque<Step> steps_;
  std::deque<Snapshot> snapshots_;             // one for each step of the window
  std::map<std::string, OriginStep> counted_;  // totals at the last sample
};

}  // namespace gatewhy
