// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/config_summary.h"
#include "config/load.h"

namespace gatewhy {
namespace {

void printJson(const LoadedConfig& loaded) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const ConfigProblem& problem : loaded.problems) {
    nlohmann::ordered_json item{{"file", problem.file}};
    if (problem.line != 0) {
      item["line"] = problem.line;
      item["column"] = problem.column;
    }
    item["severity"] = problem.level == ProblemLevel::Error ? "error" : "warning";
    item["message"] = problem.message;
    out.push_back(std::move(item));
  }
  // A file name need not be UTF-8.
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int runCheck(const CheckOptions& options) {
  LoadedConfig loaded = loadConfigFile(options.file);
  if (options.strict) {
    for (ConfigProblem& problem : loaded.problems) {
      problem.level = ProblemLevel::Error;
    }
  }
  const bool good = loaded.config != nullptr && (!options.strict || loaded.problems.empty());
  if (options.json) {
    printJson(loaded);
  } else {
    for (const ConfigProblem& problem : loaded.problems) {
      fmt::print("{}\n", format(problem));
    }
    if (good) {
      fmt::print("ok: {}\n", describeConfig(*loaded.config));
    }
  }
  std::fflush(stdout);
  return good ? 0 : 1;
}

}  // namespace gatewhy
