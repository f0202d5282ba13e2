// SPDX-License-Identifier: Apache-2.0
// YAML text to a tree, strictly. yaml-cpp is lenient where a configuration
// must not be (duplicate keys, second documents, text after the end, unknown
// tags, aliases that multiply); everything it lets pass is refused here, with
// a position. Scalars stay text: what they mean is the schema's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

inline constexpr std::size_t kMaxYamlBytes = 1024UL * 1024;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr std::size_t kMaxYamlDepth = 32;

// Counts from 1, columns in characters; 0 where the whole file is meant.
struct Position {
  int line = 0;
  int column = 0;
  int file = 0;            // of the reader's files; 0 = the main one
  bool inherited = false;  // it stands in `defaults`, not where it counts
};

struct YamlEntry;

struct YamlNode {
  // Invalid stands where something refused stood (an alias, say): its problem
  // is already reported, so readers pass over it in silence.
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map, Invalid };
  Kind kind = Kind::Null;
  Position at;
  bool quoted = false;  // or a block scalar
  std::string text;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // in file order, keys unique
};

struct YamlEntry {
  std::string key;
  Position at;
  YamlNode value;
};

struct YamlProblem {
  Position at;
  std::string message;
};

struct YamlDocument {
  std::optional<YamlNode> root;  // absent after a syntax error
  std::vector<YamlProblem> problems;
};

// Bounded in memory, time and stack for any input. Never throws.
[[nodiscard]] YamlDocument parseYaml(std::string_view text);

}  // namespace gatewhy
