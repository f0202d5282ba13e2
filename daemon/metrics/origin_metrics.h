// SPDX-License-Identifier: Apache-2.0
// The rows of /metrics about origins and their endpoints.
#pragma once

#include "daemon/daemon_view.h"
#include "daemon/metrics/metric_totals.h"
#include "daemon/metrics/metrics_writer.h"

namespace gatewhy {

void writeOrigins(MetricsWriter& page, const DaemonView& daemon, const MetricTotals& totals);

}  // namespace gatewhy
