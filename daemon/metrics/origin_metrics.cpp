// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/origin_metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "daemon/metrics/worker_metrics.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {
namespace {

constexpr std::array<std::pair<HealthChange, std::string_view>, 4> kHealthStates{
    {{HealthChange::Ejected, "ejected"},
     {HealthChange::Recovered, "recovered"},
     {HealthChange::Down, "down"},
     {HealthChange::Up, "up"}}};

void writeHealth(MetricsWriter& page, const Generation& generation, TimePoint now) {
  const auto& origins = generation.config->origins;
  page.begin(Metric::EndpointHealthChanges);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    for (std::size_t j = 0; j < origins[i].endpoints.size(); ++j) {
      for (const auto& [change, state] : kHealthStates) {
        const bool possible = change == HealthChange::Ejected || change == HealthChange::Recovered
                                  ? origins[i].eject && origins[i].endpoints.size() > 1
                                  : origins[i].health.has_value();
        const std::uint64_t count = generation.origins[i].endpoints[j]->health_changes.of(change);
        if (possible || count != 0) {
          page.count({{"origin", origins[i].name}, {"endpoint", origins[i].endpoints[j].url}, {"state", state}}, 2,
                     count);
        }
      }
    }
  }
  page.begin(Metric::OriginPanic);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const OriginRuntime& runtime = generation.origins[i];
    page.sample({{"origin", origins[i].name}},
                OriginHealth(origins[i], runtime.endpoints, runtime.state).wouldPanic(now) ? 1 : 0);
  }
  page.begin(Metric::HealthChecks);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    if (origins[i].health) {
      std::uint64_t failed = 0;
      for (const auto& [cause, count] : generation.origins[i].state->checks.failed()) {
        failed += count;
      }
      page.count({{"origin", origins[i].name}, {"outcome", "passed"}}, 1, generation.origins[i].state->checks.passed());
      page.count({{"origin", origins[i].name}, {"outcome", "failed"}}, 1, failed);
    }
  }
  page.begin(Metric::HealthCheckFailures);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    for (const auto& [cause, count] : generation.origins[i].state->checks.failed()) {
      page.count({{"origin", origins[i].name}, {"cause", gatewhy::name(cause)}}, 1, count);
    }
  }
}

// By endpoint: what a retry saved is no failure anywhere else.
void writeTries(MetricsWriter& page, const Config& config, const MetricTotals& totals) {
  const EndpointTotals none;
  const auto each = [&](const auto& visit) {
    for (const OriginConfig& origin : config.origins) {
      const auto of_origin = totals.origins.find(origin.name);
      for (const EndpointConfig& endpoint : origin.endpoints) {
        const auto* found = &none;
        if (of_origin != totals.origins.end()) {
          const auto of_endpoint = of_origin->second.endpoints.find(endpoint.url);
          found = of_endpoint == of_origin->second.endpoints.end() ? &none : &of_endpoint->second;
        }
        visit(origin.name, endpoint.url, *found);
      }
    }
  };
  page.begin(Metric::EndpointAnswered);
  each([&](const std::string& origin, const std::string& endpoint, const EndpointTotals& of) {
    page.count({{"origin", origin}, {"endpoint", endpoint}}, 2, of.answered);
  });
  page.begin(Metric::EndpointFailures);
  each([&](const std::string& origin, const std::string& endpoint, const EndpointTotals& of) {
    for (const auto& [cause, count] : of.failures) {
      page.count({{"origin", origin}, {"endpoint", endpoint}, {"cause", gatewhy::name(cause)}}, 2, count);
    }
  });
  page.begin(Metric::EndpointRescued);
  each([&](const std::string& origin, const std::string& endpoint, const EndpointTotals& of) {
    for (const auto& [cause, count] : of.rescued) {
      page.count({{"origin", origin}, {"endpoint", endpoint}, {"cause", gatewhy::name(cause)}}, 2, count);
    }
  });
}

