// SPDX-License-Identifier: Apache-2.0
// What is in a row of the causes table, in words for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/cause.h"

namespace gatewhy {

[[nodiscard]] std::string_view title(Phase phase) noexcept;
[[nodiscard]] std::string_view words(Retry retry) noexcept;
[[nodiscard]] std::string_view proxyErrorWords(const CauseInfo& row) noexcept;
[[nodiscard]] std::string statusWords(const CauseInfo& row);
[[nodiscard]] std::string statusCell(std::uint16_t status);  // "none" for 0

}  // namespace gatewhy
