// SPDX-License-Identifier: Apache-2.0
// One field line of a head or of a trailer section (RFC 9112 section 5), and
// what can be wrong with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "diagnostics/observation.h"

namespace gatewhy {

// What is wrong, and where; views into the head at fault.
struct HeadFault {
  ParseError error = ParseError::NotHttp;
  std::size_t at = 0;
  std::string_view header_name;
  std::string_view token;
  std::string_view second_token = {};  // where two contradict each other
};

// Sizes and offsets within the line.
struct FieldLine {
  std::size_t name_size = 0;
  std::size_t value_at = 0;
  std::size_t value_size = 0;  // without white space around it
};

// `line` excludes its CRLF and is not empty. Writes the name's size also where
// the value is at fault. Offsets of the fault are within the line.
[[nodiscard]] std::optional<HeadFault> parseFieldLine(std::string_view line, FieldLine& out) noexcept;

// Index of the first octet that may not stand in a field value or reason
// phrase; the size where all may.
[[nodiscard]] std::size_t findInvalidValueOctet(std::string_view text, std::size_t from) noexcept;

// A CR or NUL out of place is named as such wherever it stands; any other
// octet is what the place says.
[[nodiscard]] ParseError octetError(char octet, ParseError otherwise) noexcept;

// The members of a comma-separated list (RFC 9110 section 5.6.1), without the
// white space around them. Empty members are handed out too: whether they
// are tolerable depends on the field.
class ListReader {
 public:
  explicit ListReader(std::string_view value) : value_(value) {}
  [[nodiscard]] bool next();
  [[nodiscard]] std::string_view member() const { return value_.substr(member_at_, member_size_); }
  [[nodiscard]] std::size_t offset() const { return member_at_; }  // of the member within the value

 private:
  std::string_view value_;
  std::size_t next_at_ = 0;
  std::size_t member_at_ = 0;
  std::size_t member_size_ = 0;
  bool exhausted_ = false;
};

}  // namespace gatewhy
