// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys. One row drives reading, the messages for
// unknown and misspelt keys, the JSON Schema and docs/configuration.md: a key
// is added here and nowhere else, then read in the load_*.cpp of its section.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

enum class ValueType : std::uint8_t {
  Section,           // a map with the keys of the rows below
  SectionOrText,     // the same, or its short form
  SectionOrBoolean,  // the same, or true or false
  Partial,           // the keys of the section that `words` names, none of them required
  List,              // of the row path[]
  ListOrText,        // the same, or its short form: one element
  Map,               // with names of the user's choice: of the row path.*
  Text,
  File,           // a path; a relative one is taken from the configuration file's directory
  Word,           // one of `words`
  WordOrSection,  // the same, or a section
  Boolean,
  Integer,
  IntegerOrAuto,
  Duration,
  DurationOrAuto,
  Size,
  Percent,
};

inline constexpr std::uint64_t kNoMaximum = std::numeric_limits<std::uint32_t>::max();

struct SchemaRow {
  std::string_view path;  // "listeners[].tls.min_version", "origins.*.balance"
  ValueType type = ValueType::Text;
  bool required = false;
  std::string_view fallback;  // the default as a user would write it; empty = none
  std::uint64_t min = 0;      // of numbers; of lists and maps: the fewest elements
  std::uint64_t max = kNoMaximum;
  std::string_view words;    // "one|other", in the order of the enumerators they stand for
  std::string_view pattern;  // regular expression for JSON Schema
  std::string_view text;     // what it does, for the manual
};

[[nodiscard]] std::span<const SchemaRow> schemaRows() noexcept;
// nullptr = no such key.
[[nodiscard]] const SchemaRow* schemaRow(std::string_view path) noexcept;
// The keys directly below `path` ("" = the top).
[[nodiscard]] std::vector<std::string_view> schemaKeys(std::string_view path);
// The sections in which `key` exists.
[[nodiscard]] std::vector<std::string_view> sectionsWithKey(std::string_view key);

// "one|other" → {"one", "other"}.
[[nodiscard]] std::vector<std::string_view> splitWords(std::string_view words);
// The part after the last list index or name: "origins.*.tls.verify" → "tls.verify".
[[nodiscard]] std::string_view localName(std::string_view path) noexcept;
[[nodiscard]] std::string_view parentPath(std::string_view path) noexcept;
[[nodiscard]] std::string_view lastPart(std::string_view path) noexcept;

[[nodiscard]] std::string configManual();   // docs/configuration.md
[[nodiscard]] std::string configManPage();  // docs/man/gatewhy.yaml.5

}  // namespace gatewhy
