// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "diagnostics/octet_block.h"
#include "diagnostics/unsafe_text.h"

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
constexpr std::array<bool, 256> kNeedsNoEscape = makePlainTable();

std::size_t plainPrefix(const char* data, std::size_t size) {
  std::size_t n = octets::skipBlocks(data, 0, size, [](octets::Block block) {
    return (block < 0x20) | (block >= 0x7F) | (block == '"') | (block == '\\');
  });
  while (n < size && kNeedsNoEscape[static_cast<unsigned char>(data[n])]) {
    ++n;
  }
  return n;
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

// Beyond the first 65,536 characters JSON writes two (RFC 8259 section 7).
template <class Text>
void appendCodeEscape(Text& out, char32_t code) {
  constexpr char32_t kPlane = 0x10000;
  if (code >= kPlane) {
    appendUnicodeEscape(out, static_cast<unsigned>(0xD800 + ((code - kPlane) >> 10U)));
    appendUnicodeEscape(out, static_cast<unsigned>(0xDC00 + ((code - kPlane) & 0x3FFU)));
  } else {
    appendUnicodeEscape(out, static_cast<unsigned>(code));
  }
}

// One character that is not plain; returns how many octets of `text` it was.
template <class Text>
std::size_t appendSpecial(Text& out, std::string_view text) {
  if (static_cast<unsigned char>(text[0]) < 0x80) {
    appendAsciiEscape(out, text[0]);
    return 1;
  }
  const Utf8Unit unit = firstCharacter(text);
  if (!unit.valid) {
    out += kReplacement;
  } else if (mayDeceive(unit.code)) {
    appendCodeEscape(out, unit.code);
  } else {
    out += text.substr(0, unit.length);
  }
  return unit.length;
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
    text.remove_prefix(appendSpecial(out, text));
  }
}

template <class Text>
void appendJsonCut(Text& out, std::string_view text, std::size_t most) {
  const std::size_t end = out.size() + most;
  while (!text.empty() && out.size() < end) {
    const std::size_t plain = plainPrefix(text.data(), std::min(text.size(), end - out.size()));
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (!text.empty() && out.size() < end) {
      text.remove_prefix(appendSpecial(out, text));
    }
  }
  if (!text.empty()) {
    out += "…[+";
    appendDecimal(out, text.size());
    out += "]";
  }
}

void appendPrintable(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHidden = "…";  // stands for what redaction took out
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
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
        } else if (bytes.substr(i).starts_with(kHidden)) {
          out += kHidden;
          i += kHidden.size() - 1;
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
template void appendJsonCut(std::string& out, std::string_view text, std::size_t most);
template void appendJsonCut(TextBuffer& out, std::string_view text, std::size_t most);
template class BasicJsonWriter<std::string>;
template class BasicJsonWriter<TextBuffer>;

}  // namespace gatewhy
