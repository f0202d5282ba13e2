// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace gatewhy {

enum class AnswerFormat : std::uint8_t { Text, Html, ProblemJson };

// Which form of an answer an Accept field asks for (RFC 9110 section 12.5.1).
// A page only for who names text/html itself: programs send wildcards. Where
// nothing matches, text: an error is better said in the wrong form than not.
[[nodiscard]] AnswerFormat negotiateFormat(std::string_view accept) noexcept;

}  // namespace gatewhy
