// SPDX-License-Identifier: Apache-2.0
// The rows of /metrics about exchanges: what clients got, what went wrong, how
// long it took.
#pragma once

#include "daemon/admin/recent_failures.h"
#include "daemon/metrics/metric_totals.h"
#include "daemon/metrics/metrics_writer.h"
#include "daemon/metrics/traffic_history.h"

namespace gatewhy {

// With the trace ids of `failures`.
void writeTraffic(MetricsWriter& page, const MetricTotals& totals, const RecentFailures& failures);
// Of the last minutes, as the live page has them: buckets are too coarse for that.
void writePercentiles(MetricsWriter& page, const MetricTotals& totals, const TrafficHistory& history);
// What clients speak.
void writeClients(MetricsWriter& page, const MetricTotals& totals);

}  // namespace gatewhy
