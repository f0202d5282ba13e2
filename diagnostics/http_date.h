// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace gatewhy {

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form of a date that may be sent
// (IMF-fixdate, RFC 9110 section 5.6.7). nullopt for anything else. Whether the
// day of the week is the right one is not looked at.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parseHttpDate(std::string_view text) noexcept;

}  // namespace gatewhy
