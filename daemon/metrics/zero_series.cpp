// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/zero_series.h"

#include <functional>
#include <vector>

#include "diagnostics/diagnosis.h"

namespace gatewhy {
namespace {

class Budget {
 public:
  // What does not fit ends it: what comes later is worth less.
  bool take(std::size_t series) {
    left_ = series <= left_ ? left_ - series : 0;
    return left_ != 0;
  }

 private:
  std::size_t left_ = kMostZeroSeries + 1;
};

// What clients do appears when it happens, and what the configuration answers
// itself is no surprise.
bool concernsOrigins(const CauseInfo& row) {
  return row.phase != Phase::ClientRequest && row.blame != Blame::Client && row.cause != Cause::NoRoute &&
         row.cause != Cause::FixedResponse && row.cause != Cause::SilentDrop && row.cause != Cause::LoginQueueFull &&
         row.cause != Cause::LoginServiceFailed && row.cause != Cause::HealthStatusUnexpected;
}

// Before a route gives a request its origin.
bool concernsNoOrigin(const CauseInfo& row) {
  return row.cause == Cause::NoRoute || (row.phase == Phase::Internal && row.blame == Blame::Proxy) ||
         row.cause == Cause::ProxyDraining || row.cause == Cause::LoginQueueFull ||
         row.cause == Cause::LoginServiceFailed;
}

std::vector<Cause> causesThat(const std::function<bool(const CauseInfo&)>& hold) {
  std::vector<Cause> causes;
  for (const CauseInfo& row : allCauses()) {
    if (hold(row)) {
      causes.push_back(row.cause);
    }
  }
  return causes;
}

// As Exchange::mayRetry(): a second endpoint, or a fresh connection in the
// place of one that had gone stale.
std::vector<Cause> retryCauses(const OriginConfig& origin) {
  if (origin.retry.attempts == 0) {
    return {};
  }
  const bool alone = origin.endpoints.size() < 2;
  return causesThat([alone](const CauseInfo& row) {
    return row.retry != Retry::Never && (!alone || row.cause == Cause::StaleConnection);
  });
}

}  // namespace

void addZeroSeries(const Config& config, MetricTotals& totals) {
  Budget budget;
  for (const RouteConfig& route : config.routes) {
    const std::uint16_t code = route.respond ? route.respond->status : std::uint16_t{200};
    const auto add = [&](const std::string& origin) {
      if (budget.take(1)) {
        totals.exchanges[{.route = route.name, .origin = origin, .code = code}] += 0;
      }
    };
    if (route.respond) {
      add("");
    } else if (route.origins.empty()) {
      add(config.origins[route.origin].name);
    }
    for (const WeightedOrigin& share : route.origins) {
      add(config.origins[share.origin].name);
    }
  }
  const auto add_diagnoses = [&](const std::string& origin, const std::vector<Cause>& causes) {
    OriginTotals& series = totals.origins[origin];
    if (budget.take(causes.size())) {
      for (const Cause cause : causes) {
        series.diagnoses[{cause, reportedStatus(cause, config.diagnostics.policy)}] += 0;
      }
    }
  };
  add_diagnoses("", causesThat(concernsNoOrigin));
  const std::vector<Cause> of_origins = causesThat(concernsOrigins);
  for (const OriginConfig& origin : config.origins) {
    add_diagnoses(origin.name, of_origins);
  }
  for (const OriginConfig& origin : config.origins) {
    const std::vector<Cause> causes = retryCauses(origin);
    if (budget.take(causes.size())) {
      for (const Cause cause : causes) {
        totals.origins[origin.name].retries[cause] += 0;
      }
    }
  }
  for (const OriginConfig& origin : config.origins) {
    if (config.diagnostics.lint && budget.take(kFindingCount)) {
      for (std::size_t i = 0; i < kFindingCount; ++i) {
        totals.origins[origin.name].findings[static_cast<Finding>(i)] += 0;
      }
    }
  }
  constexpr std::size_t kHistogramsOfOrigin = 1 + kTimedPhases.size();
  for (auto& [name, origin] : totals.origins) {
    origin.durations_shown = budget.take(kHistogramsOfOrigin * kHistogramLines);
  }
}

}  // namespace gatewhy
