// SPDX-License-Identifier: Apache-2.0
// Characters that change how the text around them is read: controls, which a
// terminal acts on, and marks that turn the direction of writing or cannot be
// seen. Strangers can put them into anything that is logged; wherever people
// read, they are shown as what they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatewhy {

// The character at the start of a text that is not empty, or the maximal part
// of one that is not UTF-8.
struct Utf8Unit {
  std::size_t length = 1;  // octets
  bool valid = false;
  char32_t code = 0;  // where valid
};
[[nodiscard]] Utf8Unit firstCharacter(std::string_view text) noexcept;

// Whether a character beyond ASCII must not be shown raw: C1 controls, marks
// of direction (U+200E, U+202A to U+202E, U+2066 to U+2069 …), line and
// paragraph separators, what has no width, tags.
[[nodiscard]] bool mayDeceive(char32_t code) noexcept;

// "\x9B" below U+0100, else "\u{202E}".
void appendVisible(std::string& out, char32_t code);

// The text for a terminal: controls and what may deceive made visible.
[[nodiscard]] std::string printableText(std::string_view text);

}  // namespace gatewhy