// keep_alive.timeout: auto.
void writeIdleLessons(MetricsWriter& page, const Generation& generation, TimePoint now) {
  const Config& config = *generation.config;
  const auto each = [&](const auto& visit) {
    for (std::size_t i = 0; i < config.origins.size(); ++i) {
      for (std::size_t j = 0; config.origins[i].keep_alive.learn && j < config.origins[i].endpoints.size(); ++j) {
        visit(config.origins[i].name, config.origins[i].endpoints[j].url,
              generation.origins[i].endpoints[j]->idleLesson());
      }
    }
  };
  const auto seconds = [](std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; };
  page.begin(Metric::IdleLimit);
  each([&](const std::string& origin, const std::string& endpoint, const IdleLesson& lesson) {
    if (const auto limit = lesson.limit(now)) {
      page.sample({{"origin", origin}, {"endpoint", endpoint}}, seconds(limit->value));
    }
  });
  page.begin(Metric::KeepAliveTimeout);
  each([&](const std::string& origin, const std::string& endpoint, const IdleLesson& lesson) {
    page.sample({{"origin", origin}, {"endpoint", endpoint}}, seconds(lesson.timeout(now)));
  });
}

}  // namespace

void writeOrigins(MetricsWriter& page, const DaemonView& daemon, const MetricTotals& totals) {
  const GenerationPtr generation = daemon.generation();
  const Config& config = *generation->config;
  std::map<std::string, std::size_t> idle;
  for (const ParkedCount& parked : daemon.count_parked()) {
    idle[parked.origin] += parked.connections;
  }
  page.begin(Metric::OriginConnections);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    const std::string& name = config.origins[i].name;
    std::size_t open = 0;
    for (const auto& endpoint : generation->origins[i].endpoints) {
      open += endpoint->connections();
    }
    const std::size_t parked = std::min(idle[name], open);
    page.sample({{"origin", name}, {"state", "in_use"}}, open - parked);
    page.sample({{"origin", name}, {"state", "idle"}}, parked);
  }
  page.begin(Metric::OriginWaiting);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    page.sample({{"origin", config.origins[i].name}}, generation->origins[i].state->waiting.load());
  }
  const TimePoint now = EventLoop::now();
  page.begin(Metric::EndpointUp);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    for (std::size_t j = 0; j < config.origins[i].endpoints.size(); ++j) {
      page.sample({{"origin", config.origins[i].name}, {"endpoint", config.origins[i].endpoints[j].url}},
                  generation->origins[i].endpoints[j]->health.usable(now) ? 1 : 0);
    }
  }
  writeHealth(page, *generation, now);
  writeTries(page, config, totals);
  page.begin(Metric::Retries);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [cause, count] : origin.retries) {
      page.count({{"origin", name}, {"cause", gatewhy::name(cause)}}, 1, count);
    }
  }
  page.begin(Metric::Findings);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [finding, count] : origin.findings) {
      page.count({{"origin", name}, {"finding", gatewhy::name(finding)}}, 1, count);
    }
  }
  page.begin(Metric::GrpcCalls);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [code, count] : origin.grpc_calls) {
      page.sample({{"origin", name}, {"code", grpcLabel(code)}}, count);
    }
  }
  writeIdleLessons(page, *generation, now);
  page.begin(Metric::UnsolicitedBytes);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    page.count({{"origin", config.origins[i].name}}, 1, generation->origins[i].state->unsolicited.count());
  }
  page.begin(Metric::OriginCertificateExpiry);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    for (std::size_t j = 0; j < config.origins[i].endpoints.size(); ++j) {
      if (const std::int64_t expiry = generation->origins[i].endpoints[j]->certificateTerm().not_after; expiry != 0) {
        page.sample({{"origin", config.origins[i].name}, {"endpoint", config.origins[i].endpoints[j].url}}, expiry);
      }
    }
  }
}

}  // namespace gatewhy
