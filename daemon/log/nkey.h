// SPDX-License-Identifier: Apache-2.0
// Keys of NATS users (nkeys): Ed25519 in base 32, with a prefix and a checksum.
#pragma once

#include <string>
#include <string_view>

#include "diagnostics/result.h"

namespace gatewhy {

// "SU…" → "U…", which libnats asks for beside the seed. The error is a sentence.
[[nodiscard]] Result<std::string, std::string> nkeyOfSeed(std::string_view seed);

}  // namespace gatewhy
