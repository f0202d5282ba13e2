// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatewhy {

// Interim responses that one request may bring before its final one.
inline constexpr std::size_t kMostInterims = 32;
inline constexpr std::uint64_t kMostInterimBytes = 64 * 1024UL;

}  // namespace gatewhy
