// SPDX-License-Identifier: Apache-2.0
// GET /metrics: the Prometheus text format 0.0.4, or OpenMetrics 1.0 for who
// accepts it.
#pragma once

#include <string>
#include <string_view>

#include "daemon/daemon_view.h"
#include "daemon/metrics/certificate_expiry.h"
#include "daemon/metrics/metrics_writer.h"
#include "daemon/metrics/traffic_history.h"

namespace gatewhy {

// OpenMetrics only for who names it.
[[nodiscard]] MetricsFormat negotiateMetrics(std::string_view accept);
[[nodiscard]] std::string_view contentType(MetricsFormat format);

// Series that the configuration allows are there from the start, at zero, so
// that the first failure is an increase; up to a limit, past which they appear
// as they happen. `bound`: the same for every page of a process. OpenMetrics carries the trace ids of recent failures.
[[nodiscard]] std::string metricsPage(const DaemonView& daemon, const TrafficHistory& history,
                                      const std::vector<ListenerCertificate>& certificates, SeriesBound& bound,
                                      MetricsFormat format);

// docs/metrics.md.
[[nodiscard]] std::string metricsManual();

}  // namespace gatewhy
