// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/metrics_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "daemon/endpoint_condition.h"
#include "daemon/metrics/process_facts.h"
#include "daemon/metrics/zero_series.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {
namespace {

enum class Metric : std::uint8_t {
#define METRIC(enumerator, ...) enumerator,
#include "daemon/metrics/metrics.def"
#undef METRIC
};

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

struct MetricInfo {
  std::string_view name;
  MetricType type;
  std::string_view labels;
  std::string_view help;
};

constexpr MetricInfo kMetrics[] = {
#define METRIC(enumerator, name, type, labels, help) {name, MetricType::type, labels, help},
#include "daemon/metrics/metrics.def"
#undef METRIC
};

// Failures that exemplars are taken from: all that are kept, so that a rare cause has one.
constexpr std::size_t kExemplarsFrom = RecentFailures::Limits{}.records;

std::string_view typeName(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return {};
}

// Of a failure: what exemplars need.
struct Exemplar {
  std::string trace_id;
  double value = 0;
  double at = 0;  // Unix seconds
};
using Exemplars = std::map<std::pair<std::string, DiagnosisKey>, Exemplar>;

using BucketExemplars = std::array<const Exemplar*, kBucketBoundsMs.size() + 1>;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class PageWriter {
 public:
  explicit PageWriter(MetricsFormat format) : open_(format == MetricsFormat::OpenMetrics) {}

  void begin(Metric metric) {
    current_ = &kMetrics[static_cast<std::size_t>(metric)];
    std::string_view family = current_->name;
    if (open_ && current_->type == MetricType::Counter) {
      family.remove_suffix(std::string_view("_total").size());
    }
    out("# HELP {} ", family);
    for (const char c : current_->help) {  // quotes are escaped by OpenMetrics only
      text_ += c == '"' && open_ ? std::string_view("\\\"") : std::string_view(&c, 1);
    }
    out("\n# TYPE {} {}\n", family, typeName(current_->type));
  }

  template <typename Number>
  void sample(Labels labels, Number value, const Exemplar* exemplar = nullptr) {
    text_ += current_->name;
    writeLabels(labels);
    out(" {}", value);
    writeExemplar(exemplar);
    text_ += '\n';
  }

  void histogram(Labels labels, const DurationHistogram& durations, const BucketExemplars& exemplars) {
    std::uint64_t before = 0;
    for (std::size_t i = 0; i <= kBucketBoundsMs.size(); ++i) {
      const bool last = i == kBucketBoundsMs.size();
      const std::uint64_t below = last ? durations.count() : durations.countUpTo(kBucketBoundsMs[i]);
      out("{}_bucket", current_->name);
      writeLabels(labels, last ? std::string("+Inf") : bound(kBucketBoundsMs[i] / 1000));
      out(" {}", below);
      writeExemplar(below != before ? exemplars[i] : nullptr);
      text_ += '\n';
      before = below;
    }
    out("{}_sum", current_->name);
    writeLabels(labels);
    out(" {:.9g}\n{}_count", durations.sumMs() / 1000, current_->name);
    writeLabels(labels);
    out(" {}\n", before);
  }

  [[nodiscard]] std::string finish() && {
    if (open_) {
      text_ += "# EOF\n";
    }
    return std::move(text_);
  }

 private:
  template <typename... Values>
  void out(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }

  // OpenMetrics wants 1.0 where the old format has 1.
  [[nodiscard]] std::string bound(double seconds) const {
    const bool whole = seconds >= 1 && seconds == static_cast<double>(static_cast<int>(seconds));
    return open_ && whole ? fmt::format("{:.1f}", seconds) : fmt::format("{:g}", seconds);
  }

  void writeLabels(Labels labels, std::string_view le = {}) {
    char separator = '{';
    const auto write = [&](std::string_view name, std::string_view value) {
      out("{}{}=\"", separator, name);
      escape(value);
      text_ += '"';
      separator = ',';
    };
    for (const auto& [name, value] : labels) {
      write(name, value);
    }
    if (!le.empty()) {
      write("le", le);
    }
    if (separator == ',') {
      text_ += '}';
    }
  }

  // Names come from the configuration; octets that are no printable ASCII are
  // percent-encoded, because one that is not UTF-8 would spoil the whole page.
  void escape(std::string_view value) {
    for (const char c : value) {
      if (c == '\\' || c == '"') {
        text_ += '\\';
        text_ += c;
      } else if (c >= ' ' && c <= '~') {
        text_ += c;
      } else {
        out("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      }
    }
  }

  void writeExemplar(const Exemplar* exemplar) {
    if (open_ && exemplar != nullptr && !exemplar->trace_id.empty()) {
      out(" # {{trace_id=\"{}\"}} {:.9g} {:.3f}", exemplar->trace_id, exemplar->value, exemplar->at);
    }
  }

  bool open_;
  std::string text_;
  const MetricInfo* current_ = nullptr;
};

std::string statusLabel(std::uint16_t status) {
  return status == 0 ? "none" : fmt::format("{}", status);
}

void writeTraffic(PageWriter& page, const MetricTotals& totals, const RecentFailures& failures) {
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
    page.sample({{"route", key.route}, {"origin", key.origin}, {"code", codeLabel(key.code)}}, count);
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
      page.sample({{"origin", name}, {"cause", gatewhy::name(key.cause)}, {"status", statusLabel(key.status)}}, count,
                  &one);
    }
  }
  page.begin(Metric::ExchangeDuration);
  for (const auto& [name, origin] : totals.origins) {
    BucketExemplars exemplars{};
    for (std::size_t i = 0; i < exemplars.size(); ++i) {
      exemplars[i] = &slow[name][i];
    }
    page.histogram({{"origin", name}}, origin.duration, exemplars);
  }
  page.begin(Metric::PhaseDuration);
  for (const auto& [name, origin] : totals.origins) {
    for (std::size_t i = 0; i < origin.phases.size(); ++i) {
      if (!name.empty()) {
        page.histogram({{"origin", name}, {"phase", kTimedPhases[i]}}, origin.phases[i], {});
      }
    }
  }
}

constexpr std::array<std::pair<HealthChange, std::string_view>, 4> kHealthStates{
    {{HealthChange::Ejected, "ejected"},
     {HealthChange::Recovered, "recovered"},
     {HealthChange::Down, "down"},
     {HealthChange::Up, "up"}}};

// Only of names with several addresses, and not by address: these come and go.
void writeHosts(PageWriter& page, const Generation& generation, TimePoint now) {
  const auto& origins = generation.config->origins;
  page.begin(Metric::EndpointHosts);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    for (std::size_t j = 0; j < origins[i].endpoints.size(); ++j) {
      const auto named = generation.origins[i].endpoints[j]->name.hosts();
      if (named == nullptr) {
        continue;
      }
      const auto in_use = std::count_if(named->hosts.begin(), named->hosts.end(),
                                        [now](const NamedHost& host) { return host.state->health.usable(now); });
      const auto all = static_cast<std::ptrdiff_t>(named->hosts.size());
      for (const auto& [state, count] : {std::pair("in_use", in_use), std::pair("out", all - in_use)}) {
        page.sample({{"origin", origins[i].name}, {"endpoint", origins[i].endpoints[j].url}, {"state", state}},
                    static_cast<std::uint64_t>(count));
      }
    }
  }
}

