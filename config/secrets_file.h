// SPDX-License-Identifier: Apache-2.0
// The keys that a fleet shares: one a line, the first signs, all verify.
#pragma once

#include <string>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

// Octets of a line, at least: a key that HMAC-SHA256 can make full use of.
inline constexpr std::size_t kShortestSecret = 32;

// Lines that are empty or begin with '#' are none. The error says what is
// wrong, without a word of what is in the file.
[[nodiscard]] Result<std::vector<std::string>, std::string> readSecrets(const std::string& file);

}  // namespace gatewhy
