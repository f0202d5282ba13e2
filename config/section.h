// SPDX-License-Identifier: Apache-2.0
// Typed reading of a YAML tree by the rows of schema.h. A Section reports, as
// soon as it is made, every unknown and every missing required key; reading a
// value then reports a wrong type or an impossible value. Nothing stops at the
// first problem.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "config/reader.h"
#include "config/schema.h"

namespace gatewhy {

class Section {
 public:
  // `value.node` must be a map; `reader` and the tree must outlive the section.
  Section(Reader& reader, const ReadValue& value);
  // nullopt, reported, where the value is not a map.
  [[nodiscard]] static std::optional<Section> open(Reader& reader, const ReadValue& value);

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  // Whether the value is a map, or a list, where it can be a single value as well.
  [[nodiscard]] bool isMap(std::string_view key) const;
  [[nodiscard]] bool isList(std::string_view key) const;
  // Of the value where it is written, of the section otherwise.
  [[nodiscard]] Position at(std::string_view key) const;
  [[nodiscard]] Position at() const { return value_.node->at; }
  [[nodiscard]] const std::string& path() const { return value_.path; }

  // Each leaves `out` alone where the key is absent or wrong, and returns
  // whether it was set.
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, std::uint32_t& out);
  bool read(std::string_view key, std::uint64_t& out);
  bool read(std::string_view key, Millis& out);
  // `is_auto`: the word stands there instead of a duration.
  bool readOrAuto(std::string_view key, Millis& out, bool& is_auto);
  bool read(std::string_view key, std::string& out);
  // `check` returns a complaint, or "" where the value is fine.
  bool read(std::string_view key, std::string& out, const std::function<std::string(const std::string&)>& check);
  bool readLines(std::string_view key, std::string& out);  // a text of one line or several
  // Enumerators in the order of the row's words.
  template <typename Enum>
  bool readWord(std::string_view key, Enum& out) {
    const std::optional<std::size_t> index = wordIndex(key);
    if (index) {
      out = static_cast<Enum>(*index);
    }
    return index.has_value();
  }

  [[nodiscard]] std::optional<Section> section(std::string_view key);
  [[nodiscard]] std::vector<ReadValue> list(std::string_view key);
  [[nodiscard]] std::vector<ReadValue> map(std::string_view key);

 private:
  void inspectKeys();
  void unknownKey(const YamlEntry& entry);
  [[nodiscard]] const YamlEntry* find(std::string_view key) const;
  [[nodiscard]] std::string schemaPath(std::string_view key) const;
  [[nodiscard]] std::string valuePath(std::string_view key) const;
  [[nodiscard]] ReadValue child(std::string_view key, const YamlNode& node) const;
  [[nodiscard]] const SchemaRow& row(std::string_view key) const;
  // The scalar at `key`; nullopt where absent or, reported, wrong.
  [[nodiscard]] std::optional<ScalarValue> scalar(std::string_view key, std::string_view wanted,
                                                  Lines lines = Lines::One);
  [[nodiscard]] std::optional<std::size_t> wordIndex(std::string_view key);
  [[nodiscard]] bool takeDuration(std::string_view key, const ScalarValue& from, Millis& out);
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key);
  // The list or map at `key`; null where absent or, reported, wrong.
  [[nodiscard]] const YamlNode* collection(std::string_view key, YamlNode::Kind kind, std::string_view wanted);

  Reader& reader_;
  ReadValue value_;
  std::unordered_map<std::string_view, const YamlEntry*> usable_;  // known keys
};

// A whole number in the row's range, for elements of lists and maps.
[[nodiscard]] std::optional<std::uint64_t> readNumber(Reader& reader, const ReadValue& value);
[[nodiscard]] std::optional<std::string> readText(Reader& reader, const ReadValue& value,
                                                  const std::function<std::string(const std::string&)>& check);

}  // namespace gatewhy
