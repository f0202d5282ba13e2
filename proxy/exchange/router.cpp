// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/router.h"

namespace gatewhy {

Router::Router(const std::vector<RouteConfig>& routes) {
  const auto exact = [](const RouteConfig& route) { return !route.host.empty() && route.host[0] != '*'; };
  for (const RouteConfig& route : routes) {
    if (!exact(route)) {
      others_.push_back(&route);
      continue;
    }
    auto& list = by_host_[route.host];
    if (list.empty()) {  // the host's first mention: all that match it, in the order of the file
      for (const RouteConfig& candidate : routes) {
        if (hostMatches(candidate, route.host)) {
          list.push_back(&candidate);
        }
      }
    }
  }
}

bool Router::hostMatches(const RouteConfig& route, std::string_view host) noexcept {
  if (route.host.empty()) {
    return true;
  }
  if (route.host[0] != '*') {
    return route.host == host;
  }
  const std::string_view suffix = std::string_view(route.host).substr(1);  // ".example"
  return host.size() > suffix.size() && host.substr(host.size() - suffix.size()) == suffix;
}

bool Router::pathMatches(const RouteConfig& route, std::string_view path) noexcept {
  return path.substr(0, route.path.size()) == route.path;
}

const RouteConfig* Router::match(std::string_view host, std::string_view path) const {
  const auto found = by_host_.find(host);
  for (const RouteConfig* route : found != by_host_.end() ? found->second : others_) {
    if (pathMatches(*route, path) && hostMatches(*route, host)) {
      return route;
    }
  }
  return nullptr;
}

}  // namespace gatewhy
