// SPDX-License-Identifier: Apache-2.0
#include "config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "config/path_readings.h"
#include "config/schema.h"
#include "config/units.h"
#include "config/url.h"

namespace gatewhy {
namespace {

// Comparing every route with all before it is quadratic; beyond this many no
// person wrote them by hand.
constexpr std::size_t kMaxComparedRoutes = 2000;

bool hostCovers(const std::string& wide, const std::string& narrow) {
  if (wide.empty() || wide == narrow) {
    return true;
  }
  return wide.starts_with("*.") && narrow.size() > wide.size() - 1 &&
         narrow.ends_with(std::string_view(wide).substr(1));
}

bool hostsCover(const RouteConfig& wide, const RouteConfig& narrow) {
  const auto of_wide = hostPatterns(wide);
  const auto of_narrow = hostPatterns(narrow);
  return of_wide.empty() ||
         (!of_narrow.empty() && std::all_of(of_narrow.begin(), of_narrow.end(), [&](const std::string& host) {
           return std::any_of(of_wide.begin(), of_wide.end(),
                              [&](const std::string& pattern) { return hostCovers(pattern, host); });
         }));
}

bool pathCovers(const RouteConfig& wide, const RouteConfig& narrow) {
  if (wide.path_match == PathMatch::Prefix && wide.path.empty()) {
    return true;
  }
  if (wide.path_match == PathMatch::Prefix) {
    return narrow.path_match != PathMatch::Regex && !narrow.path.empty() &&
           isBelow(comparablePath(narrow.path), comparablePath(wide.path));
  }
  return wide.path_match == narrow.path_match && wide.path == narrow.path;
}

// A prefix that is itself read in two ways picks its route in one of them only.
void checkPaths(const Config& config, CheckReport& report) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const std::string& path = config.routes[i].path;
    if (path.empty() || config.routes[i].path_match == PathMatch::Regex || !hasSeveralReadings(path)) {
      continue;
    }
    const PathReadings readings = readingsOf(path);
    if (readings.texts.size() > 1) {
      report.warning(fmt::format("routes[{}].path", i),
                     fmt::format("servers read '{}' as '{}' too: requests for it are refused as ambiguous, unless both "
                                 "lead to this route",
                                 path, readings.texts[1]));
    }
  }
}

void checkRoutes(const Config& config, CheckReport& report) {
  if (!report.written("routes")) {
    return;
  }
  const std::size_t count = std::min(config.routes.size(), kMaxComparedRoutes);
  bool any_broken = false;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    any_broken = any_broken || report.broken(fmt::format("routes[{}]", i));
  }
  for (std::size_t later = 1; later < count; ++later) {
    if (report.broken(fmt::format("routes[{}]", later))) {
      continue;  // its error is enough
    }
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const RouteConfig& wide = config.routes[earlier];
      const RouteConfig& narrow = config.routes[later];
      if (wide.match.empty() && hostsCover(wide, narrow) && pathCovers(wide, narrow) &&
          !report.broken(fmt::format("routes[{}]", earlier))) {
        report.warning(
            fmt::format("routes[{}]", later),
            fmt::format("this route is never reached: route {} ('{}') already matches everything this one would",
                        earlier + 1, wide.name));
        break;
      }
    }
  }
  if (any_broken) {
    return;  // it may be the one that leads there
  }
  std::unordered_set<std::size_t> used;
  for (const RouteConfig& route : config.routes) {
    if (!route.respond && route.origins.empty()) {
      used.insert(route.origin);
    }
    for (const WeightedOrigin& share : route.origins) {
      used.insert(share.origin);
    }
    if (route.forward_auth) {
      used.insert(route.forward_auth->origin);
    }
  }
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    if (used.count(i) == 0) {
      report.warning("origins." + config.origins[i].name,
                     fmt::format("no route leads to the origin '{}'", config.origins[i].name));
    }
  }
}

void checkTimeouts(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  const OriginTimeouts& timeouts = origin.timeouts;
  if (timeouts.exchange.count() == 0) {
    return;
  }
  const std::array<std::pair<std::string_view, Millis>, 6> phases{{{"resolve", timeouts.resolve},
                                                                   {"connect", timeouts.connect},
                                                                   {"tls_handshake", timeouts.tls_handshake},
                                                                   {"send", timeouts.send},
                                                                   {"response_head", timeouts.response_head},
                                                                   {"response_idle", timeouts.response_idle}}};
  for (const auto& [name, limit] : phases) {
    // A default that cannot be reached surprises nobody, except for connecting.
    const std::string key = fmt::format("{}.timeouts.{}", path, name);
    if (limit > timeouts.exchange && (report.written(key) || name == "connect")) {
      report.warning(report.written(key) ? key : path + ".timeouts.exchange",
                     fmt::format("'timeouts.{}' ({}) can never fire: 'timeouts.exchange' ({}) ends the exchange first",
                                 name, formatDuration(limit), formatDuration(timeouts.exchange)));
    }
  }
}