void writeHealth(PageWriter& page, const Generation& generation, TimePoint now) {
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
          page.sample({{"origin", origins[i].name}, {"endpoint", origins[i].endpoints[j].url}, {"state", state}},
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
      page.sample({{"origin", origins[i].name}, {"outcome", "passed"}}, generation.origins[i].state->checks.passed());
      page.sample({{"origin", origins[i].name}, {"outcome", "failed"}}, failed);
    }
  }
  page.begin(Metric::HealthCheckFailures);
  for (std::size_t i = 0; i < origins.size(); ++i) {
    for (const auto& [cause, count] : generation.origins[i].state->checks.failed()) {
      page.sample({{"origin", origins[i].name}, {"cause", gatewhy::name(cause)}}, count);
    }
  }
}

// Of the last minutes, as the live page has them: buckets are too coarse for that.
void writePercentiles(PageWriter& page, const MetricTotals& totals, const TrafficHistory& history) {
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

// By endpoint: what a retry saved is no failure anywhere else.
void writeTries(PageWriter& page, const Config& config, const MetricTotals& totals) {
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
    page.sample({{"origin", origin}, {"endpoint", endpoint}}, of.answered);
  });
  page.begin(Metric::EndpointFailures);
  each([&](const std::string& origin, const std::string& endpoint, const EndpointTotals& of) {
    for (const auto& [cause, count] : of.failures) {
      page.sample({{"origin", origin}, {"endpoint", endpoint}, {"cause", gatewhy::name(cause)}}, count);
    }
  });
  page.begin(Metric::EndpointRescued);
  each([&](const std::string& origin, const std::string& endpoint, const EndpointTotals& of) {
    for (const auto& [cause, count] : of.rescued) {
      page.sample({{"origin", origin}, {"endpoint", endpoint}, {"cause", gatewhy::name(cause)}}, count);
    }
  });
}

