// SPDX-License-Identifier: Apache-2.0
// Series that /metrics shows at zero before anything has happened, so that
// increase() sees the first occurrence.
#pragma once

#include <cstddef>

#include "config/config.h"
#include "daemon/metrics/metric_totals.h"

namespace gatewhy {

// Beyond so many, further ones appear when they happen. An origin has all of
// its series in a metric, or none.
inline constexpr std::size_t kMostZeroSeries = 5000;

// Adds what `config` makes possible and an alert may wait for: code 200 of
// each route (a fixed answer's own code); by origin the causes of which it is
// no client's doing; the causes of a retry, where the origin has retries; the
// findings, where the response lint is on; the histograms.
void addZeroSeries(const Config& config, MetricTotals& totals);

}  // namespace gatewhy
