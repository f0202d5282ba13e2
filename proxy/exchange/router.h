// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"

namespace gatewhy {

// How one route judges one request, host first: what says why a route before
// the one that was taken did not match.
enum class RouteFit : std::uint8_t { Matches, HostDiffers, PathDiffers };
[[nodiscard]] RouteFit fitOf(const RouteConfig& route, std::string_view host, std::string_view path) noexcept;

// Request host and path -> route: the first in the order of the configuration
// that fits. Pure and immutable; built once per configuration. A request looks
// at the hosts that can be its own (exact, "*.example" per label, any) and in
// each at the one chain of prefixes that its path begins with, however many
// routes there are.
class Router {
 public:
  explicit Router(const std::vector<RouteConfig>& routes);  // must outlive this

  // `host`: lower case, without port and final dot, "" where the client sent none. `path`:
  // begins with '/' or is "*". nullptr: no route.
  [[nodiscard]] const RouteConfig* match(std::string_view host, std::string_view path) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The routes of one host pattern.
  class PathIndex {
   public:
    void add(std::string_view prefix, std::uint32_t route);  // in ascending order of routes
    void seal();                                             // after the last add()
    // The lowest route whose prefix `path` begins with; kNone.
    [[nodiscard]] std::uint32_t find(std::string_view path) const noexcept;
    [[nodiscard]] std::uint32_t lowest() const noexcept { return lowest_; }

   private:
    struct Prefix {
      std::string_view text;
      std::uint32_t first;   // lowest route of this prefix and of all that it begins with
      std::uint32_t parent;  // the longest other prefix that it begins with; kNone
    };
    std::vector<Prefix> prefixes_;  // by text
    std::uint32_t lowest_ = kNone;
  };

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
