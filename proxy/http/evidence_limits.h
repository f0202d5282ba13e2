// SPDX-License-Identifier: Apache-2.0
// How much of a message that could not be parsed a fault keeps, in octets.
#pragma once

#include <cstddef>

namespace gatewhy {

inline constexpr std::size_t kExcerpt = 64;
inline constexpr std::size_t kExcerptBefore = 32;  // of it, in front of the fault
inline constexpr std::size_t kMostEvidence = 128;  // of a name or token

}  // namespace gatewhy
