// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace gatewhy {

// The name of the meaning that gatewhy goes by (status_registry.h): IANA's
// phrase, or the customary one of 444, 494-499 and 520-526. Empty for an
// unknown or reserved number, and where vendors contradict one another.
[[nodiscard]] std::string_view reasonPhrase(std::uint16_t status) noexcept;

}  // namespace gatewhy
