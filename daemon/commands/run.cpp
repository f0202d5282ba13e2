// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/run.h"

#include <iostream>

#include "config/load.h"
#include "daemon/exit_status.h"
#include "daemon/successor.h"
#include "daemon/supervisor.h"

namespace gatewhy {
namespace {

// Says every problem; false where the configuration cannot be used.
bool accept(const LoadedConfig& loaded) {
  for (const ConfigProblem& problem : loaded.problems) {
    std::cerr << format(problem) << "\n";
  }
  return loaded.config != nullptr;
}

}  // namespace

int runDaemon(ConfigPtr config, const std::string& config_file,
              const std::function<void(const std::string& admin)>& on_ready, bool watch) {
  Supervisor supervisor(std::move(config), config_file, watch);
  if (!supervisor.start()) {
    return kExitFailure;
  }
  if (on_ready) {
    on_ready(supervisor.adminAddress());
  }
  return supervisor.waitForStop();
}

int runFromFile(const std::string& config_file, bool watch) {
  const LoadedConfig loaded = loadConfigFile(config_file);
  const int status = accept(loaded) ? runDaemon(loaded.config, config_file, {}, watch) : kExitConfig;
  tellPredecessor(status);  // one that waits still: this process never served
  return status;
}

int runToUrl(const std::string& url, const std::string& from) {
  const LoadedConfig loaded = configForUrl(url, from);
  return accept(loaded) ? runDaemon(loaded.config, "") : kExitConfig;
}

}  // namespace gatewhy
