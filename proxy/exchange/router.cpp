// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/router.h"

#include <algorithm>

#include "config/path_readings.h"

namespace gatewhy {
namespace {

bool isWildcard(const RouteConfig& route) noexcept {
  return !route.host.empty() && route.host.front() == '*';
}

std::string_view suffixOf(const RouteConfig& route) noexcept {
  return std::string_view(route.host).substr(1);  // ".example"
}

// Whether `path` with a '/' behind it sorts before `prefix`.
bool isBefore(std::string_view path, std::string_view prefix) noexcept {
  const int order = path.compare(prefix.substr(0, path.size()));
  if (order != 0 || prefix.size() <= path.size()) {
    return order < 0;
  }
  const auto next = static_cast<unsigned char>(prefix[path.size()]);
  return next == '/' ? prefix.size() > path.size() + 1 : next > '/';
}

bool hostMatches(const RouteConfig& route, std::string_view host) noexcept {
  if (isWildcard(route)) {
    return host.size() > suffixOf(route).size() && host.ends_with(suffixOf(route));
  }
  return route.host.empty() || route.host == host;
}

}  // namespace

RouteFit fitOf(const RouteConfig& route, std::string_view host, std::string_view path) {
  if (!hostMatches(route, host)) {
    return RouteFit::HostDiffers;
  }
  return isBelow(path, comparablePath(route.path)) ? RouteFit::Matches : RouteFit::PathDiffers;
}

// ---- paths of one host ------------------------------------------------

void Router::PathIndex::add(std::string_view prefix, std::uint32_t route) {
  std::string text = comparablePath(prefix);
  if (!text.empty() && text.back() != '/') {
    text.push_back('/');
  }
  prefixes_.push_back({.text = std::move(text), .first = route, .parent = kNone});
  lowest_ = std::min(lowest_, route);
}

void Router::PathIndex::seal() {
  // Stable: of equal prefixes the first route stays, the others are never reached.
  std::stable_sort(prefixes_.begin(), prefixes_.end(),
                   [](const Prefix& a, const Prefix& b) { return a.text < b.text; });
  const auto same = [](const Prefix& a, const Prefix& b) { return a.text == b.text; };
  prefixes_.erase(std::unique(prefixes_.begin(), prefixes_.end(), same), prefixes_.end());
  prefixes_.shrink_to_fit();
  // In this order every prefix stands behind all those that it begins with.
  for (std::uint32_t i = 1; i < prefixes_.size(); ++i) {
    Prefix& prefix = prefixes_[i];
    std::uint32_t parent = i - 1;
    while (parent != kNone && !prefix.text.starts_with(prefixes_[parent].text)) {
      parent = prefixes_[parent].parent;
    }
    prefix.parent = parent;
    if (parent != kNone) {
      prefix.first = std::min(prefix.first, prefixes_[parent].first);
    }
  }
}

std::uint32_t Router::PathIndex::find(std::string_view path) const noexcept {
  // Every prefix ends with '/', and so, in thought, does the path: that is what
  // keeps /apix from /api. Whatever the path begins with sorts before it or is
  // it, and the last entry that does so begins with it too: it or one of its
  // parents is the answer.
  const auto after =
      std::upper_bound(prefixes_.begin(), prefixes_.end(), path,
                       [](std::string_view wanted, const Prefix& p) { return isBefore(wanted, p.text); });
  if (after == prefixes_.begin()) {
    return kNone;
  }
  auto at = static_cast<std::uint32_t>(after - prefixes_.begin() - 1);
  const std::string_view nearest = prefixes_[at].text;
  const auto differ = std::mismatch(nearest.begin(), nearest.end(), path.begin(), path.end()).first;
  auto shared = static_cast<std::size_t>(differ - nearest.begin());
  if (shared == path.size() && differ != nearest.end() && *differ == '/') {
    ++shared;
  }
  while (at != kNone && prefixes_[at].text.size() > shared) {
    at = prefixes_[at].parent;
  }
  return at == kNone ? kNone : prefixes_[at].first;
}

// ---- hosts ------------------------------------------------------------

Router::Router(const std::vector<RouteConfig>& routes) : routes_(routes) {
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const RouteConfig& route = routes[i];
    if (route.host.empty()) {
      any_.add(route.path, i);
    } else if (isWildcard(route)) {
      longest_suffix_ = std::max(longest_suffix_, suffixOf(route).size());
      suffixes_[std::string(suffixOf(route))].add(route.path, i);
    } else {
      exact_[route.host].add(route.path, i);
    }
  }
  any_.seal();
  for (HostMap* hosts : {&exact_, &suffixes_}) {
    for (auto& [host, paths] : *hosts) {
      paths.seal();
    }
  }
}

const RouteConfig* Router::match(std::string_view host, std::string_view path) const {
  std::uint32_t best = any_.find(path);
  const auto consider = [&](const HostMap& hosts, std::string_view key) {
    const auto found = hosts.find(key);
    if (found != hosts.end() && found->second.lowest() < best) {
      best = std::min(best, found->second.find(path));
    }
  };
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
  return best == kNone ? nullptr : &routes_[best];
}

}  // namespace gatewhy
