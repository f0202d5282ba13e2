// SPDX-License-Identifier: Apache-2.0
// Rules of a route that contradict each other or the rest of the file.
#include <fmt/format.h>

#include <algorithm>

#include "config/check.h"

namespace gatewhy {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void checkMethods(const RouteConfig& route, const std::string& path, CheckReport& report) {
  if (route.methods.empty()) {
    return;
  }
  if (contains(route.methods, "GET") && !contains(route.methods, "HEAD")) {
    report.warning(path + ".methods", "HEAD is refused although GET is taken; monitors and caches send it");
  }
  if (report.written(path + ".upgrade") && route.upgrade && !contains(route.methods, "GET")) {
    report.warning(path + ".upgrade", "'upgrade' has no effect: a WebSocket begins with GET, which 'methods' refuses");
  }
}

void checkClients(const ClientRules& rules, const std::string& path, CheckReport& report) {
  bool anybody = rules.allow.empty();
  for (std::size_t i = 0; i < rules.allow.size(); ++i) {
    const Cidr& allowed = rules.allow[i];
    const auto denies = [&](const Cidr& denied) { return denied.covers(allowed); };
    const auto denied = std::find_if(rules.deny.begin(), rules.deny.end(), denies);
    if (denied == rules.deny.end()) {
      anybody = true;
    } else {
      report.warning(fmt::format("{}.clients.allow[{}]", path, i),
                     fmt::format("'{}' is of no use: 'deny' refuses all of it ('{}')", allowed.text(), denied->text()));
    }
  }
  if (!anybody) {
    report.error(path + ".clients", "no client can use this route: 'deny' refuses all that 'allow' lists");
  }
}

void checkRequirements(const Config& config, const RouteConfig& route, const std::string& path, CheckReport& report) {
  const auto speaks_tls = [](const ListenerConfig& listener) { return listener.tls.has_value(); };
  if (route.requirements.tls && config.trusted_proxies.empty() &&
      std::none_of(config.listeners.begin(), config.listeners.end(), speaks_tls)) {
    report.error(
        path + ".requires.tls",
        "no request can meet 'requires.tls': no listener speaks TLS, and no trusted proxy could have ended it");
  }
}

void checkRateLimit(const RouteConfig& route, const std::string& path, CheckReport& report) {
  if (route.rate_limit && route.rate_limit->key == RateLimitKey::Route &&
      report.written(path + ".rate_limit.max_keys")) {
    report.warning(path + ".rate_limit.max_keys", "'rate_limit.max_keys' has no effect with 'key: route'");
  }
}

// What only requests to an origin can meet.
void checkFixed(const RouteConfig& route, const std::string& path, CheckReport& report) {
  if (route.respond && report.written(path + ".upgrade")) {
    report.warning(path + ".upgrade", "'upgrade' has no effect with 'respond'");
  }
}

}  // namespace

void checkRouteRules(const Config& config, CheckReport& report) {
  if (!report.written("routes")) {
    return;
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    const std::string path = fmt::format("routes[{}]", i);
    checkMethods(route, path, report);
    checkClients(route.clients, path, report);
    checkRequirements(config, route, path, report);
    checkRateLimit(route, path, report);
    checkFixed(route, path, report);
  }
}

}  // namespace gatewhy
