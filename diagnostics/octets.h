// SPDX-License-Identifier: Apache-2.0
// Which octets may stand where (RFC 9110 section 5, RFC 9112, RFC 3986), as
// one table with a bit per class: every scan of the parsers is a look-up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatewhy::octets {

enum Class : std::uint8_t {
  kToken = 1,   // tchar
  kValue = 2,   // field-vchar, SP, HTAB: inside a field value or a reason phrase
  kTarget = 4,  // request target; browsers send | { } ^ raw, so these pass
  kDigit = 8,
  kHex = 16,
  kRegName = 32,  // unreserved and sub-delims of a host name, less the comma that would make a list of it
  kQuoted = 64,   // qdtext
};

namespace detail {

constexpr bool isOneOf(int octet, std::string_view set) {
  for (const char c : set) {
    if (octet == static_cast<unsigned char>(c)) {
      return true;
    }
  }
  return false;
}

constexpr std::uint8_t classesOf(int octet) {
  const bool digit = octet >= '0' && octet <= '9';
  const bool alpha = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
  const bool printable = octet > 0x20 && octet < 0x7f;
  const bool value = octet == '\t' || octet == ' ' || printable || octet >= 0x80;
  int classes = 0;
  classes |= digit || alpha || isOneOf(octet, "!#$%&'*+-.^_`|~") ? kToken : 0;
  classes |= value ? kValue : 0;
  classes |= printable && octet != '#' ? kTarget : 0;
  classes |= digit ? kDigit : 0;
  classes |= digit || (octet >= 'a' && octet <= 'f') || (octet >= 'A' && octet <= 'F') ? kHex : 0;
  classes |= digit || alpha || isOneOf(octet, "-._~!$&'()*+;=") ? kRegName : 0;
  classes |= value && octet != '"' && octet != '\\' ? kQuoted : 0;
  return static_cast<std::uint8_t>(classes);
}

constexpr std::array<std::uint8_t, 256> makeTable() {
  std::array<std::uint8_t, 256> table{};
  for (int octet = 0; octet < 256; ++octet) {
    table[static_cast<std::size_t>(octet)] = classesOf(octet);
  }
  return table;
}

}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> kTable = detail::makeTable();

constexpr bool isAlpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool isDigit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool isControl(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}
// What a token of a structured field may hold (RFC 8941 section 3.3.4).
constexpr bool isStructuredToken(char c) noexcept {
  return isAlpha(c) || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}

[[nodiscard]] constexpr bool is(char octet, Class wanted) noexcept {
  return (kTable[static_cast<unsigned char>(octet)] & wanted) != 0;
}

[[nodiscard]] constexpr bool isBlank(char octet) noexcept {
  return octet == ' ' || octet == '\t';
}

[[nodiscard]] constexpr char lower(char octet) noexcept {
  return octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet | 0x20) : octet;
}

// Index of the first octet at or after `from` (not beyond the end) that is not
// of the class; the size where all are.
[[nodiscard]] constexpr std::size_t skip(std::string_view text, std::size_t from, Class wanted) noexcept {
  // Four at a time: names and targets are most of a head that is read octet by octet.
  const auto classes = [text](std::size_t at) { return kTable[static_cast<unsigned char>(text[at])]; };
  while (text.size() - from >= 4 &&
         (classes(from) & classes(from + 1) & classes(from + 2) & classes(from + 3) & wanted) != 0) {
    from += 4;
  }
  while (from < text.size() && is(text[from], wanted)) {
    ++from;
  }
  return from;
}

[[nodiscard]] constexpr std::size_t skipBlanks(std::string_view text, std::size_t from) noexcept {
  while (from < text.size() && isBlank(text[from])) {
    ++from;
  }
  return from;
}

// Without the blanks at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(skipBlanks(text, 0));
  while (!text.empty() && isBlank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// -1 where it is no hexadecimal digit.
[[nodiscard]] constexpr int hexValue(char c) noexcept {
  if (isDigit(c)) {
    return c - '0';
  }
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// The octet that "%XX" at `at` stands for (RFC 3986 section 2.1); -1 where that
// does not stand there.
[[nodiscard]] constexpr int encodedOctet(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size() || text[at] != '%') {
    return -1;
  }
  const int high = hexValue(text[at + 1]);
  const int low = hexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace gatewhy::octets
