// SPDX-License-Identifier: Apache-2.0
// Any text as a configuration file: a configuration or a reason, never an
// exception, never both.
#include <algorithm>

#include "config/load.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  const EnvLookup env = [](const std::string& name) -> std::optional<std::string> {
    return name.size() % 2 == 0 ? std::optional<std::string>("value: [" + name) : std::nullopt;
  };
  const LoadedConfig loaded = loadConfig(asText(data, size), "fuzz.yaml", env);
  const bool refused = std::any_of(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& problem) {
    require(!format(problem).empty() && !problem.message.empty(), "a problem says what it is");
    require(problem.line >= 0 && problem.column >= 0, "positions count from one");
    return problem.level == ProblemLevel::Error;
  });
  require(refused == (loaded.config == nullptr), "a configuration exactly where there is no error");
  return 0;
}
