// SPDX-License-Identifier: Apache-2.0
// ${VAR} and ${VAR:-default} in values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/load.h"
#include "diagnostics/result.h"

namespace gatewhy {

// Expands references; `$${` stands for a literal `${`. As in a shell, the
// default is taken where the variable is unset or empty. What a variable
// holds is not expanded again. `budget` is the number of bytes that may still
// be added, over all calls: a small file cannot make a huge configuration.
[[nodiscard]] Result<std::string, std::string> expandEnvironment(std::string_view text, const EnvLookup& env,
                                                                 std::size_t& budget);

}  // namespace gatewhy
