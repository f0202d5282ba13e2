// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/field_syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include "diagnostics/field_id.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

using octets::kDigit;
using octets::kQuoted;
using octets::kToken;

// Behind the closing quote of a quoted-string that begins at `at`; npos where
// it does not end (RFC 9110 section 5.6.4).
std::size_t skipQuoted(std::string_view text, std::size_t at) noexcept {
  for (at = octets::skip(text, at + 1, kQuoted); at < text.size(); at = octets::skip(text, at, kQuoted)) {
    if (text[at] == '"') {
      return at + 1;
    }
    if (text[at] != '\\' || at + 1 == text.size()) {
      break;
    }
    at += 2;  // a quoted-pair
  }
  return std::string_view::npos;
}

// Behind the parameter that begins at `at`, which may be missing; npos where
// it is malformed.
std::size_t skipParameter(std::string_view value, std::size_t at) noexcept {
  const std::size_t name_end = octets::skip(value, at, kToken);
  if (name_end == at) {
    return at;
  }
  if (name_end + 1 >= value.size() || value[name_end] != '=') {
    return std::string_view::npos;
  }
  const std::size_t begin = name_end + 1;
  if (value[begin] == '"') {
    return skipQuoted(value, begin);
  }
  const std::size_t end = octets::skip(value, begin, kToken);
  return end == begin ? std::string_view::npos : end;
}

std::optional<std::uint64_t> number(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

}  // namespace

bool isMediaType(std::string_view value) noexcept {
  const std::size_t slash = octets::skip(value, 0, kToken);
  if (slash == 0 || slash == value.size() || value[slash] != '/') {
    return false;
  }
  std::size_t at = octets::skip(value, slash + 1, kToken);
  if (at == slash + 1) {
    return false;
  }
  while (at < value.size()) {
    at = octets::skipBlanks(value, at);
    if (at == value.size() || value[at] != ';') {
      return false;
    }
    at = skipParameter(value, octets::skipBlanks(value, at + 1));
    if (at == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool isEntityTag(std::string_view value) noexcept {
  if (value.starts_with("W/")) {
    value.remove_prefix(2);
  }
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') {
    return false;
  }
  return std::all_of(value.begin() + 1, value.end() - 1, [](char octet) {
    return octet != '"' && static_cast<unsigned char>(octet) > 0x20 && octet != 0x7f;
  });
}

bool isDeltaSeconds(std::string_view value) noexcept {
  return !value.empty() && octets::skip(value, 0, kDigit) == value.size();
}

bool isUriReference(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char octet) {
    const auto code = static_cast<unsigned char>(octet);
    return code > 0x20 && code < 0x7f && octet != '"' && octet != '<' && octet != '>' && octet != '\\';
  });
}

std::optional<ContentRange> parseContentRange(std::string_view value) noexcept {
  ContentRange range;
  const std::size_t unit_end = octets::skip(value, 0, kToken);
  if (unit_end == 0 || unit_end == value.size() || value[unit_end] != ' ') {
    return std::nullopt;
  }
  if (!equalsIgnoreCase(value.substr(0, unit_end), "bytes")) {
    range.bytes = false;
    return range;
  }
  value.remove_prefix(unit_end + 1);
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view complete = value.substr(slash + 1);
  range.complete = number(complete);
  if (!range.complete && complete != "*") {
    return std::nullopt;
  }
  const std::string_view part = value.substr(0, slash);
  if (part == "*") {
    range.unsatisfied = true;
    return range.complete ? std::optional(range) : std::nullopt;
  }
  const std::size_t dash = part.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto first = number(part.substr(0, dash));
  const auto last = number(part.substr(dash + 1));
  if (!first || !last || *last < *first || (range.complete && *range.complete <= *last)) {
    return std::nullopt;
  }
  range.first = *first;
  range.last = *last;
  return range;
}

std::string_view takeMember(std::string_view& list) noexcept {
  const std::size_t comma = list.find(',');
  const std::string_view member = octets::trimmed(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return member;
}

bool listHas(std::string_view list, std::string_view member) noexcept {
  while (!list.empty()) {
    if (takeMember(list) == member) {
      return true;
    }
  }
  return false;
}

bool isContentCoding(std::string_view word) noexcept {
  constexpr std::array<std::string_view, 12> kRegistered = {"gzip", "br",        "zstd",         "deflate",
                                                            "dcb",  "dcz",       "compress",     "x-gzip",
                                                            "exi",  "aes128gcm", "pack200-gzip", "x-compress"};
  return std::any_of(kRegistered.begin(), kRegistered.end(),
                     [word](std::string_view known) { return equalsIgnoreCase(known, word); });
}

}  // namespace gatewhy
