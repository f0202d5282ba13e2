// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {

std::size_t utf8SequenceLength(std::string_view text) noexcept {
  if (text.empty()) {
    return 0;
  }
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : (first & 0xF0U) == 0xE0        ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) || (first == 0xF0 && byte(1) < 0x90) ||
      (first == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

YamlText::YamlText(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      line_starts_.push_back(i + 1);
    }
  }
}

std::size_t YamlText::offset(int line, int byte_column) const noexcept {
  if (line < 0 || byte_column < 0) {
    return 0;
  }
  const std::size_t row = std::min(static_cast<std::size_t>(line), line_starts_.size() - 1);
  return std::min(line_starts_[row] + static_cast<std::size_t>(byte_column), text_.size());
}

Position YamlText::position(int line, int byte_column) const noexcept {
  return position(offset(line, byte_column));
}

Position YamlText::position(std::size_t offset) const noexcept {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto row = static_cast<std::size_t>(next - line_starts_.begin()) - 1;
  const std::size_t end = std::min(offset, text_.size());
  // Questions come in file order: go on from the last one on the same line,
  // or a file of one long line costs quadratic time.
  if (cursor_.row != row || cursor_.offset > end) {
    cursor_ = {row, line_starts_[row], 1};
  }
  for (; cursor_.offset < end; ++cursor_.offset) {
    if ((static_cast<unsigned char>(text_[cursor_.offset]) & 0xC0U) != 0x80) {
      ++cursor_.column;
    }
  }
  return {static_cast<int>(row) + 1, cursor_.column};
}

std::optional<YamlProblem> YamlText::firstForbidden() const {
  if (text_.starts_with("\xEF\xBB\xBF")) {
    return YamlProblem{{1, 1}, "the file begins with a byte order mark; save it as UTF-8 without one"};
  }
  if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
    return YamlProblem{{1, 1}, "the file is UTF-16; save it as UTF-8"};
  }
  for (std::size_t i = 0; i < text_.size();) {
    const auto c = static_cast<unsigned char>(text_[i]);
    if (c == '\r' && (i + 1 == text_.size() || text_[i + 1] != '\n')) {
      return YamlProblem{position(i), "a carriage return without a line feed"};
    }
    if (c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
      return YamlProblem{position(i), c == 0 ? "a NUL byte" : fmt::format("a control character (U+{:04X})", c)};
    }
    const std::size_t length = utf8SequenceLength(text_.substr(i));
    if (length == 0) {
      return YamlProblem{position(i), fmt::format("not UTF-8 (byte 0x{:02X})", c)};
    }
    i += length;
  }
  return directive();
}

std::optional<YamlProblem> YamlText::directive() const {
  for (const std::size_t start : line_starts_) {
    const std::string_view line = text_.substr(start, text_.find('\n', start) - start);
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') {
      continue;
    }
    if (line.front() == '%') {
      return YamlProblem{position(start), "YAML directives (%…) are not accepted"};
    }
    break;
  }
  return std::nullopt;
}

bool YamlText::tabBefore(int line) const noexcept {
  const std::size_t start = offset(line - 1, 0);
  const std::size_t first = text_.find_first_not_of(' ', start);
  return first != std::string_view::npos && text_[first] == '\t';
}

bool YamlText::unclosedQuoteAt(int line, int byte_column) const noexcept {
  std::size_t i = offset(line, byte_column);
  if (i >= text_.size() || (text_[i] != '"' && text_[i] != '\'')) {
    return false;  // a block scalar
  }
  const char quote = text_[i];
  for (++i; i < text_.size(); ++i) {
    if (quote == '"' && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      if (quote == '"' || i + 1 == text_.size() || text_[i + 1] != '\'') {
        return false;
      }
      ++i;  // '' is one quote inside
    }
  }
  return true;
}

}  // namespace gatewhy
