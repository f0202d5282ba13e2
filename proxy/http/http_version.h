// SPDX-License-Identifier: Apache-2.0
// "HTTP/" DIGIT "." DIGIT (RFC 9112 section 2.3), octet by octet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/field_line.h"

namespace gatewhy {

inline constexpr std::size_t kHttpVersionSize = 8;

// Whether the octet at `index` (below kHttpVersionSize) of a version may be
// `octet`: nullopt, or what is wrong with it.
[[nodiscard]] std::optional<ParseError> judgeVersionOctet(std::size_t index, char octet) noexcept;

// The version at `at` of `line`. A higher minor version than 1 is read as 1.1
// (RFC 9110 section 2.5).
[[nodiscard]] std::optional<HeadFault> parseHttpVersion(std::string_view line, std::size_t at,
                                                        std::uint8_t& minor) noexcept;

}  // namespace gatewhy
