// SPDX-License-Identifier: Apache-2.0
// The bytes of a YAML file before any parsing: what may not be in them, and
// where a byte offset lies in lines and columns.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "config/yaml_source.h"

namespace gatewhy {

// Length of the well-formed UTF-8 sequence (RFC 3629) at the start of `text`;
// 0 = none.
[[nodiscard]] std::size_t utf8SequenceLength(std::string_view text) noexcept;

class YamlText {
 public:
  // `text` must outlive this object.
  explicit YamlText(std::string_view text);

  // From yaml-cpp's mark (line from 0, column in bytes from 0).
  [[nodiscard]] Position position(int line, int byte_column) const noexcept;
  [[nodiscard]] Position position(std::size_t offset) const noexcept;

  // The first thing that no YAML file may contain: a byte order mark, a
  // control character, a lone carriage return, bytes that are not UTF-8, a
  // directive. nullopt = nothing.
  [[nodiscard]] std::optional<YamlProblem> firstForbidden() const;

  // Whether a tab stands in the indentation of the line (from 1).
  [[nodiscard]] bool tabBefore(int line) const noexcept;

  // Whether a quoted scalar begins at the mark and its quote is never closed.
  [[nodiscard]] bool unclosedQuoteAt(int line, int byte_column) const noexcept;

 private:
  [[nodiscard]] std::size_t offset(int line, int byte_column) const noexcept;
  [[nodiscard]] std::optional<YamlProblem> directive() const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;

  struct Cursor {
    std::size_t row = 0;
    std::size_t offset = 0;
    int column = 1;
  };
  mutable Cursor cursor_;  // one thread only
};

}  // namespace gatewhy
