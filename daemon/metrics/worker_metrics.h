// SPDX-License-Identifier: Apache-2.0
// What one worker counts. Written by its thread, read by the admin thread,
// which adds the workers up. Series are found by name, so they count on over
// reloads; names come from the configuration, so their number is bounded, and
// past a limit everything further counts as "_other".
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "daemon/metrics/counters.h"
#include "daemon/metrics/duration_histogram.h"
#include "daemon/metrics/endpoint_series.h"
#include "diagnostics/event.h"

namespace gatewhy {

inline constexpr std::string_view kOtherSeries = "_other";
// The phases of an attempt, by the names of the event's `timings`.
inline constexpr std::array<std::string_view, 6> kTimedPhases = {"resolve", "connect", "tls_handshake",
                                                                 "send",    "wait",    "receive"};

struct DiagnosisKey {
  Cause cause;
  std::uint16_t status;  // 0: none is sent and none is logged
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes what the compiler writes here for ours.
  friend auto operator<=>(const DiagnosisKey&, const DiagnosisKey&) = default;
};

struct OriginSeries {
  std::string origin;  // "" = exchanges that reached no origin's part of the configuration
  SharedDurations duration;
  std::array<SharedDurations, kTimedPhases.size()> phases;
  GrowingList<KeyedCounter<DiagnosisKey>> diagnoses;
  GrowingList<KeyedCounter<Cause>> retries;
  std::array<Counter, kFindingCount> findings;
  GrowingList<KeyedCounter<std::uint8_t>> grpc_calls;  // see grpcLabel()
  GrowingList<EndpointSeries> endpoints;

  // The worker's thread only.
  std::unordered_map<std::string_view, EndpointSeries*> endpoints_by_url;
  EndpointSeries* last_endpoint = nullptr;
};

struct RouteSeries {
  std::string route;  // "" = no route was found
  OriginSeries& origin;
  GrowingList<KeyedCounter<std::uint16_t>> codes;  // see codeLabel()
};

// What clients speak: versions of HTTP by versions of TLS, as events name them.
inline constexpr std::array<std::string_view, 3> kClientHttp = {"1.0", "1.1", "2"};
inline constexpr std::array<std::string_view, 3> kClientTls = {"none", "1.2", "1.3"};
using ClientProtocols = std::array<std::array<Counter, kClientTls.size()>, kClientHttp.size()>;

class WorkerMetrics {
 public:
  static constexpr std::size_t kMostRoutes = 10000;  // series per worker, not routes of a configuration
  static constexpr std::size_t kMostOrigins = 1000;
  static constexpr std::size_t kMostEndpoints = 2000;  // of an origin

  // The worker's thread only.
  void record(const ExchangeEvent& event);

  [[nodiscard]] const GrowingList<RouteSeries>& routes() const { return routes_; }
  [[nodiscard]] const GrowingList<OriginSeries>& origins() const { return origins_; }
  [[nodiscard]] const ClientProtocols& clientProtocols() const { return client_protocols_; }
  [[nodiscard]] std::uint64_t resumedSessions() const { return resumed_.value(); }

 private:
  // Views into the series, which live as long as this.
  struct RouteKey {
    std::string_view route, origin;
    friend bool operator==(const RouteKey&, const RouteKey&) = default;
  };
  struct RouteHash {
    std::size_t operator()(const RouteKey& key) const noexcept {
      const std::hash<std::string_view> hash;
      return hash(key.route) * 31 + hash(key.origin);
    }
  };
  [[nodiscard]] RouteSeries& seriesOf(std::string_view route, std::string_view origin);
  [[nodiscard]] RouteSeries& newSeries(std::string_view route, std::string_view origin);
  [[nodiscard]] OriginSeries& originSeries(std::string_view origin);
  void recordClient(const ExchangeEvent& event);
  static void recordFailures(const ExchangeEvent& event, OriginSeries& series);
  static void recordTries(const ExchangeEvent& event, OriginSeries& series);
  [[nodiscard]] static EndpointSeries& endpointSeries(OriginSeries& origin, std::string_view endpoint);

  ClientProtocols client_protocols_;
  Counter resumed_;
  GrowingList<OriginSeries> origins_;
  GrowingList<RouteSeries> routes_;
  std::unordered_map<std::string_view, OriginSeries*> origins_by_name_;
  std::unordered_map<RouteKey, RouteSeries*, RouteHash> routes_by_name_;
  RouteSeries* last_ = nullptr;  // most exchanges go the same way as the one before
};

// The key of RouteSeries::codes as metrics name it. A status that has a
// registered or customary meaning is itself; others are kept as their first
// digit and become "4xx", so that an origin cannot make up series. 0, "none":
// nothing was sent.
[[nodiscard]] std::string codeLabel(std::uint16_t status);
// The key of OriginSeries::grpc_calls as metrics name it: a status's number.
[[nodiscard]] std::string_view grpcLabel(std::uint8_t key);

}  // namespace gatewhy
