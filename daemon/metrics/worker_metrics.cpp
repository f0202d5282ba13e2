// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/worker_metrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/grpc_status.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

// Codes without a name count under their first digit.
std::uint16_t boundedCode(std::uint16_t status) {
  return status == 0 || !reasonPhrase(status).empty() ? status : static_cast<std::uint16_t>(status / 100);
}

// Behind those of gRPC.
constexpr std::uint8_t kOtherGrpcStatus = kGrpcStatusCount;
constexpr std::uint8_t kNoGrpcStatus = kGrpcStatusCount + 1;

std::uint8_t boundedGrpcStatus(const GrpcFacts& call) {
  return call.status ? static_cast<std::uint8_t>(std::min<std::uint32_t>(*call.status, kOtherGrpcStatus))
                     : kNoGrpcStatus;
}

}  // namespace

std::string_view grpcLabel(std::uint8_t key) {
  return key == kNoGrpcStatus ? "none" : key == kOtherGrpcStatus ? "other" : grpcStatusName(key);
}

std::string codeLabel(std::uint16_t status) {
  if (status == 0) {
    return "none";
  }
  return status < 10 ? fmt::format("{}xx", status) : fmt::format("{}", status);
}

void WorkerMetrics::record(const ExchangeEvent& event) {
  RouteSeries& route = seriesOf(event.route, event.origin);
  countOne(route.codes, boundedCode(event.status));
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
  if (!event.endpoint.empty()) {
    recordTries(event, origin);
  }
  for (const Finding finding : event.findings) {
    origin.findings[static_cast<std::size_t>(finding)].add();
  }
  if (event.grpc != nullptr) {
    countOne(origin.grpc_calls, boundedGrpcStatus(*event.grpc));
  }
  recordClient(event);
}

// What met no request has no version.
void WorkerMetrics::recordClient(const ExchangeEvent& event) {
  const auto http = std::find(kClientHttp.begin(), kClientHttp.end(), event.protocol_version);
  const std::string_view version = event.tls == nullptr ? kClientTls.front() : std::string_view(event.tls->version);
  const auto tls = std::find(kClientTls.begin(), kClientTls.end(), version);
  if (http == kClientHttp.end() || tls == kClientTls.end()) {
    return;
  }
  client_protocols_[static_cast<std::size_t>(http - kClientHttp.begin())]
                   [static_cast<std::size_t>(tls - kClientTls.begin())]
                       .add();
  resumed_.add(event.tls != nullptr && event.tls->resumed ? 1 : 0);
}

void WorkerMetrics::recordFailures(const ExchangeEvent& event, OriginSeries& series) {
  if (event.diagnosis != nullptr) {
    countOne(series.diagnoses, DiagnosisKey{event.diagnosis->cause, event.diagnosis->status});
  }
  if (event.tries == nullptr) {
    return;
  }
  for (const TryRecord& attempt : *event.tries) {
    if (attempt.retried && attempt.diagnosis) {
      countOne(series.retries, attempt.diagnosis->cause);
    }
  }
}

// An endpoint's name may have several addresses, and a failed one that another
// made good is none of the endpoint's failures.
void WorkerMetrics::recordTries(const ExchangeEvent& event, OriginSeries& series) {
  const bool answered = event.outcome == Outcome::Success;
  const auto note = [&](std::string_view endpoint, const Diagnosis* diagnosis, bool last) {
    EndpointSeries& of_endpoint = endpointSeries(series, endpoint);
    if (diagnosis == nullptr) {
      // Without a fault of its own where its client left: that answers nothing.
      of_endpoint.answered.add(answered || event.origin_status != 0 ? 1 : 0);
      return;
    }
    if (diagnosis->blame == Blame::Client) {
      return;
    }
    countOne(of_endpoint.failures, diagnosis->cause);
    const bool rescued = answered && !last;
    if (rescued) {
      countOne(of_endpoint.rescued, diagnosis->cause);
    }
    of_endpoint.last_failure.note({.timestamp = event.timestamp,
                                   .request_id = std::string(event.request_id),
                                   .cause = diagnosis->cause,
                                   .rescued = rescued});
  };
  if (event.tries == nullptr || event.tries->empty()) {
    const bool own = event.diagnosis != nullptr && event.diagnosis->blame != Blame::Client;
    note(event.endpoint, own ? event.diagnosis : nullptr, true);
    return;
  }
  for (const TryRecord& attempt : *event.tries) {
    const bool last = &attempt == &event.tries->back();
    if (last || attempt.retried) {
      note(attempt.endpoint, attempt.diagnosis ? &*attempt.diagnosis : nullptr, last);
    }
  }
}

EndpointSeries& WorkerMetrics::endpointSeries(OriginSeries& origin, std::string_view endpoint) {
  if (origin.last_endpoint != nullptr && origin.last_endpoint->endpoint == endpoint) {
    return *origin.last_endpoint;
  }
  const auto found = origin.endpoints_by_url.find(endpoint);
  if (found != origin.endpoints_by_url.end()) {
    origin.last_endpoint = found->second;
    return *found->second;
  }
  if (origin.endpoints_by_url.size() >= kMostEndpoints && endpoint != kOtherSeries) {
    return endpointSeries(origin, kOtherSeries);
  }
  EndpointSeries& made = origin.endpoints.grow(std::string(endpoint));
  origin.endpoints_by_url.emplace(made.endpoint, &made);
  origin.last_endpoint = &made;
  return made;
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
