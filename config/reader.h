// SPDX-License-Identifier: Apache-2.0
// Reading one configuration file: its problems, where its values stand, and
// the text of a value. What the text means is section.h's matter. Nothing stops
// at the first problem.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "config/load.h"
#include "config/yaml_source.h"

namespace gatewhy {

// Where each value that was written stands, by its path:
// "origins.shop.endpoints[0]".
using SourceMap = std::unordered_map<std::string, Position>;

// Paths of the parts ("routes[0]") that were not read as they were meant: what
// they lack must not be held against them.
using BrokenParts = std::unordered_set<std::string>;

// A value together with where it stands and the text it comes to.
struct ScalarValue {
  std::string text;
  Position at;
  bool quoted = false;
};

struct ReadValue {
  const YamlNode* node = nullptr;
  std::string path;         // "origins.shop"
  std::string schema_path;  // "origins.*"
  std::string name;         // of a map's entry
  Position name_at;
};

// Whether a text may have several lines.
enum class Lines : std::uint8_t { One, Several };

// What all sections of one file share.
class Reader {
 public:
  // Both must outlive the reader.
  Reader(std::string file, const EnvLookup& env) : files_{std::move(file)}, env_(env) {}

  void error(Position at, std::string message);
  // "; did you mean 'x'?" or "".
  [[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);
  // The expanded text; nullopt after a problem.
  [[nodiscard]] std::optional<ScalarValue> scalar(const YamlNode& node, std::string_view label, std::string_view wanted,
                                                  Lines lines = Lines::One);
  void warning(Position at, std::string message);
  void noteBroken(const std::string& path) { broken_.insert(path); }
  void remember(const std::string& path, Position at) { sources_.insert_or_assign(path, at); }
  // As named in the file, taken from the file's directory where relative.
  [[nodiscard]] std::string besideFile(const std::string& path, int file = 0) const;
  // An included file; what its positions carry.
  int addFile(std::string file);
  [[nodiscard]] const std::string& fileName(int file) const { return files_[static_cast<std::size_t>(file)]; }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  [[nodiscard]] std::vector<ConfigProblem>& problems() { return problems_; }
  [[nodiscard]] const SourceMap& sources() const { return sources_; }
  [[nodiscard]] const BrokenParts& broken() const { return broken_; }

 private:
  std::vector<std::string> files_;  // the main one first
  const EnvLookup& env_;
  std::vector<ConfigProblem> problems_;
  SourceMap sources_;
  BrokenParts broken_;
  std::size_t environment_budget_ = 4 * kMaxYamlBytes;
  std::size_t suggestions_left_ = 200;  // each costs time
};

// Complains that the value is no `wanted` ("a list").
[[nodiscard]] std::string wrongKind(std::string_view label, std::string_view wanted, const YamlNode& node);

}  // namespace gatewhy
