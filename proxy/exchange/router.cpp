// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/router.h"

#include <algorithm>

#include "proxy/exchange/route_fit.h"

namespace gatewhy {

RouteFit fitOf(const RouteConfig& route, const RouteQuery& query) {
  if (!hostFits(route, query.host)) {
    return RouteFit::HostDiffers;
  }
  return pathFits(route, query.path) ? conditionsFit(route, query.request) : RouteFit::PathDiffers;
}

Router::Router(const std::vector<RouteConfig>& routes) : routes_(routes) {
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const auto patterns = hostPatterns(routes[i]);
    if (patterns.empty()) {
      any_.add(routes[i], i);
    }
    for (const std::string& pattern : patterns) {
      if (pattern.starts_with('*')) {
        longest_suffix_ = std::max(longest_suffix_, pattern.size() - 1);
        suffixes_[pattern.substr(1)].add(routes[i], i);
      } else {
        exact_[pattern].add(routes[i], i);
      }
    }
  }
  any_.seal();
  for (HostMap* hosts : {&exact_, &suffixes_}) {
    for (auto& [host, paths] : *hosts) {
      paths.seal();
    }
  }
}

const RouteConfig* Router::match(const RouteQuery& query) const {
  const PathIndex::Holds holds = [&](std::uint32_t index) {
    return conditionsFit(routes_[index], query.request) == RouteFit::Matches;
  };
  std::uint32_t best = any_.find(query.path, PathIndex::kNone, holds);
  const auto consider = [&](const HostMap& hosts, std::string_view key) {
    const auto found = hosts.find(key);
    if (found != hosts.end() && found->second.lowest() < best) {
      best = found->second.find(query.path, best, holds);
    }
  };
  const std::string_view host = query.host;
  if (!exact_.empty()) {
    consider(exact_, host);
  }
  // From the shortest suffix on, and none longer than the configured ones: the
  // client chooses how many labels there are.
  for (std::size_t dot = host.rfind('.');
       dot != std::string_view::npos && dot > 0 && host.size() - dot <= longest_suffix_;
       dot = host.rfind('.', dot - 1)) {
    consider(suffixes_, host.substr(dot));
  }
  return best == PathIndex::kNone ? nullptr : &routes_[best];
}

}  // namespace gatewhy
