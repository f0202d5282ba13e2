// SPDX-License-Identifier: Apache-2.0
// The routes of one host pattern, found by path: prefixes in a sorted chain,
// exact paths in a table, all regular expressions in one automaton. Routes with
// further conditions are looked at one by one, those of the path's own prefixes
// only.
#pragma once

#include <re2/set.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"

namespace gatewhy {

class PathIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // Whether the further conditions of a route hold.
  using Holds = std::function<bool(std::uint32_t route)>;

  void add(const RouteConfig& route, std::uint32_t index);  // in ascending order of routes
  void seal();                                              // after the last add()
  // The lowest route below `best` that fits the path and holds; else `best`.
  [[nodiscard]] std::uint32_t find(std::string_view path, std::uint32_t best, const Holds& holds) const;
  [[nodiscard]] std::uint32_t lowest() const noexcept { return lowest_; }

 private:
  // Routes of one path: the lowest without conditions, and those before it that
  // have some.
  struct Leads {
    std::uint32_t first = kNone;
    std::vector<std::uint32_t> conditional;
    void add(const RouteConfig& route, std::uint32_t index);
    [[nodiscard]] std::uint32_t find(std::uint32_t best, const Holds& holds) const;
  };
  struct Prefix {
    std::string text;  // comparable, ends with '/'; "" = any path
    Leads leads;
    std::uint32_t parent = kNone;  // the longest other prefix that it begins with
    std::uint32_t lowest = kNone;  // of this prefix and of all that it begins with
    bool conditions = false;       // likewise: any has some
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] std::uint32_t nearest(std::string_view path) const noexcept;
  [[nodiscard]] std::uint32_t findRegex(std::string_view path, std::uint32_t best, const Holds& holds) const;

  std::vector<Prefix> prefixes_;  // by text
  std::unordered_map<std::string, Leads, Hash, std::equal_to<>> exact_;
  struct Expression {
    Pattern pattern;
    std::uint32_t route;
    bool conditions;
  };
  std::vector<Expression> expressions_;  // ascending
  std::shared_ptr<const re2::RE2::Set> automaton_;
  std::uint32_t lowest_ = kNone;
};

}  // namespace gatewhy
