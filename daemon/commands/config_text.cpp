// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/config_text.h"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

namespace gatewhy {

LoadedConfig loadConfigText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    LoadedConfig none;
    none.problems.push_back({ProblemLevel::Error, path, 0, 0, "cannot be read"});
    return none;
  }
  return loadConfig(content.str(), path, [](const std::string& variable) -> std::optional<std::string> {
    const char* value = std::getenv(variable.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace gatewhy
