// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/unsafe_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

using CodeRange = std::pair<char32_t, char32_t>;

constexpr std::array<CodeRange, 10> kDeceiving = {{
    {0x0080, 0x009F},    // C1 controls
    {0x00AD, 0x00AD},    // soft hyphen
    {0x061C, 0x061C},    // Arabic letter mark
    {0x180E, 0x180E},    // Mongolian vowel separator
    {0x200B, 0x200F},    // no width, joiners, marks of direction
    {0x2028, 0x202E},    // separators of lines; embeddings and overrides
    {0x2060, 0x206F},    // no width; isolates
    {0xFEFF, 0xFEFF},    // byte order mark
    {0xFFF9, 0xFFFB},    // annotations
    {0xE0000, 0xE01EF},  // tags, more selectors
}};

}  // namespace

Utf8Unit firstCharacter(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {.length = 1, .valid = true, .code = lead};
  }
  std::size_t need = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  char32_t code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    need = 1;
    code = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    need = 2;
    code = lead & 0x0FU;
    low = lead == 0xE0 ? 0xA0 : low;    // overlong
    high = lead == 0xED ? 0x9F : high;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    need = 3;
    code = lead & 0x07U;
    low = lead == 0xF0 ? 0x90 : low;    // overlong
    high = lead == 0xF4 ? 0x8F : high;  // above U+10FFFF
  } else {
    return {};
  }
  for (std::size_t i = 1; i <= need; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) {
      return {.length = i, .valid = false, .code = 0};
    }
    code = code << 6U | (byte(i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {.length = need + 1, .valid = true, .code = code};
}

bool mayDeceive(char32_t code) noexcept {
  return std::any_of(kDeceiving.begin(), kDeceiving.end(),
                     [code](const CodeRange& range) { return code >= range.first && code <= range.second; });
}

void appendVisible(std::string& out, char32_t code) {
  const auto number = static_cast<unsigned>(code);
  if (number < 0x100) {
    fmt::format_to(std::back_inserter(out), "\\x{:02X}", number);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{{{:04X}}}", number);
  }
}

std::string printableText(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Unit unit = firstCharacter(text);
    const std::string_view bytes = text.substr(0, unit.length);
    if (unit.valid && mayDeceive(unit.code)) {
      appendVisible(out, unit.code);
    } else if (unit.valid && (unit.code < 0x20 || unit.code == 0x7F)) {
      appendPrintable(out, bytes);
    } else {
      out += bytes;
    }
    text.remove_prefix(unit.length);
  }
  return out;
}

}  // namespace gatewhy