// keep_alive.timeout: auto.
void writeIdleLessons(PageWriter& page, const Generation& generation, TimePoint now) {
  const Config& config = *generation.config;
  const auto each = [&](const auto& visit) {
    for (std::size_t i = 0; i < config.origins.size(); ++i) {
      for (std::size_t j = 0; config.origins[i].keep_alive.learn && j < config.origins[i].endpoints.size(); ++j) {
        visit(config.origins[i].name, config.origins[i].endpoints[j].url,
              spokesmanOf(generation.origins[i].endpoints[j], EventLoop::now())->idleLesson());
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

void writeOrigins(PageWriter& page, const DaemonView& daemon, const MetricTotals& totals) {
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
      open += connectionsOf(*endpoint);
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
                  spokesmanOf(generation->origins[i].endpoints[j], now)->health.usable(now) ? 1 : 0);
    }
  }
  writeHosts(page, *generation, now);
  writeHealth(page, *generation, now);
  writeTries(page, config, totals);
  page.begin(Metric::Retries);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [cause, count] : origin.retries) {
      page.sample({{"origin", name}, {"cause", gatewhy::name(cause)}}, count);
    }
  }
  page.begin(Metric::Findings);
  for (const auto& [name, origin] : totals.origins) {
    for (const auto& [finding, count] : origin.findings) {
      page.sample({{"origin", name}, {"finding", gatewhy::name(finding)}}, count);
    }
  }
  writeIdleLessons(page, *generation, now);
  page.begin(Metric::UnsolicitedBytes);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    page.sample({{"origin", config.origins[i].name}}, generation->origins[i].state->unsolicited.count());
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

template <typename Number>
void writeSingle(PageWriter& page, Metric metric, Number value) {
  page.begin(metric);
  page.sample({}, value);
}

void writeProcess(PageWriter& page) {
  const ProcessFacts facts = processFacts();
  writeSingle(page, Metric::CpuSeconds, facts.cpu_seconds);
  writeSingle(page, Metric::ResidentMemory, facts.resident_bytes);
  writeSingle(page, Metric::VirtualMemory, facts.virtual_bytes);
  if (facts.open_fds != 0) {  // reading it needs one
    writeSingle(page, Metric::OpenFds, facts.open_fds);
  }
  writeSingle(page, Metric::MaxFds, facts.max_fds);
  writeSingle(page, Metric::Threads, facts.threads);
  writeSingle(page, Metric::StartTime, facts.start_time);
}

// A file may be named by several listeners, and be refused by one of them.
void writeRenewals(PageWriter& page, const DaemonView& daemon, const std::vector<ListenerCertificate>& certificates) {
  std::map<std::string, bool> current;
  for (const ListenerCertificate& certificate : certificates) {
    bool& all = current.try_emplace(certificate.served.file, true).first->second;
    all = all && !certificate.served.refused;
  }
  page.begin(Metric::CertificateCurrent);
  for (const auto& [file, all] : current) {
    page.sample({{"certificate", file}}, all ? 1 : 0);
  }
  page.begin(Metric::CertificateRenewals);
  page.sample({{"outcome", "applied"}}, daemon.renewals.applied.load());
  page.sample({{"outcome", "refused"}}, daemon.renewals.refused.load());
}

}  // namespace

MetricsFormat negotiateMetrics(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? MetricsFormat::Text
                                                                               : MetricsFormat::OpenMetrics;
}

