// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/traffic_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace gatewhy {
namespace {

// Failures that exemplars are taken from: all that are kept, so that a rare cause has one.
constexpr std::size_t kExemplarsFrom = RecentFailures::Limits{}.records;

using Exemplars = std::map<std::pair<std::string, DiagnosisKey>, Exemplar>;

std::string statusLabel(std::uint16_t status) {
  return status == 0 ? "none" : fmt::format("{}", status);
}

}  // namespace

void writeTraffic(MetricsWriter& page, const MetricTotals& totals, const RecentFailures& failures) {
  Exemplars latest;
  std::map<std::string, std::array<Exemplar, kBucketBoundsMs.size() + 1>> slow;
  for (const FailurePtr& record : failures.newest({}, kExemplarsFrom).records) {
    if (!record->cause) {
      continue;
    }
    const Exemplar exemplar{
        .trace_id = record->trace_id,
        .value = record->total_ms / 1000,
        .at = std::chrono::duration<double>(record->timestamp.time_since_epoch()).count() + record->total_ms / 1000};
    latest[{record->origin, {*record->cause, record->status}}] = exemplar;
    const auto bucket = std::lower_bound(kBucketBoundsMs.begin(), kBucketBoundsMs.end(), record->total_ms);
    slow[record->origin][static_cast<std::size_t>(bucket - kBucketBoundsMs.begin())] = exemplar;
  }
  page.begin(Metric::Exchanges);
  for (const auto& [key, count] : totals.exchanges) {
    page.count({{"route", key.route}, {"origin", key.origin}, {"code", codeLabel(key.code)}}, 2, count);
  }
  page.begin(Metric::Diagnoses);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [key, count] : origin.diagnoses) {
      const auto exemplar = latest.find({name, key});
      Exemplar one;
      if (exemplar != latest.end()) {
        one = exemplar->second;
        one.value = 1;
      }
      page.count({{"origin", name}, {"cause", gatewhy::name(key.cause)}, {"status", statusLabel(key.status)}}, 1, count,
                 &one);
    }
  }
  page.begin(Metric::ExchangeDuration);
  for (const auto& [name, origin] : totals.origins) {
    if (!origin.durations_shown && origin.duration.count() == 0) {
      continue;
    }
    BucketExemplars exemplars{};
    for (std::size_t i = 0; i < exemplars.size(); ++i) {
      exemplars[i] = &slow[name][i];
    }
    page.histogram({{"origin", name}}, 1, origin.duration, exemplars);
  }
  page.begin(Metric::PhaseDuration);
  for (const auto& [name, origin] : totals.origins) {
    for (std::size_t i = 0; i < origin.phases.size(); ++i) {
      if (!name.empty() && (origin.durations_shown || origin.phases[i].count() != 0)) {
        page.histogram({{"origin", name}, {"phase", kTimedPhases[i]}}, 1, origin.phases[i], {});
      }
    }
  }
}

void writePercentiles(MetricsWriter& page, const MetricTotals& totals, const TrafficHistory& history) {
  page.begin(Metric::DurationPercentile);
  for (const auto& [name, origin] : totals.origins) {
    const TrafficHistory::Latency latency = history.recentLatency(name, totals);
    const auto write = [&page, origin_name = std::string_view(name)](std::string_view phase,
                                                                     const DurationHistogram& durations) {
      for (const auto& [label, q] : {std::pair("50", 0.5), std::pair("90", 0.9), std::pair("99", 0.99)}) {
        if (durations.count() != 0) {
          page.sample({{"origin", origin_name}, {"phase", phase}, {"percentile", label}},
                      fmt::format("{:.6g}", durations.quantileMs(q) / 1000));
        }
      }
    };
    write("exchange", latency.duration);
    for (std::size_t i = 0; i < latency.phases.size(); ++i) {
      write(kTimedPhases[i], latency.phases[i]);
    }
  }
}

void writeClients(MetricsWriter& page, const MetricTotals& totals) {
  page.begin(Metric::ClientExchanges);
  for (std::size_t http = 0; http < kClientHttp.size(); ++http) {
    for (std::size_t tls = 0; tls < kClientTls.size(); ++tls) {
      page.sample({{"http", kClientHttp[http]}, {"tls", kClientTls[tls]}}, totals.client_protocols[http][tls]);
    }
  }
  writeSingle(page, Metric::ClientResumed, totals.resumed_sessions);
}

}  // namespace gatewhy
