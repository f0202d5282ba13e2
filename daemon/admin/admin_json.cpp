// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iterator>
#include <set>

#include "daemon/endpoint_condition.h"
#include "daemon/metrics/metric_totals.h"
#include "diagnostics/json_writer.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {
namespace {

using SystemClock = std::chrono::system_clock;

std::int64_t unixSeconds(SystemClock::time_point when) {
  return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

std::string_view readinessName(Readiness readiness) {
  switch (readiness) {
    case Readiness::Starting:
      return "starting";
    case Readiness::Ready:
      return "ready";
    case Readiness::Draining:
      return "draining";
  }
  return {};
}

void writeLatency(JsonWriter& json, std::string_view key, const DurationHistogram& reading) {
  if (reading.count() == 0) {
    return;
  }
  json.beginObject(key);
  json.memberUnsigned("count", reading.count());
  json.memberNumber("p50", reading.quantileMs(0.5));
  json.memberNumber("p90", reading.quantileMs(0.9));
  json.memberNumber("p99", reading.quantileMs(0.99));
  json.endObject();
}

void writeRecentLatency(JsonWriter& json, const TrafficHistory::Latency& latency) {
  json.beginObject("latency_ms");
  json.memberInteger("window_s", TrafficHistory::kLatencyWindow.count());
  writeLatency(json, "exchange", latency.duration);
  for (std::size_t i = 0; i < kTimedPhases.size(); ++i) {
    writeLatency(json, kTimedPhases[i], latency.phases[i]);
  }
  json.endObject();
}

void writeCounts(JsonWriter& json, std::string_view key, const std::map<Cause, std::uint64_t>& causes) {
  json.beginObject(key);
  for (const auto& [cause, count] : causes) {
    json.memberUnsigned(name(cause), count);
  }
  json.endObject();
}

void writeLastFailure(JsonWriter& json, const DaemonView& daemon, const std::string& origin) {
  FailureFilter filter;
  filter.origin = origin;
  const RecentFailures::Page page = daemon.failures.newest(filter, 1);
  if (page.records.empty()) {
    return;
  }
  const FailureRecord& record = *page.records.front();
  json.beginObject("last_failure");
  json.memberUnsigned("id", record.id);
  json.member("timestamp", timestampText(unixSeconds(record.timestamp)));
  json.member("request_id", record.request_id);
  if (record.cause) {
    json.member("cause", name(*record.cause));
  }
  if (record.status != 0) {
    json.memberUnsigned("status", record.status);
  }
  json.endObject();
}

using ParkedByEndpoint = std::map<std::pair<std::string, std::string>, std::size_t>;

std::string_view checkName(EndpointHealth::CheckState state) {
  switch (state) {
    case EndpointHealth::CheckState::Unknown:
      return "unknown";
    case EndpointHealth::CheckState::Up:
      return "up";
    case EndpointHealth::CheckState::Down:
      return "down";
  }
  return "";
}

std::int64_t unixTimeOf(TimePoint when, TimePoint now) {
  return unixSeconds(SystemClock::now() - std::chrono::duration_cast<SystemClock::duration>(now - when));
}

void writeHealth(JsonWriter& json, const OriginConfig& origin, const EndpointState& state, TimePoint now) {
  const EndpointHealth& health = state.health;
  if (const auto why = health.why(now)) {
    if (why->until) {
      json.memberInteger("ejected_for_ms", std::max<std::int64_t>(0, std::llround(millisBetween(now, *why->until))));
    }
    json.member("source", name(why->source));
    json.member("since", timestampText(unixTimeOf(why->since, now)));
    if (why->cause) {
      json.member("cause", name(*why->cause));
      json.member("summary", state.words.of(why->source));
    }
  }
  if (origin.health) {
    json.member("check", checkName(health.checkState()));
  }
}

void writeTries(JsonWriter& json, const EndpointTotals& totals, const TryCounts& recent) {
  json.beginObject("recent");
  json.memberInteger("window_s", TrafficHistory::kLatencyWindow.count());
  json.memberUnsigned("answered", recent.answered);
  json.memberUnsigned("failed", recent.failed);
  json.endObject();
  writeCounts(json, "failures", totals.failures);
  writeCounts(json, "rescued", totals.rescued);
  if (const auto& last = totals.last_failure) {
    json.beginObject("last_failure");
    json.member("timestamp", timestampText(unixSeconds(last->timestamp)));
    json.member("request_id", last->request_id);
    json.member("cause", name(last->cause));
    json.memberBoolean("rescued", last->rescued);
    json.endObject();
  }
}

// keep_alive.timeout: auto.
void writeIdleLesson(JsonWriter& json, const IdleLesson& lesson, TimePoint now) {
  json.beginObject("keep_alive");
  json.memberInteger("timeout_ms", lesson.timeout(now).count());
  if (const auto limit = lesson.limit(now)) {
    json.memberInteger("limit_ms", limit->value.count());
    json.member("learned_from", name(limit->source));
  }
  json.endObject();
}

// What else is known of an origin than its configuration and runtime.
struct OriginFacts {
  const ParkedByEndpoint& parked;
  const OriginTotals& totals;
  const TrafficHistory::Tries tries;
};

// Of an endpoint whose name has several addresses: each of them.
void writeHosts(JsonWriter& json, const OriginConfig& origin, const HostSet& named, TimePoint now) {
  json.beginArray("hosts");
  for (const NamedHost& host : named.hosts) {
    json.beginObject();
    json.member("address", host.text);
    switch (host.state->health.standing(now)) {
      case EndpointHealth::Standing::InUse:
      case EndpointHealth::Standing::Drained:  // an endpoint's, not a host's
        json.member("state", "in_use");
        break;
      case EndpointHealth::Standing::Ejected:
        json.member("state", name(EndpointCondition::Ejected));
        break;
      case EndpointHealth::Standing::Down:
        json.member("state", name(EndpointCondition::DownByCheck));
        break;
    }
    writeHealth(json, origin, *host.state, now);
    json.memberUnsigned("connections", host.state->connections());
    json.endObject();
  }
  json.endArray();
}

void writeEndpoints(JsonWriter& json, const OriginConfig& origin, const OriginRuntime& runtime,
                    const OriginFacts& facts) {
  const TimePoint now = EventLoop::now();
  json.beginArray("endpoints");
  for (std::size_t i = 0; i < origin.endpoints.size(); ++i) {
    const EndpointConfig& endpoint = origin.endpoints[i];
    const auto spokesman = spokesmanOf(runtime.endpoints[i], now);
    const EndpointState& state = *spokesman;
    json.beginObject();
    json.member("url", endpoint.url);
    json.memberUnsigned("weight", endpoint.weight);
    json.memberBoolean("backup", endpoint.backup);
    const auto tries = facts.tries.find(endpoint.url);
    const TryCounts recent = tries == facts.tries.end() ? TryCounts() : tries->second;
    json.member("state", name(conditionOf(state, now, recent)));
    writeHealth(json, origin, state, now);
    const std::size_t open = connectionsOf(*runtime.endpoints[i]);
    const auto found = facts.parked.find({origin.name, endpoint.url});
    const std::size_t idle = found == facts.parked.end() ? 0 : std::min(found->second, open);
    json.beginObject("connections");
    json.memberUnsigned("in_use", open - idle);
    json.memberUnsigned("idle", idle);
    json.memberUnsigned("limit", origin.limits.connections);
    json.endObject();
    if (origin.keep_alive.learn) {
      writeIdleLesson(json, state.idleLesson(), now);
    }
    const auto totals = facts.totals.endpoints.find(endpoint.url);
    writeTries(json, totals == facts.totals.endpoints.end() ? EndpointTotals() : totals->second, recent);
    if (const CertificateTerm term = runtime.endpoints[i]->certificateTerm(); term.not_after != 0) {
      json.beginObject("certificate");
      json.member("not_after", timestampText(term.not_after));
      json.endObject();
    }
    if (const auto named = runtime.endpoints[i]->name.hosts()) {
      writeHosts(json, origin, *named, now);
    }
    json.endObject();
  }
  json.endArray();
}

void writeOrigin(JsonWriter& json, const OriginTotals& totals, const TrafficHistory::Latency& latency) {
  std::uint64_t failures = 0;
  const auto causes = totals.byCause();
  for (const auto& [cause, count] : causes) {
    failures += count;
  }
  json.memberUnsigned("exchanges", totals.duration.count());
  json.memberUnsigned("failures", failures);
  writeCounts(json, "causes", causes);
  writeRecentLatency(json, latency);
}

}  // namespace

std::string statusJson(const DaemonView& daemon, const std::vector<ListenerCertificate>& certificates) {
  const GenerationPtr generation = daemon.generation();
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("version", GATEWHY_VERSION);
  json.memberInteger("pid", ::getpid());
  json.member("now", timestampText(unixSeconds(SystemClock::now())));
  json.member("started", timestampText(unixSeconds(daemon.started)));
  json.member("readiness", readinessName(daemon.readiness));
  json.beginObject("config");
  json.member("source", generation->config->source);
  json.member("file", daemon.config_file);
  json.member("hash", generation->config->hash);
  json.member("loaded", timestampText(daemon.reloaded_at));
  const ReloadReport reload = daemon.lastReload();
  json.memberBoolean("last_reload_successful", reload.applied);
  json.memberUnsigned("generations", daemon.generations());
  json.memberUnsigned("reloads", reload.number);
  if (reload.number != 0) {
    json.beginObject("last_reload");
    json.member("outcome", reload.applied ? "applied" : "refused");
    json.member("message", reload.message);
    json.beginArray("problems");
    for (const std::string& problem : reload.problems) {
      json.string(problem);
    }
    json.endArray();
    json.endObject();
  }
  json.endObject();
  json.memberUnsigned("workers", daemon.metrics.size());
  json.memberUnsigned("client_connections", daemon.counters.client_connections);
  json.memberUnsigned("exchanges_in_flight", daemon.counters.exchanges_in_flight);
  json.beginObject("log");
  json.memberUnsigned("dropped", daemon.log->dropped());
  json.memberUnsigned("write_errors", daemon.log->writeErrors());
  json.beginArray("destinations");
  for (const LogSinkState& sink : daemon.log->states()) {
    json.beginObject();
    json.member("name", sink.name);
    json.memberUnsigned("dropped", sink.dropped);
    json.memberUnsigned("write_errors", sink.errors);
    json.memberUnsigned("waiting", sink.waiting);
    json.endObject();
  }
  json.endArray();
  json.endObject();
  json.beginArray("certificates");
  for (const ListenerCertificate& certificate : certificates) {
    json.beginObject();
    json.member("listener", certificate.listener);
    json.member("file", certificate.served.file);
    json.member("subject", certificate.served.subject);
    json.beginArray("names");
    for (const std::string& name : certificate.served.names) {
      json.string(name);
    }
    json.endArray();
    if (certificate.served.term.not_after != 0) {
      json.member("not_after", timestampText(certificate.served.term.not_after));
    }
    if (certificate.served.refused) {
      json.memberBoolean("refused", true);
    }
    json.endObject();
  }
  json.endArray();
  json.endObject();
  return out;
}

std::string originsJson(const DaemonView& daemon, const TrafficHistory& history) {
  const GenerationPtr generation = daemon.generation();
  const Config& config = *generation->config;
  const MetricTotals totals = totalsOf(daemon.metrics);
  ParkedByEndpoint parked;
  for (const ParkedCount& count : daemon.count_parked()) {
    parked[{count.origin, count.endpoint}] += count.connections;
  }
  const auto of = [&](const std::string& name) {
    const auto found = totals.origins.find(name);
    return found == totals.origins.end() ? OriginTotals() : found->second;
  };
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.beginArray("origins");
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    const OriginConfig& origin = config.origins[i];
    json.beginObject();
    json.member("name", origin.name);
    const OriginTotals of_origin = of(origin.name);
    writeOrigin(json, of_origin, history.recentLatency(origin.name, totals));
    json.memberUnsigned("waiting", generation->origins[i].state->waiting);
    json.memberBoolean("panic", OriginHealth(origin, generation->origins[i].endpoints, generation->origins[i].state)
                                    .wouldPanic(EventLoop::now()));
    writeEndpoints(json, origin, generation->origins[i],
                   {.parked = parked, .totals = of_origin, .tries = history.recentTries(origin.name, totals)});
    writeLastFailure(json, daemon, origin.name);
    json.endObject();
  }
  json.endArray();
  json.beginObject("without_origin");
  writeOrigin(json, of(""), history.recentLatency("", totals));
  json.endObject();
  json.endObject();
  return out;
}

