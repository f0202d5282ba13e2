// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/load.h"

namespace gatewhy {

// A configuration file by its text alone, for commands that only ask it
// something: the certificates, keys and folders that it names need not be on
// this machine, nor readable by this user.
[[nodiscard]] LoadedConfig loadConfigText(const std::string& path);

}  // namespace gatewhy
