// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "diagnostics/octet_block.h"

namespace gatewhy {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kHex = "0123456789abcdef";

constexpr bool isPlain(unsigned char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

constexpr std::array<bool, 256> makePlainTable() {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = isPlain(static_cast<unsigned char>(i));
  }
  return table;
}
constexpr std::array<bool, 256> kPlain = makePlainTable();

std::size_t plainPrefix(const char* data, std::size_t size) {
  std::size_t n = octets::skipBlocks(data, 0, size, [](octets::Block block) {
    return (block < 0x20) | (block >= 0x7F) | (block == '"') | (block == '\\');
  });
  while (n < size && kPlain[static_cast<unsigned char>(data[n])]) {
    ++n;
  }
  return n;
}

struct Utf8Unit {
  std::size_t length = 1;  // bytes consumed
  bool valid = false;
};

// One character, or the maximal part of one that is ill-formed.
Utf8Unit decodeUnit(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  std::size_t need = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    need = 1;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    need = 2;
    low = lead == 0xE0 ? 0xA0 : low;    // overlong
    high = lead == 0xED ? 0x9F : high;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    need = 3;
    low = lead == 0xF0 ? 0x90 : low;    // overlong
    high = lead == 0xF4 ? 0x8F : high;  // above U+10FFFF
  } else {
    return {};
  }
  for (std::size_t i = 1; i <= need; ++i) {
    if (i >= s.size() || byte(i) < low || byte(i) > high) {
      return {i, false};
    }
    low = 0x80;
    high = 0xBF;
  }
  return {need + 1, true};
}

template <class Text>
void appendUnicodeEscape(Text& out, unsigned code_point) {
  const std::array<char, 6> text = {'\\',
                                    'u',
                                    kHex[(code_point >> 12) & 0xF],
                                    kHex[(code_point >> 8) & 0xF],
                                    kHex[(code_point >> 4) & 0xF],
                                    kHex[code_point & 0xF]};
  out.append(text.data(), text.size());
}

template <class Text>
void appendAsciiEscape(Text& out, char c) {
  switch (c) {
    case '"':
      out.append("\\\"", 2);
      return;
    case '\\':
      out.append("\\\\", 2);
      return;
    case '\n':
      out.append("\\n", 2);
      return;
    case '\r':
      out.append("\\r", 2);
      return;
    case '\t':
      out.append("\\t", 2);
      return;
    default:
      appendUnicodeEscape(out, static_cast<unsigned char>(c));
  }
}

// Valid, but a terminal or a line reader would act on it.
bool isUnsafeUnit(std::string_view unit) {
  if (unit.size() == 2) {
    return unit[0] == '\xC2' && static_cast<unsigned char>(unit[1]) < 0xA0;  // C1 controls
  }
  return unit == "\xE2\x80\xA8" || unit == "\xE2\x80\xA9";
}

unsigned codePoint(std::string_view unit) {
  const auto bits = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(unit[i])); };
  return unit.size() == 2 ? (bits(0) & 0x1FU) << 6 | (bits(1) & 0x3FU)
                          : (bits(0) & 0x0FU) << 12 | (bits(1) & 0x3FU) << 6 | (bits(2) & 0x3FU);
}

}  // namespace

template <class Text>
void appendJsonEscaped(Text& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t plain = plainPrefix(text.data(), text.size());
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) {
      return;
    }
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      appendAsciiEscape(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    const Utf8Unit unit = decodeUnit(text);
    const std::string_view bytes = text.substr(0, unit.length);
    if (!unit.valid) {
      out += kReplacement;
    } else if (isUnsafeUnit(bytes)) {
      appendUnicodeEscape(out, codePoint(bytes));
    } else {
      out += bytes;
    }
    text.remove_prefix(unit.length);
  }
}

void appendPrintable(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto octet = static_cast<unsigned char>(c);
    switch (c) {
      case '\r':
        out += "\\r";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        if (octet >= 0x20 && octet < 0x7F) {
          out += c;
        } else {
          out += "\\x";
          out += kHex[octet >> 4];
          out += kHex[octet & 0xF];
        }
    }
  }
}

template <class Text>
void BasicJsonWriter<Text>::integer(std::int64_t value) {
  separate();
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
  comma_ = true;
}

template <class Text>
void BasicJsonWriter<Text>::unsignedInteger(std::uint64_t value) {
  separate();
  appendDecimal(out_, value);
  comma_ = true;
}

template <class Text>
void BasicJsonWriter<Text>::number(double value) {
  separate();
  comma_ = true;
  constexpr double kExactMillis = 1e12;  // beyond it a thousandth says nothing
  if (!std::isfinite(value)) {
    out_ += '0';
    return;
  }
  const double size = std::fabs(value);
  if (size >= kExactMillis) {
    out_ += std::string_view(fmt::format("{:.0f}", value));
    return;
  }
  const double scaled = size * 1000;
  auto thousandths = static_cast<std::uint64_t>(scaled);
  thousandths += scaled - static_cast<double>(thousandths) >= 0.5 ? 1 : 0;
  if (value < 0 && thousandths != 0) {
    out_ += '-';
  }
  appendDecimal(out_, thousandths / 1000);
  const auto rest = static_cast<unsigned>(thousandths % 1000);
  if (rest == 0) {
    return;
  }
  const std::array<char, 4> fraction = {'.', static_cast<char>('0' + rest / 100),
                                        static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
  const std::size_t length = rest % 100 == 0 ? 2 : rest % 10 == 0 ? 3 : 4;
  out_.append(fraction.data(), length);
}

template <class Text>
void BasicJsonWriter<Text>::excerpt(std::string_view bytes) {
  separate();
  std::string printable;
  appendPrintable(printable, bytes.substr(0, std::min(bytes.size(), kMaxExcerptBytes)));
  out_ += '"';
  appendJsonEscaped(out_, printable);
  out_ += '"';
  comma_ = true;
}

template void appendJsonEscaped(std::string& out, std::string_view text);
template void appendJsonEscaped(TextBuffer& out, std::string_view text);
template class BasicJsonWriter<std::string>;
template class BasicJsonWriter<TextBuffer>;

}  // namespace gatewhy
