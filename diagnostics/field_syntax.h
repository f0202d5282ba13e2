// SPDX-License-Identifier: Apache-2.0
// Grammar of the field values that the response lint judges: pure predicates.
// Values are given without the white space around them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gatewhy {

// type "/" subtype *( ";" [ name "=" value ] ), RFC 9110 section 8.3.1.
[[nodiscard]] bool isMediaType(std::string_view value) noexcept;

// [ W/ ] DQUOTE *etagc DQUOTE, RFC 9110 section 8.8.3.
[[nodiscard]] bool isEntityTag(std::string_view value) noexcept;

// 1*DIGIT, RFC 9111 section 1.2.2.
[[nodiscard]] bool isDeltaSeconds(std::string_view value) noexcept;

// RFC 3986 section 4.1, as far as recipients disagree about it: no white space,
// quotes, angle brackets, backslash, control octets or octets outside ASCII.
// | { } ^ [ ] and ` pass, which every client takes the same way.
[[nodiscard]] bool isUriReference(std::string_view value) noexcept;

struct ContentRange {
  bool bytes = true;                      // other units are not looked into
  bool unsatisfied = false;               // "*/LENGTH"
  std::uint64_t first = 0, last = 0;      // where not unsatisfied; both inclusive
  std::optional<std::uint64_t> complete;  // absent where "*"
};
// RFC 9110 section 14.4. nullopt where it is malformed or contradicts itself.
[[nodiscard]] std::optional<ContentRange> parseContentRange(std::string_view value) noexcept;

// Whether the comma-separated list has this member, letters' case counting.
[[nodiscard]] bool listHas(std::string_view list, std::string_view member) noexcept;

// A word of the content-coding registry (RFC 9110 section 16.6.1), `identity`
// excepted. Case does not count.
[[nodiscard]] bool isContentCoding(std::string_view word) noexcept;

// Takes the first member off a comma-separated list, without the white space
// around it; may be empty.
[[nodiscard]] std::string_view takeMember(std::string_view& list) noexcept;

}  // namespace gatewhy
