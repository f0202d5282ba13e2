// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/config_text.h"

#include "config/load_unchecked.h"

namespace gatewhy {

LoadedConfig loadConfigText(const std::string& path) {
  return loadUnchecked(path);
}

}  // namespace gatewhy
