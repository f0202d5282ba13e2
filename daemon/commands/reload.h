// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

struct ReloadOptions {
  std::string admin;  // "" = as in `config`
  std::string config;
  int pid = 0;  // signalled where there is no admin listener to ask; 0 = none
};

// `gatewhy reload`: asks the running daemon to load its configuration, waits,
// and prints the result. kExitOk where the new one is in force; where it
// was refused, or nobody could be asked, kExitFailure.
[[nodiscard]] int runReload(const ReloadOptions& options);

}  // namespace gatewhy
