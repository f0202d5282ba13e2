// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/metric_totals.h"

namespace gatewhy {

std::map<Cause, std::uint64_t> OriginTotals::byCause() const {
  std::map<Cause, std::uint64_t> causes;
  for (const auto& [key, count] : diagnoses) {
    causes[key.cause] += count;
  }
  return causes;
}

MetricTotals totalsOf(const std::vector<std::unique_ptr<WorkerMetrics>>& workers) {
  MetricTotals totals;
  const auto into = [](auto& map) {
    return [&map](const auto& counter) { map[counter.key] += counter.count.value(); };
  };
  for (const auto& worker : workers) {
    worker->origins().forEach([&](const OriginSeries& series) {
      OriginTotals& origin = totals.origins[series.origin];
      origin.duration.merge(series.duration.read());
      for (std::size_t i = 0; i < origin.phases.size(); ++i) {
        origin.phases[i].merge(series.phases[i].read());
      }
      series.diagnoses.forEach(into(origin.diagnoses));
      series.retries.forEach(into(origin.retries));
      series.grpc_calls.forEach(into(origin.grpc_calls));
      series.endpoints.forEach(
          [&](const EndpointSeries& of_endpoint) { origin.endpoints[of_endpoint.endpoint].add(of_endpoint); });
      for (std::size_t i = 0; i < series.findings.size(); ++i) {
        if (const std::uint64_t count = series.findings[i].value(); count != 0) {
          origin.findings[static_cast<Finding>(i)] += count;
        }
      }
    });
    for (std::size_t http = 0; http < kClientHttp.size(); ++http) {
      for (std::size_t tls = 0; tls < kClientTls.size(); ++tls) {
        totals.client_protocols[http][tls] += worker->clientProtocols()[http][tls].value();
      }
    }
    totals.resumed_sessions += worker->resumedSessions();
    worker->routes().forEach([&](const RouteSeries& series) {
      series.codes.forEach([&](const KeyedCounter<std::uint16_t>& counter) {
        totals.exchanges[{.route = series.route, .origin = series.origin.origin, .code = counter.key}] +=
            counter.count.value();
      });
    });
  }
  return totals;
}

}  // namespace gatewhy
