// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/worker_metrics.h"

#include <fmt/format.h>

#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

// Codes without a name count under their first digit.
std::uint16_t boundedCode(std::uint16_t status) {
  return status == 0 || !reasonPhrase(status).empty() ? status : static_cast<std::uint16_t>(status / 100);
}

template <typename Key>
void count(GrowingList<KeyedCounter<Key>>& list, const Key& key) {
  KeyedCounter<Key>* found = list.find([&](const KeyedCounter<Key>& known) { return known.key == key; });
  (found != nullptr ? *found : list.grow(key)).count.add();
}

}  // namespace

std::string codeLabel(std::uint16_t status) {
  if (status == 0) {
    return "none";
  }
  return status < 10 ? fmt::format("{}xx", status) : fmt::format("{}", status);
}

void WorkerMetrics::record(const ExchangeEvent& event) {
  RouteSeries& route = seriesOf(event.route, event.origin);
  count(route.codes, boundedCode(event.status));
  OriginSeries& origin = route.origin;
  const Timings& timings = event.timings;
  origin.duration.observe(timings.total.value_or(0));
  const std::array<const std::optional<double>*, kTimedPhases.size()> phases = {
      &timings.resolve, &timings.connect, &timings.tls_handshake, &timings.send, &timings.wait, &timings.receive};
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (phases[i]->has_value()) {
      origin.phases[i].observe(**phases[i]);
    }
  }
  if (event.diagnosis != nullptr || event.attempts > 1) {
    recordFailures(event, origin);
  }
  for (const Finding finding : event.findings) {
    origin.findings[static_cast<std::size_t>(finding)].add();
  }
}

void WorkerMetrics::recordFailures(const ExchangeEvent& event, OriginSeries& series) {
  if (event.diagnosis != nullptr) {
    count(series.diagnoses, DiagnosisKey{event.diagnosis->cause, event.diagnosis->status});
  }
  if (event.tries == nullptr) {
    return;
  }
  for (const TryRecord& attempt : *event.tries) {
    if (attempt.retried && attempt.diagnosis) {
      count(series.retries, attempt.diagnosis->cause);
    }
  }
}

RouteSeries& WorkerMetrics::seriesOf(std::string_view route, std::string_view origin) {
  if (last_ == nullptr || last_->route != route || last_->origin.origin != origin) {
    const auto found = routes_by_name_.find({route, origin});
    last_ = found != routes_by_name_.end() ? found->second : &newSeries(route, origin);
  }
  return *last_;
}

RouteSeries& WorkerMetrics::newSeries(std::string_view route, std::string_view origin) {
  if (routes_by_name_.size() >= kMostRoutes && route != kOtherSeries) {
    return seriesOf(kOtherSeries, kOtherSeries);
  }
  OriginSeries& of_origin = originSeries(origin);
  // A full table of origins gives `_other`, which then may be known already.
  const auto known = routes_by_name_.find({route, of_origin.origin});
  if (known != routes_by_name_.end()) {
    return *known->second;
  }
  RouteSeries& made = routes_.grow(std::string(route), of_origin);
  routes_by_name_.emplace(RouteKey{made.route, made.origin.origin}, &made);
  return made;
}

OriginSeries& WorkerMetrics::originSeries(std::string_view origin) {
  const auto found = origins_by_name_.find(origin);
  if (found != origins_by_name_.end()) {
    return *found->second;
  }
  if (origins_by_name_.size() >= kMostOrigins && origin != kOtherSeries) {
    return originSeries(kOtherSeries);
  }
  OriginSeries& made = origins_.grow(std::string(origin));
  origins_by_name_.emplace(made.origin, &made);
  return made;
}

}  // namespace gatewhy
