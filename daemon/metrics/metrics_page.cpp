// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/metrics_page.h"

#include <utility>

#include "daemon/metrics/origin_metrics.h"
#include "daemon/metrics/process_metrics.h"
#include "daemon/metrics/traffic_metrics.h"
#include "daemon/metrics/zero_series.h"

namespace gatewhy {

MetricsFormat negotiateMetrics(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? MetricsFormat::Text
                                                                               : MetricsFormat::OpenMetrics;
}

std::string_view contentType(MetricsFormat format) {
  switch (format) {
    case MetricsFormat::Text:
      return "text/plain; version=0.0.4; charset=utf-8";
    case MetricsFormat::OpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return {};
}

std::string metricsPage(const DaemonView& daemon, const TrafficHistory& history,
                        const std::vector<ListenerCertificate>& certificates, SeriesBound& bound,
                        MetricsFormat format) {
  MetricTotals totals = totalsOf(daemon.metrics);
  addZeroSeries(*daemon.generation()->config, totals);
  MetricsWriter page(format, bound);
  page.begin(Metric::BuildInfo);
  page.sample({{"version", GATEWHY_VERSION}}, 1);
  writeSingle(page, Metric::Ready, daemon.readiness == Readiness::Ready ? 1 : 0);
  writeTraffic(page, totals, daemon.failures);
  writePercentiles(page, totals, history);
  writeSingle(page, Metric::ExchangesInFlight, daemon.counters.exchanges_in_flight.load());
  writeClients(page, totals);
  writeSingle(page, Metric::ClientConnections, daemon.counters.client_connections.load());
  writeOrigins(page, daemon, totals);
  writeCertificates(page, daemon, certificates);
  writeConfiguration(page, daemon);
  writeLog(page, daemon.log->states());
  writeSingle(page, Metric::StreamMissed, daemon.streams_missed.load());
  writeSingle(page, Metric::FoldedSeries, page.folded());
  writeProcess(page);
  return std::move(page).finish();
}

}  // namespace gatewhy
