// SPDX-License-Identifier: Apache-2.0
// How explanations are laid out for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace gatewhy {

struct ExplainStyle {
  bool colour = false;  // adds ANSI attributes
  unsigned width = 80;  // columns
};

[[nodiscard]] std::string bold(std::string_view text, const ExplainStyle& style);

// "  label         text", broken at spaces; further lines are indented to the
// column of the text.
void appendField(std::string& out, std::string_view label, std::string_view text, const ExplainStyle& style);

// `text` cut at a space with an ellipsis where it is longer than `room`.
[[nodiscard]] std::string cutText(std::string_view text, std::size_t room);

}  // namespace gatewhy
