// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/endpoint_series.h"

#include <utility>

namespace gatewhy {

void LastFailure::note(EndpointFailure failure) {
  const std::lock_guard lock(mutex_);
  last_ = std::move(failure);
}

std::optional<EndpointFailure> LastFailure::read() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void EndpointTotals::add(const EndpointSeries& series) {
  answered += series.answered.value();
  series.failures.forEach([&](const KeyedCounter<Cause>& one) { failures[one.key] += one.count.value(); });
  series.rescued.forEach([&](const KeyedCounter<Cause>& one) { rescued[one.key] += one.count.value(); });
  auto last = series.last_failure.read();
  if (last && (!last_failure || last->timestamp > last_failure->timestamp)) {
    last_failure = std::move(last);
  }
}

TryCounts EndpointTotals::tries() const {
  TryCounts counts{.answered = answered, .failed = 0};
  for (const auto& [cause, count] : failures) {
    counts.failed += cause == Cause::StaleConnection ? 0 : count;
  }
  return counts;
}

}  // namespace gatewhy
