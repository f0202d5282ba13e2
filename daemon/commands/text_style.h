// SPDX-License-Identifier: Apache-2.0
// How commands write for people: colour, width and bars, as far as the
// terminal at hand can show them. Everything but styleOf() is pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gatewhy {

struct TextStyle {
  bool colour = false;
  bool unicode = false;  // block elements and arrows, else ASCII
  unsigned width = 80;   // columns
};

// What `fd` can show: colour on a terminal only, and not against NO_COLOR
// (https://no-color.org) or TERM=dumb; Unicode where the locale is UTF-8;
// COLUMNS, else the terminal's width, else 80.
[[nodiscard]] TextStyle styleOf(int fd);

enum class Ink : std::uint8_t { Bold, Dim, Red, Green, Yellow, Cyan };
[[nodiscard]] std::string paint(std::string_view text, Ink ink, const TextStyle& style);

// What comes from the network must not steer the terminal: controls (C0, DEL,
// C1) are written as \xNN.
[[nodiscard]] std::string harmless(std::string_view text);

// Columns that UTF-8 text takes, a code point each.
[[nodiscard]] std::size_t columnsOf(std::string_view text);
// Cut to `columns` with an ellipsis, or filled with blanks.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns, const TextStyle& style);
[[nodiscard]] std::string rightAligned(std::string_view text, std::size_t columns);

// Appends `label` and then `text`, broken at blanks and hanging at `column`.
void appendWrapped(std::string& out, std::string_view label, std::string_view text, std::size_t column,
                   const TextStyle& style);

// A bar of `fraction` (0..1) of `cells`, not filled up. More than nothing
// shows at least something.
[[nodiscard]] std::string bar(double fraction, std::size_t cells, const TextStyle& style);
// The same from `begin` to `end` (0..1 each) on a line of time.
[[nodiscard]] std::string span(double begin, double end, std::size_t cells, const TextStyle& style);
// One character a value, scaled to the greatest.
[[nodiscard]] std::string sparkline(std::span<const std::uint64_t> values, const TextStyle& style);

[[nodiscard]] std::string millisText(double ms);                // "0.214 ms", "12.3 ms", "1.20 s"
[[nodiscard]] std::string countText(std::uint64_t count);       // "1 234 567"
[[nodiscard]] std::string percentText(double part, double of);  // "0.4%", "12%"

}  // namespace gatewhy
