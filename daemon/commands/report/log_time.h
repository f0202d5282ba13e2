// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/result.h"

namespace gatewhy {

// RFC 3339 as the event log writes it, "2026-01-31T23:59:59.123456Z", as
// seconds since 1970; fractions are cut. Other zones are not taken.
[[nodiscard]] std::optional<std::int64_t> parseLogTime(std::string_view text);
[[nodiscard]] std::string logTimeText(std::int64_t second);  // "2026-01-31T23:59:59Z"

// `--since` and `--until`: such a time, a date, or how long before `now`
// ("90m"). The error is a sentence.
[[nodiscard]] Result<std::int64_t, std::string> parseMoment(std::string_view text, std::int64_t now);

// "45 s", "12 min", "3.5 h", "2.1 days"
[[nodiscard]] std::string spanText(std::int64_t seconds);

}  // namespace gatewhy
