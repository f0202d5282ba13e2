// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/exchange/path_index.h"
#include "proxy/http/message.h"

namespace gatewhy {

// What routing looks at. `host`: lower case, without port, "" where the client
// sent none. `path`: "*", or one reading of a path (config/path_readings.h).
// `request`: for routes with `match`; null where it is not known, and then none
// of these fits.
struct RouteQuery {
  std::string_view host, path;
  const RequestHead* request = nullptr;
};

// How one route judges one request, host first: what says why a route before
// the one that was taken did not match.
enum class RouteFit : std::uint8_t {
  Matches,
  HostDiffers,
  PathDiffers,
  MethodDiffers,
  HeaderDiffers,
  QueryDiffers,
  CookieDiffers
};
[[nodiscard]] RouteFit fitOf(const RouteConfig& route, const RouteQuery& query);

// Request -> route: the first in the order of the configuration that fits. Pure
// and immutable; built once per configuration. A request looks at the hosts that
// can be its own (exact, "*.example" per label, any) and in each at what its
// path can lead to (path_index.h), however many routes there are.
class Router {
 public:
  explicit Router(const std::vector<RouteConfig>& routes);  // must outlive this

  // nullptr: no route.
  [[nodiscard]] const RouteConfig* match(const RouteQuery& query) const;
  [[nodiscard]] const RouteConfig* match(std::string_view host, std::string_view path) const {
    return match({.host = host, .path = path});
  }
  // Where a route that match() returned stands in the configuration.
  [[nodiscard]] std::size_t indexOf(const RouteConfig& route) const {
    return static_cast<std::size_t>(&route - routes_.data());
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using HostMap = std::unordered_map<std::string, PathIndex, Hash, std::equal_to<>>;

  const std::vector<RouteConfig>& routes_;
  HostMap exact_;
  HostMap suffixes_;  // "*.example" under ".example"
  std::size_t longest_suffix_ = 0;
  PathIndex any_;
};

}  // namespace gatewhy
