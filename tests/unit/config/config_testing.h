// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace gatewhy::testing {

using Environment = std::map<std::string, std::string>;

inline LoadedConfig load(std::string_view yaml, const Environment& environment = {}) {
  return loadConfig(yaml, "t.yaml", [&environment](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

inline std::vector<std::string> lines(const LoadedConfig& loaded) {
  std::vector<std::string> out;
  for (const ConfigProblem& problem : loaded.problems) {
    out.push_back(format(problem));
  }
  return out;
}

inline std::vector<std::string> problems(std::string_view yaml, const Environment& environment = {}) {
  return lines(load(yaml, environment));
}

// A valid file of two sections, six lines, to which more is appended.
inline constexpr std::string_view kBase =
    "listeners:\n"
    "  - address: \"127.0.0.1:0\"\n"
    "origins:\n"
    "  shop:\n"
    "    endpoints: [\"http://10.0.0.7:8080\"]\n";

inline std::string withBase(std::string_view more) {
  return std::string(kBase) + std::string(more);
}
// `more` at the indentation of the origin's keys; it begins on line 6.
inline std::string withOrigin(std::string_view more) {
  return withBase("    " + std::string(more) + "\n");
}

}  // namespace gatewhy::testing