std::string_view contentType(MetricsFormat format) {
  switch (format) {
    case MetricsFormat::Text:
      return "text/plain; version=0.0.4; charset=utf-8";
    case MetricsFormat::OpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return {};
}

namespace {

void writeLog(PageWriter& page, const std::vector<LogSinkState>& sinks) {
  const auto write = [&](Metric metric, std::uint64_t LogSinkState::*value) {
    page.begin(metric);
    for (const LogSinkState& sink : sinks) {
      page.sample({{"sink", sink.name}}, sink.*value);
    }
  };
  write(Metric::LogDropped, &LogSinkState::dropped);
  write(Metric::LogErrors, &LogSinkState::errors);
  write(Metric::LogSpool, &LogSinkState::waiting);
}

}  // namespace

std::string metricsPage(const DaemonView& daemon, const TrafficHistory& history,
                        const std::vector<ListenerCertificate>& certificates, MetricsFormat format) {
  MetricTotals totals = totalsOf(daemon.metrics);
  addZeroSeries(*daemon.generation()->config, totals);
  PageWriter page(format);
  page.begin(Metric::BuildInfo);
  page.sample({{"version", GATEWHY_VERSION}}, 1);
  writeSingle(page, Metric::Ready, daemon.readiness == Readiness::Ready ? 1 : 0);
  writeTraffic(page, totals, daemon.failures);
  writePercentiles(page, totals, history);
  writeSingle(page, Metric::ExchangesInFlight, daemon.counters.exchanges_in_flight.load());
  page.begin(Metric::ClientExchanges);
  for (std::size_t http = 0; http < kClientHttp.size(); ++http) {
    for (std::size_t tls = 0; tls < kClientTls.size(); ++tls) {
      page.sample({{"http", kClientHttp[http]}, {"tls", kClientTls[tls]}}, totals.client_protocols[http][tls]);
    }
  }
  writeSingle(page, Metric::ClientResumed, totals.resumed_sessions);
  writeSingle(page, Metric::ClientConnections, daemon.counters.client_connections.load());
  writeOrigins(page, daemon, totals);
  page.begin(Metric::CertificateExpiry);
  std::set<std::string> seen;
  for (const ListenerCertificate& certificate : certificates) {
    if (seen.insert(certificate.served.file).second) {
      page.sample({{"certificate", certificate.served.file}}, certificate.served.term.not_after);
    }
  }
  writeRenewals(page, daemon, certificates);
  writeSingle(page, Metric::ReloadSuccessful, daemon.lastReload().applied ? 1 : 0);
  writeSingle(page, Metric::ReloadTimestamp, daemon.reloaded_at.load());
  page.begin(Metric::ConfigInfo);
  if (const std::string& hash = daemon.generation()->config->hash; !hash.empty()) {
    page.sample({{"hash", hash}}, 1);
  }
  writeSingle(page, Metric::Generations, daemon.generations());
  writeLog(page, daemon.log->states());
  writeSingle(page, Metric::StreamMissed, daemon.streams_missed.load());
  writeProcess(page);
  return std::move(page).finish();
}

std::string metricsManual() {
  std::string out =
      "<!-- Generated by metricsManual() from daemon/metrics/metrics.def; a unit test compares. Do not edit. -->\n"
      "# Metrics\n\n"
      "`GET /metrics` on the admin listener (`admin.address`). The text format 0.0.4, or OpenMetrics 1.0 for a "
      "scraper\n"
      "that accepts it; there the counters of diagnoses and the buckets of durations carry the trace id of a recent\n"
      "failure. Every label is bounded by the configuration: the routes and origins past 10000 and 1000 count as\n"
      "`_other`. Counters survive a reload. `gatewhy_diagnoses_total` agrees with the log: one for each event that has "
      "a\n"
      "diagnosis.\n\n"
      "Series that the configuration makes possible exist from the start, at zero, so that `increase()` sees the "
      "first\n"
      "occurrence:\n\n"
      "| metric | there from the start |\n| --- | --- |\n"
      "| `gatewhy_exchanges_total` | for each route the code 200, or the code of its `respond` |\n"
      "| `gatewhy_diagnoses_total` | each cause per origin, except those that clients bring about and those that the "
      "configuration intends (`fixed_response`, `silent_drop`); without an origin `no_route`, and the causes of "
      "overload, "
      "internal errors and draining |\n"
      "| `gatewhy_retries_total` | for each origin with `retry.attempts`, every cause after which a retry is safe; "
      "with "
      "one endpoint only `stale_connection`, since a second try needs another endpoint |\n"
      "| `gatewhy_findings_total` | each finding per origin, if `diagnostics.lint` is on |\n"
      "| both histograms | by origin, and phase |\n\n"
      "What clients do wrong is left out: an alert on it looks at a rate, not at the first occurrence, and it would "
      "add a "
      "quarter\n" +
      fmt::format(
          "more series. There are {} at most, in this order; an origin has all of its series in a metric or "
          "none, and what\ndoes not fit appears when it happens.\n\n",
          kMostZeroSeries) +
      "```yaml\n"
      "# prometheus.yml; trace ids are kept with --enable-feature=exemplar-storage\n"
      "global: {scrape_interval: 15s, evaluation_interval: 15s}\n"
      "rule_files: [/usr/share/gatewhy/alerts.yaml]\n"
      "scrape_configs:\n"
      "  - job_name: gatewhy\n"
      "    static_configs: [{targets: [\"127.0.0.1:9180\"]}]\n"
      "```\n\n"
      "| metric | type | labels | |\n| --- | --- | --- | --- |\n";
  for (const MetricInfo& metric : kMetrics) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", metric.name, typeName(metric.type), metric.labels, metric.help);
  }
  std::string bounds;
  for (const double bound : kBucketBoundsMs) {
    bounds += fmt::format("{}{:g}", bounds.empty() ? "" : ", ", bound / 1000);
  }
  return out + fmt::format("\nBuckets of both histograms, in seconds: {}.\n", bounds);
}

}  // namespace gatewhy
