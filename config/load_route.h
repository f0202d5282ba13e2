// SPDX-License-Identifier: Apache-2.0
// Reads one route after the other; the parts are in load_route_*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/load_parts.h"

namespace gatewhy {

class RouteReader {
 public:
  // `config` has its origins; both outlive the reader.
  RouteReader(Reader& reader, const Config& config);
  RouteConfig read(Section& section);

 private:
  void readTarget(Section& section, RouteConfig& route);
  void readShares(Section& section, RouteConfig& route);
  // Its index; nullopt, reported, where there is none of that name.
  std::optional<std::size_t> originNamed(const std::string& origin, Position at);

  Reader& reader_;
  std::unordered_map<std::string_view, std::size_t> origins_;
  std::vector<std::string_view> names_;  // for suggestions
};

}  // namespace gatewhy