void checkTls(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  const bool speaks_tls =
      std::any_of(origin.endpoints.begin(), origin.endpoints.end(),
                  [](const EndpointConfig& endpoint) { return endpoint.scheme == EndpointScheme::Https; });
  if (report.written(path + ".tls") && !speaks_tls && !origin.endpoints.empty()) {
    report.warning(path + ".tls", "these settings have no effect: no endpoint is https:// or h2://");
    return;
  }
  if (!origin.tls.verify && speaks_tls) {
    report.warning(path + ".tls.verify",
                   "the origin's certificate is not checked: anyone on the way can pretend to be the origin");
    if (!origin.tls.ca_file.empty()) {
      report.warning(path + ".tls.ca_file", "'tls.ca_file' has no effect with 'tls.verify: false'");
    }
    if (!origin.tls.crl_file.empty()) {
      report.warning(path + ".tls.crl_file", "'tls.crl_file' has no effect with 'tls.verify: false'");
    }
  }
}

void checkHttp2(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  if (!report.written(path + ".http2")) {
    return;
  }
  const auto insisting =
      std::find_if(origin.endpoints.begin(), origin.endpoints.end(),
                   [](const EndpointConfig& endpoint) { return endpoint.http == EndpointHttp::Http2; });
  if (!origin.http2 && insisting != origin.endpoints.end()) {
    report.error(path + ".http2",
                 fmt::format("'http2: false' contradicts the endpoint {}, which can only be spoken to in "
                             "HTTP/2: write {}:// there",
                             insisting->url, insisting->scheme == EndpointScheme::Https ? "https" : "http"));
    return;
  }
  const bool negotiates =
      std::any_of(origin.endpoints.begin(), origin.endpoints.end(), [](const EndpointConfig& endpoint) {
        return endpoint.scheme == EndpointScheme::Https && endpoint.http != EndpointHttp::Http2;
      });
  if (!negotiates && !origin.endpoints.empty()) {
    report.warning(path + ".http2",
                   "'http2' has no effect: no endpoint is https://, where it is negotiated; for HTTP/2 "
                   "without TLS write h2c://");
  }
}

// What chooses an endpoint where there is nothing to choose, or always the same one.
void checkBalance(const OriginConfig& origin, const std::string& path, CheckReport& report) {
  const bool alone = origin.endpoints.size() == 1;
  if (origin.sticky && alone && report.written(path + ".sticky")) {
    report.warning(path + ".sticky", "'sticky' has no effect: there is only one endpoint");
  }
  if (origin.hash_key && !origin.hash_key->hasVariables()) {
    report.warning(path + ".balance.hash",
                   "this is the same for every request, so that all of them go to one endpoint; write a variable such "
                   "as {header.X-User}");
  }
  if (origin.keep_alive.learn && origin.keep_alive.idle == 0) {
    report.warning(path + ".keep_alive.timeout",
                   "'keep_alive.timeout' has no effect with 'keep_alive.idle: 0': no connection is kept");
  }
}

void checkOrigin(const OriginConfig& origin, CheckReport& report) {
  const std::string path = "origins." + origin.name;
  checkTimeouts(origin, path, report);
  checkTls(origin, path, report);
  checkHttp2(origin, path, report);
  checkHealth(origin, path, report);
  checkBalance(origin, path, report);
  const auto is_backup = [](const EndpointConfig& endpoint) { return endpoint.backup; };
  if (!origin.endpoints.empty() && std::all_of(origin.endpoints.begin(), origin.endpoints.end(), is_backup)) {
    report.warning(path + ".endpoints", "every endpoint is a backup");
  }
  std::unordered_set<std::string> urls;
  for (std::size_t i = 0; i < origin.endpoints.size(); ++i) {
    const EndpointConfig& endpoint = origin.endpoints[i];
    const std::string place =
        fmt::format("{}:{}:{}:{}", static_cast<int>(endpoint.scheme), endpoint.host, endpoint.port, endpoint.unix_path);
    if (!urls.insert(place).second) {
      report.warning(fmt::format("{}.endpoints[{}]", path, i),
                     fmt::format("the endpoint '{}' is listed twice; use 'weight' to give it more", endpoint.url));
    }
  }
  if (origin.retry.attempts > 0 && origin.retry.budget_percent == 0 && report.written(path + ".retry.budget")) {
    report.warning(path + ".retry.budget", "a budget of 0% allows no retry; 'retry.attempts: 0' says the same");
  }
}

