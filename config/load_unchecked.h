// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "config/load.h"

namespace gatewhy {

// A configuration file with what it includes, without the checks that look at
// certificates and directories: for commands that only ask what it says, maybe
// on another machine.
[[nodiscard]] LoadedConfig loadUnchecked(const std::string& path);

// The same with own pages; what is wrong with these is a warning.
[[nodiscard]] LoadedConfig loadShown(const std::string& path);

}  // namespace gatewhy
