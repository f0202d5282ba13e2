// SPDX-License-Identifier: Apache-2.0
// Durations and sizes as people write them. An error is a message that says
// what to write instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/result.h"

namespace gatewhy {

// "250ms", "5s", "2m", "1h"; "0" without a unit.
[[nodiscard]] Result<std::chrono::milliseconds, std::string> parseDuration(std::string_view text);
// "512B", "16KiB", "1MiB", "2GiB"; "0" without a unit.
[[nodiscard]] Result<std::uint64_t, std::string> parseSize(std::string_view text);
// Digits only: no sign, no leading zero (YAML 1.1 reads 010 as eight), no
// exponent, no underscore.
[[nodiscard]] Result<std::uint64_t, std::string> parseWholeNumber(std::string_view text);
// "20%".
[[nodiscard]] Result<std::uint64_t, std::string> parsePercent(std::string_view text);

[[nodiscard]] std::string formatDuration(std::chrono::milliseconds duration);  // "250ms", "1h", "0"
[[nodiscard]] std::string formatSize(std::uint64_t bytes);                     // "64KiB", "0"

}  // namespace gatewhy