void checkClientLimits(const ClientLimits& limits, CheckReport& report) {
  const std::array<std::pair<std::string_view, Millis>, 3> timers{
      {{"client_head_timeout", limits.client_head_timeout},
       {"client_body_timeout", limits.client_body_timeout},
       {"client_idle_timeout", limits.client_idle_timeout}}};
  for (const auto& [name, limit] : timers) {
    if (limit.count() == 0) {
      report.warning(fmt::format("limits.{}", name),
                     fmt::format("without 'limits.{}' a client can hold a connection forever", name));
    }
  }
  if (limits.client_body_timeout.count() == 0 && report.written("limits.client_minimum_rate")) {
    report.warning(
        "limits.client_minimum_rate",
        "'limits.client_minimum_rate' has no effect: 'limits.client_body_timeout', over which it is taken, is off");
  }
  if (limits.connections_per_client > limits.connections && report.written("limits.connections_per_client")) {
    report.warning("limits.connections_per_client",
                   fmt::format("one client can take all of 'limits.connections' ({})", limits.connections));
  }
  if (limits.handshakes != 0 && limits.handshakes_per_client > limits.handshakes &&
      report.written("limits.handshakes_per_client")) {
    report.warning("limits.handshakes_per_client",
                   fmt::format("one client can take all of 'limits.handshakes' ({})", limits.handshakes));
  }
  if (limits.request_head == 0) {
    report.warning("limits.request_head", "without 'limits.request_head' one client can fill the memory");
  }
}

void checkDiagnostics(const DiagnosticsConfig& diagnostics, CheckReport& report) {
  for (const auto& [cause, status] : diagnostics.policy.overrides) {
    const std::string path = fmt::format("diagnostics.statuses.{}", name(cause));
    if (info(cause).sent_status == 0) {
      report.warning(path, fmt::format("no status is ever sent for '{}', so this one has no effect", name(cause)));
    }
  }
}

void checkListeners(const Config& config, CheckReport& report) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const ListenerConfig& listener = config.listeners[i];
    if (listener.proxy_protocol && listener.proxy_protocol_from.empty() && isPublicAddress(listener.address)) {
      report.warning(fmt::format("listeners[{}].proxy_protocol", i),
                     fmt::format("anybody who reaches '{}' may claim any client address; name the balancers: "
                                 "proxy_protocol: {{from: [10.0.0.0/8]}}",
                                 listener.address));
    }
    const std::string path = fmt::format("listeners[{}].tls.client_certificate", i);
    const auto& tls = config.listeners[i].tls;
    if (tls && tls->client_ca.empty() && report.written(path)) {
      report.warning(path, "'tls.client_certificate' has no effect without 'tls.client_ca'");
    }
    if (tls && tls->client_ca.empty() && !tls->client_crl_file.empty()) {
      report.warning(fmt::format("listeners[{}].tls.client_crl_file", i),
                     "'tls.client_crl_file' has no effect without 'tls.client_ca'");
    }
    if (tls && tls->groups.find("ffdhe") != std::string::npos) {
      report.warning(fmt::format("listeners[{}].tls.groups", i),
                     "with a group of finite fields a few dozen hellos a second, which cost a client nothing, keep a "
                     "core busy (CVE-2002-20001)");
    }
  }
}

}  // namespace

void CheckReport::add(ProblemLevel level, const std::string& path, std::string message) {
  std::string place = path;
  auto found = sources_.find(place);
  while (found == sources_.end() && !place.empty()) {
    place = std::string(place.ends_with(']') ? std::string_view(place).substr(0, place.rfind('[')) : parentPath(place));
    found = sources_.find(place);
  }
  const Position at = found == sources_.end() ? Position{} : found->second;
  problems_.push_back({level, files_[static_cast<std::size_t>(at.file)], at.line, at.column, std::move(message)});
}

void checkConsistency(const Config& config, CheckReport& report) {
  checkListeners(config, report);
  for (const OriginConfig& origin : config.origins) {
    if (!origin.implied) {
      checkOrigin(origin, report);
    }
  }
  const bool any_sticky = std::any_of(config.origins.begin(), config.origins.end(),
                                      [](const OriginConfig& origin) { return origin.sticky.has_value(); });
  if (!config.secrets.file.empty() && !any_sticky) {
    report.warning("secrets.file", "nothing is signed with these keys: no origin has 'sticky'");
  }
  checkRoutes(config, report);
  checkPaths(config, report);
  checkRouteRules(config, report);
  checkLogins(config, report);
  checkPathPatterns(config, report);
  checkClientLimits(config.limits, report);
  checkDiagnostics(config.diagnostics, report);
}

}  // namespace gatewhy