std::string historyJson(const TrafficHistory& history) {
  std::string out;
  JsonWriter json(out);
  const auto& steps = history.steps();
  const std::int64_t last = steps.empty() ? 0 : steps.back().number;
  const std::int64_t first = last - static_cast<std::int64_t>(TrafficHistory::kSteps) + 1;
  std::map<std::string, std::set<Cause>> origins;
  for (const TrafficHistory::Step& step : steps) {
    for (const auto& [name, origin] : step.origins) {
      auto& causes = origins[name];
      for (const auto& [cause, count] : origin.causes) {
        causes.insert(cause);
      }
    }
  }
  // One number for each step, 0 where nothing was counted.
  const auto row = [&](std::string_view key, const std::string& origin, const auto& pick) {
    std::vector<std::uint64_t> counts(TrafficHistory::kSteps);
    for (const TrafficHistory::Step& step : steps) {
      const auto found = step.origins.find(origin);
      if (step.number >= first && found != step.origins.end()) {
        counts[static_cast<std::size_t>(step.number - first)] = pick(found->second);
      }
    }
    json.beginArray(key);
    for (const std::uint64_t count : counts) {
      json.unsignedInteger(count);
    }
    json.endArray();
  };
  json.beginObject();
  json.memberInteger("step_s", TrafficHistory::kStep.count());
  json.member("first", timestampText(first * TrafficHistory::kStep.count()));
  json.beginArray("origins");
  for (const auto& [origin, causes] : origins) {
    json.beginObject();
    json.member("name", origin);
    row("exchanges", origin, [](const TrafficHistory::OriginStep& step) { return step.exchanges; });
    json.beginObject("causes");
    for (const Cause cause : causes) {
      row(name(cause), origin, [cause](const TrafficHistory::OriginStep& step) {
        const auto found = step.causes.find(cause);
        return found == step.causes.end() ? 0 : found->second;
      });
    }
    json.endObject();
    json.endObject();
  }
  json.endArray();
  json.endObject();
  return out;
}

