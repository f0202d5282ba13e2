// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace gatewhy {

// The phrase of IANA's status code registry, and the customary one of 444,
// 494-499 and 520-526. Empty for any other number.
[[nodiscard]] std::string_view reasonPhrase(std::uint16_t status) noexcept;

}  // namespace gatewhy
