// SPDX-License-Identifier: Apache-2.0
// The counters of all workers added up.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/metrics/worker_metrics.h"

namespace gatewhy {

struct OriginTotals {
  bool durations_shown = false;  // by /metrics, before there are any
  DurationHistogram duration;
  std::array<DurationHistogram, kTimedPhases.size()> phases;
  std::map<DiagnosisKey, std::uint64_t> diagnoses;
  std::map<Cause, std::uint64_t> retries;
  std::map<Finding, std::uint64_t> findings;
  std::map<std::uint8_t, std::uint64_t> grpc_calls;  // see grpcLabel()
  std::map<std::string, EndpointTotals> endpoints;   // by URL

  [[nodiscard]] std::map<Cause, std::uint64_t> byCause() const;
};

struct RouteKeyTotals {
  std::string route, origin;
  std::uint16_t code = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes what the compiler writes here for ours.
  friend auto operator<=>(const RouteKeyTotals&, const RouteKeyTotals&) = default;
};

struct MetricTotals {
  std::array<std::array<std::uint64_t, kClientTls.size()>, kClientHttp.size()> client_protocols{};
  std::uint64_t resumed_sessions = 0;
  std::map<std::string, OriginTotals> origins;
  std::map<RouteKeyTotals, std::uint64_t> exchanges;
};

[[nodiscard]] MetricTotals totalsOf(const std::vector<std::unique_ptr<WorkerMetrics>>& workers);

}  // namespace gatewhy