std::string eventsJson(const RecentFailures::Page& page) {
  std::string out = "{\"events\":[";
  for (const FailurePtr& record : page.records) {
    out += out.back() == '[' ? "\n" : ",\n";
    // The event as it was logged, with its id in front.
    fmt::format_to(std::back_inserter(out), "{{\"id\":{},", record->id);
    out += std::string_view(record->json).substr(1);
  }
  fmt::format_to(std::back_inserter(out), "],\n\"next\":{},\"more\":{},\"missed\":{}}}", page.next, page.more,
                 page.missed);
  return out;
}

std::optional<SystemClock::time_point> readTimestamp(std::string_view text) {
  std::tm utc{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (end == nullptr) {
    return std::nullopt;
  }
  std::int64_t micros = 0;
  if (*end == '.') {
    std::int64_t scale = 100000;
    for (++end; *end >= '0' && *end <= '9'; ++end, scale /= 10) {
      micros += (*end - '0') * scale;
    }
  }
  if (*end != 'Z' || end[1] != '\0') {
    return std::nullopt;
  }
  // The clock counts nanoseconds and ends in 2262; a later year is as good as that.
  constexpr auto kEnd =
      std::chrono::duration_cast<std::chrono::seconds>(SystemClock::time_point::max().time_since_epoch()).count() - 1;
  return SystemClock::from_time_t(std::clamp<std::int64_t>(::timegm(&utc), 0, kEnd)) +
         std::chrono::microseconds(micros);
}

std::string timestampText(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

}  // namespace gatewhy
