// SPDX-License-Identifier: Apache-2.0
// Rules of a route that contradict each other or the rest of the file.
#include <fmt/format.h>

#include <algorithm>

#include "config/check.h"
#include "config/url.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kUpgradeRequired = 426;

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
      report.warning(
          fmt::format("{}.clients.allow[{}]", path, i),
          fmt::format("'{}' has no effect: 'deny' refuses all of it ('{}')", allowed.text(), denied->text()));
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

// Fields without which an answer is not what its status says. Allow of a 405
// is always there.
struct DemandedField {
  std::uint16_t status;
  std::string_view field;
  bool must;  // RFC 9110 says MUST; without the others an answer is of no use
  std::string_view section;
};
constexpr DemandedField kDemandedFields[] = {
    {206, "Content-Range", true, "15.3.7"},    {301, "Location", false, "15.4.2"},
    {302, "Location", false, "15.4.3"},        {303, "Location", false, "15.4.4"},
    {307, "Location", false, "15.4.8"},        {308, "Location", false, "15.4.9"},
    {401, "WWW-Authenticate", true, "15.5.2"}, {407, "Proxy-Authenticate", true, "15.5.8"},
};

void checkDemandedFields(const RouteConfig& route, const std::string& path, CheckReport& report) {
  const FixedResponse& respond = *route.respond;
  const std::string place = path + ".respond.status";
  for (const DemandedField& demand : kDemandedFields) {
    const auto& set = route.response_headers.set;
    const auto is_set = [&](const auto& entry) { return lowerCase(entry.first) == lowerCase(demand.field); };
    if (respond.location || respond.status != demand.status || std::any_of(set.begin(), set.end(), is_set)) {
      continue;
    }
    const std::string message =
        fmt::format("a {} {} {} (RFC 9110 section {}); set it in the route's 'response_headers'", demand.status,
                    demand.must ? "must have" : "needs", demand.field, demand.section);
    demand.must ? report.error(place, message) : report.warning(place, message);
  }
  if (respond.status == kUpgradeRequired && !report.written(path + ".respond.upgrade")) {
    report.error(place,
                 "a 426 must name the protocol to change to (RFC 9110 section 15.5.22): 'respond.upgrade'; to demand "
                 "TLS or HTTP/1.1, use 'requires' instead of 'respond'");
  }
}

void checkFixed(const RouteConfig& route, const std::string& path, CheckReport& report) {
  if (!route.respond) {
    return;
  }
  if (report.written(path + ".upgrade")) {
    report.warning(path + ".upgrade", "'upgrade' has no effect with 'respond'");
  }
  if (report.written(path + ".respond.upgrade") && route.respond->status != kUpgradeRequired) {
    report.warning(path + ".respond.upgrade", "'respond.upgrade' has an effect only with status 426");
  }
  checkDemandedFields(route, path, report);
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
