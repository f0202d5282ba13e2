// SPDX-License-Identifier: Apache-2.0
#include "config/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/foreign_words.h"
#include "config/units.h"

namespace gatewhy {
namespace {

// YAML 1.1 read these as booleans; here they are mistakes.
bool isOldBoolean(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::array<std::string_view, 8> kWords{"yes", "no", "on", "off", "y", "n", "true", "false"};
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool isYes(std::string_view text) {
  const char c = text.empty() ? '\0' : static_cast<char>(text.front() | 0x20);
  return c == 'y' || c == 't' || text == "on" || text == "On" || text == "ON";
}

std::string joined(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string outOfRange(const SchemaRow& row, std::string_view label, std::string_view text) {
  const auto show = [&row](std::uint64_t value) {
    switch (row.type) {
      case ValueType::Duration:
      case ValueType::DurationOrAuto:
        return formatDuration(std::chrono::milliseconds{static_cast<Millis::rep>(value)});
      case ValueType::Size:
        return formatSize(value);
      case ValueType::Percent:
        return fmt::format("{}%", value);
      default:
        return fmt::format("{}", value);
    }
  };
  return fmt::format("'{}' must be between {} and {}{}, not {}", label, show(row.min), show(row.max),
                     row.type == ValueType::Size ? ", or 0 for no limit" : "", text);
}

bool inRange(const SchemaRow& row, std::uint64_t value) {
  // 0 switches a size limit off, whatever the smallest useful limit is.
  return (value >= row.min || (value == 0 && row.type == ValueType::Size)) && value <= row.max;
}

}  // namespace

std::optional<Section> Section::open(Reader& reader, const ReadValue& value) {
  if (value.node->kind == YamlNode::Kind::Invalid) {
    return std::nullopt;
  }
  if (value.node->kind != YamlNode::Kind::Map) {
    reader.error(value.node->at,
                 value.schema_path.empty()
                     ? "the configuration must be a map of keys and values, such as 'listeners:'"
                     : wrongKind(localName(value.schema_path), "a map of keys and values", *value.node));
    return std::nullopt;
  }
  return Section(reader, value);
}

Section::Section(Reader& reader, const ReadValue& value) : reader_(reader), value_(value) {
  reader_.remember(value_.path, value_.node->at);
  inspectKeys();
}

void Section::inspectKeys() {
  for (const YamlEntry& entry : value_.node->entries) {
    const SchemaRow* known = entry.key.find('.') == std::string::npos ? schemaRow(schemaPath(entry.key)) : nullptr;
    if (known == nullptr || entry.key == "*" || entry.key.ends_with("[]")) {
      unknownKey(entry);
    } else {
      usable_.emplace(entry.key, &entry);
    }
  }
  for (const SchemaRow& candidate : schemaRows()) {
    if (!candidate.required || parentPath(candidate.path) != value_.schema_path) {
      continue;
    }
    const std::string_view key = lastPart(candidate.path);
    const auto& entries = value_.node->entries;
    if (std::none_of(entries.begin(), entries.end(), [key](const YamlEntry& entry) { return entry.key == key; })) {
      reader_.error(value_.node->at, fmt::format("missing required key '{}'", key));
    }
  }
}

void Section::unknownKey(const YamlEntry& entry) {
  std::string hint;
  if (const auto foreign = foreignKeyHint(entry.key); !foreign.empty()) {
    hint = fmt::format("; {} (docs/migrating.md)", foreign);
  } else {
    hint = reader_.suggestion(entry.key, schemaKeys(value_.schema_path));
  }
  if (hint.empty()) {
    const auto sections = sectionsWithKey(entry.key);
    constexpr std::size_t kMostShown = 2;
    if (sections.size() == 1 && sections.front().empty()) {
      hint = "; it belongs at the top level";
    } else if (!sections.empty() && sections.size() <= kMostShown) {
      hint = fmt::format("; it belongs in '{}'", fmt::join(sections, "' or '"));
    }
  }
  reader_.error(entry.at, fmt::format("unknown key '{}'{}", entry.key, hint));
}

const YamlEntry* Section::find(std::string_view key) const {
  const auto found = usable_.find(key);
  return found == usable_.end() ? nullptr : found->second;
}

bool Section::isMap(std::string_view key) const {
  const YamlEntry* entry = find(key);
  return entry != nullptr && entry->value.kind == YamlNode::Kind::Map;
}

bool Section::isList(std::string_view key) const {
  const YamlEntry* entry = find(key);
  return entry != nullptr && entry->value.kind == YamlNode::Kind::Sequence;
}

Position Section::at(std::string_view key) const {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? value_.node->at : entry->value.at;
}

std::string Section::schemaPath(std::string_view key) const {
  return value_.schema_path.empty() ? std::string(key) : fmt::format("{}.{}", value_.schema_path, key);
}

std::string Section::valuePath(std::string_view key) const {
  return value_.path.empty() ? std::string(key) : fmt::format("{}.{}", value_.path, key);
}

ReadValue Section::child(std::string_view key, const YamlNode& node) const {
  return {&node, valuePath(key), schemaPath(key), std::string(key), node.at};
}

const SchemaRow& Section::row(std::string_view key) const {
  return *schemaRow(schemaPath(key));
}

std::optional<ScalarValue> Section::scalar(std::string_view key, std::string_view wanted, Lines lines) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  reader_.remember(valuePath(key), entry->value.at);
  return reader_.scalar(entry->value, localName(row(key).path), wanted, lines);
}

bool Section::read(std::string_view key, bool& out) {
  const auto value = scalar(key, "true or false");
  if (!value) {
    return false;
  }
  const std::string_view label = localName(row(key).path);
  if (value->quoted) {
    reader_.error(value->at, fmt::format("'{}' must be true or false, without quotes", label));
    return false;
  }
  if (value->text != "true" && value->text != "false") {
    reader_.error(value->at, fmt::format("'{}' must be true or false, not '{}'{}", label, value->text,
                                         !isOldBoolean(value->text) ? ""
                                         : isYes(value->text)       ? "; write true"
                                                                    : "; write false"));
    return false;
  }
  out = value->text == "true";
  return true;
}

std::optional<std::uint64_t> readNumberText(Reader& reader, const SchemaRow& row, const ScalarValue& value) {
  const std::string_view label = localName(row.path);
  if (value.quoted && row.type != ValueType::Percent) {
    reader.error(value.at, fmt::format("'{}' must be a whole number, without quotes", label));
    return std::nullopt;
  }
  const auto parsed = row.type == ValueType::Percent ? parsePercent(value.text) : parseWholeNumber(value.text);
  if (!parsed) {
    reader.error(value.at, fmt::format("'{}': {}", label, parsed.error()));
    return std::nullopt;
  }
  if (!inRange(row, *parsed)) {
    reader.error(value.at, outOfRange(row, label, value.text));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<std::uint64_t> Section::number(std::string_view key) {
  const SchemaRow& key_row = row(key);
  const auto value = scalar(key, key_row.type == ValueType::Percent ? "a percentage such as 20%" : "a whole number");
  if (!value || (key_row.type == ValueType::IntegerOrAuto && value->text == "auto")) {
    return std::nullopt;
  }
  return readNumberText(reader_, key_row, *value);
}

bool Section::read(std::string_view key, std::uint32_t& out) {
  const auto value = number(key);
  if (value) {
    out = static_cast<std::uint32_t>(*value);  // no row's range goes beyond
  }
  return value.has_value();
}

bool Section::read(std::string_view key, std::uint64_t& out) {
  const auto value = scalar(key, "a size such as 16KiB");
  if (!value) {
    return false;
  }
  const SchemaRow& key_row = row(key);
  const std::string_view label = localName(key_row.path);
  const auto size = parseSize(value->text);
  if (!size) {
    reader_.error(value->at, fmt::format("'{}': {}", label, size.error()));
    return false;
  }
  if (!inRange(key_row, *size)) {
    reader_.error(value->at, outOfRange(key_row, label, value->text));
    return false;
  }
  out = *size;
  return true;
}

bool Section::read(std::string_view key, Millis& out) {
  const auto value = scalar(key, "a duration such as 5s");
  return value && takeDuration(key, *value, out);
}

bool Section::readOrAuto(std::string_view key, Millis& out, bool& is_auto) {
  const auto value = scalar(key, "a duration such as 5s, or auto");
  if (!value) {
    return false;
  }
  is_auto = value->text == "auto";
  return is_auto || takeDuration(key, *value, out);
}

bool Section::takeDuration(std::string_view key, const ScalarValue& from, Millis& out) {
  const ScalarValue* const value = &from;
  const SchemaRow& key_row = row(key);
  const std::string_view label = localName(key_row.path);
  const auto duration = parseDuration(value->text);
  if (!duration) {
    reader_.error(value->at, fmt::format("'{}': {}", label, duration.error()));
    return false;
  }
  if (!inRange(key_row, static_cast<std::uint64_t>(duration->count()))) {
    reader_.error(value->at, outOfRange(key_row, label, value->text));
    return false;
  }
  out = *duration;
  return true;
}

bool Section::read(std::string_view key, std::string& out) {
  return read(key, out, [](const std::string&) { return std::string(); });
}

bool Section::read(std::string_view key, std::string& out,
                   const std::function<std::string(const std::string&)>& check) {
  auto value = scalar(key, "a text");
  if (!value) {
    return false;
  }
  const SchemaRow& key_row = row(key);
  if (key_row.type == ValueType::File && key_row.required && value->text.empty()) {
    reader_.error(value->at, fmt::format("'{}' must name a file", localName(key_row.path)));
    return false;
  }
  const std::string complaint = check(value->text);
  if (!complaint.empty()) {
    reader_.error(value->at, fmt::format("'{}': {}", localName(key_row.path), complaint));
    return false;
  }
  out = key_row.type == ValueType::File ? reader_.besideFile(value->text, value->at.file) : std::move(value->text);
  return true;
}

bool Section::readLines(std::string_view key, std::string& out) {
  auto value = scalar(key, "a text", Lines::Several);
  if (value) {
    out = std::move(value->text);
  }
  return value.has_value();
}

std::optional<std::size_t> Section::wordIndex(std::string_view key) {
  const SchemaRow& key_row = row(key);
  const std::vector<std::string_view> words = splitWords(key_row.words);
  const std::string list = joined(words);
  const auto value = scalar(key, fmt::format("one of {}", list));
  if (!value) {
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), value->text);
  if (found == words.end()) {
    // A number is not a misspelt other number.
    const bool is_word = value->text.find_first_not_of("0123456789.") != std::string::npos;
    const std::string hint = is_word ? reader_.suggestion(value->text, words) : "";
    reader_.error(value->at, fmt::format("'{}' cannot be '{}'{}{}", localName(key_row.path), value->text,
                                         hint.empty() ? "; possible: " : hint, hint.empty() ? list : ""));
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

std::optional<Section> Section::section(std::string_view key) {
  const YamlEntry* entry = find(key);
  return entry == nullptr ? std::nullopt : Section::open(reader_, child(key, entry->value));
}

const YamlNode* Section::collection(std::string_view key, YamlNode::Kind kind, std::string_view wanted) {
  const YamlEntry* entry = find(key);
  if (entry == nullptr || entry->value.kind == YamlNode::Kind::Invalid) {
    return nullptr;
  }
  const YamlNode& node = entry->value;
  const SchemaRow& key_row = row(key);
  reader_.remember(valuePath(key), node.at);
  if (node.kind != kind) {
    reader_.error(node.at, wrongKind(localName(key_row.path), wanted, node));
    return nullptr;
  }
  if (node.items.size() + node.entries.size() < key_row.min) {
    reader_.error(node.at, fmt::format("'{}' is empty; it needs at least one entry", localName(key_row.path)));
  }
  return &node;
}

std::vector<ReadValue> Section::list(std::string_view key) {
  std::vector<ReadValue> out;
  const YamlNode* node = collection(key, YamlNode::Kind::Sequence, "a list");
  for (std::size_t i = 0; node != nullptr && i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    out.push_back({&item, fmt::format("{}[{}]", valuePath(key), i), fmt::format("{}[]", schemaPath(key)), {}, item.at});
    reader_.remember(out.back().path, item.at);
  }
  return out;
}

std::vector<ReadValue> Section::map(std::string_view key) {
  std::vector<ReadValue> out;
  const YamlNode* node = collection(key, YamlNode::Kind::Map, "a map");
  if (node == nullptr) {
    return out;
  }
  for (const YamlEntry& item : node->entries) {
    out.push_back({&item.value, fmt::format("{}.{}", valuePath(key), item.key), fmt::format("{}.*", schemaPath(key)),
                   item.key, item.at});
    reader_.remember(out.back().path, item.value.at);
  }
  return out;
}

std::optional<std::uint64_t> readNumber(Reader& reader, const ReadValue& value) {
  const SchemaRow& row = *schemaRow(value.schema_path);
  const auto text = reader.scalar(*value.node, value.name.empty() ? localName(row.path) : value.name, "a whole number");
  return text ? readNumberText(reader, row, *text) : std::nullopt;
}

std::optional<std::string> readText(Reader& reader, const ReadValue& value,
                                    const std::function<std::string(const std::string&)>& check) {
  const std::string_view label = value.name.empty() ? localName(value.schema_path) : std::string_view(value.name);
  auto text = reader.scalar(*value.node, label, "a text");
  if (!text) {
    return std::nullopt;
  }
  const std::string complaint = check(text->text);
  if (!complaint.empty()) {
    reader.error(text->at, fmt::format("'{}': {}", label, complaint));
    return std::nullopt;
  }
  return std::move(text->text);
}

}  // namespace gatewhy
