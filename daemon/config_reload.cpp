// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_reload.h"

#include <algorithm>
#include <utility>

namespace gatewhy {

Result<PreparedReload, RefusedReload> prepareReload(const LoadedConfig& loaded, SharedStates& states,
                                                    const OpenListeners& open) {
  std::vector<std::string> problems;
  for (const ConfigProblem& problem : loaded.problems) {
    problems.push_back(format(problem));
  }
  const auto refuse = [&](std::string message) {
    return Failure{RefusedReload{.message = std::move(message), .problems = std::move(problems), .hash = loaded.hash}};
  };
  if (!loaded.config) {
    return refuse("the new configuration is refused; the old one stays in force");
  }
  auto generation = Generation::create(loaded.config, states);
  if (!generation) {
    problems.push_back(generation.error().detail + ": " + generation.error().reason);
    return refuse("the new configuration is refused; the old one stays in force");
  }
  auto opened = open(*loaded.config);
  if (!opened) {
    problems.push_back(opened.error());
    return refuse("a new listener cannot be opened; the old configuration stays in force");
  }
  return PreparedReload{.config = loaded.config,
                        .generation = std::move(generation).value(),
                        .opened = std::move(opened).value(),
                        .problems = std::move(problems)};
}

bool sameLogTargets(const LogConfig& a, const LogConfig& b) {
  return std::equal(a.targets.begin(), a.targets.end(), b.targets.begin(), b.targets.end(),
                    [](LogTarget one, const LogTarget& other) {
                      one.success_percent = other.success_percent;
                      return one == other;
                    });
}

bool needsRestart(const Config& changed, const Config& running) {
  return changed.workers != running.workers || !sameLogTargets(changed.log, running.log) ||
         changed.admin != running.admin || changed.user != running.user || changed.group != running.group;
}

std::shared_ptr<Config> withWhatStays(const Config& changed, const Config& running) {
  auto config = std::make_shared<Config>(changed);
  config->workers = running.workers;
  if (!sameLogTargets(changed.log, running.log)) {
    config->log.targets = running.log.targets;
  }
  config->admin = running.admin;
  config->user = running.user;
  config->group = running.group;
  return config;
}

}  // namespace gatewhy
