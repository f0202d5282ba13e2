// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/file_text.h"
#include "diagnostics/result.h"

namespace gatewhy {

enum class ProblemLevel : std::uint8_t { Error, Warning };

// One finding about a configuration file. Lines and columns count from 1;
// 0 where the file as a whole is meant.
struct ConfigProblem {
  ProblemLevel level = ProblemLevel::Error;
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
};
// "FILE:LINE:COLUMN: error: message"
[[nodiscard]] std::string format(const ConfigProblem& problem);

// Looks an environment variable up; nullopt = not set. Tests pass their own.
using EnvLookup = std::function<std::optional<std::string>(const std::string&)>;

struct LoadedConfig {
  ConfigPtr config;                     // null when any problem is an error
  std::vector<ConfigProblem> problems;  // ALL of them, in file order
  // Of the file as it was read, also where it is refused; as in Config.
  std::string hash;
  std::vector<std::string> includes;
};

// Parses and validates text. Touches no file, resolves no name, opens no port.
// yaml-cpp's exceptions stop here.
[[nodiscard]] LoadedConfig loadConfig(std::string_view yaml, const std::string& file, const EnvLookup& env);

// The same for a file, plus the checks that need the file system
// (certificates, keys and their match, CA files, permissions, log directory)
// and the cross-field warnings (unreachable routes, contradictory timeouts).
// A running daemon refuses pipes: whoever writes to one may never come.
[[nodiscard]] LoadedConfig loadConfigFile(const std::string& path, Pipes pipes = Pipes::Accepted);

// Configuration of `gatewhy run --to URL --from ADDR:PORT`.
[[nodiscard]] LoadedConfig configForUrl(std::string_view url, std::string_view from);

// JSON Schema (2020-12) of the configuration, from the same table that drives reading.
[[nodiscard]] std::string configSchema();

}  // namespace gatewhy
