// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct ReloadOptions {
  std::string admin;  // "" = as in `config`
  std::string config;
  bool config_given = false;  // else `config` is the default
  int pid = 0;                // the process that is meant; 0 = the one that runs with `config`
};

// `gatewhy reload`: checks the file, has the daemon that runs with it, and no
// other, reload it, waits, and prints the result. kExitOk where the new
// configuration is in force; kExitFailure where the file has errors, the
// daemon refused it, or there is no such daemon.
[[nodiscard]] int runReload(const ReloadOptions& options);

}  // namespace gatewhy
