// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"

namespace gatewhy {

// Request host and path -> route, first match wins. Pure and immutable; built
// once per configuration. Routes are indexed by exact host, so a request only
// looks at those that its host allows.
class Router {
 public:
  explicit Router(const std::vector<RouteConfig>& routes);

  // `host`: lower case, without port, "" where the client sent none. `path`:
  // begins with '/' or is "*". nullptr: no route.
  [[nodiscard]] const RouteConfig* match(std::string_view host, std::string_view path) const;

  [[nodiscard]] static bool hostMatches(const RouteConfig& route, std::string_view host) noexcept;
  [[nodiscard]] static bool pathMatches(const RouteConfig& route, std::string_view path) noexcept;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::vector<const RouteConfig*>, Hash, std::equal_to<>> by_host_;
  std::vector<const RouteConfig*> others_;  // "*.example" and any host, in order
};

}  // namespace gatewhy
