// SPDX-License-Identifier: Apache-2.0
#include "config/reader.h"

#include <fmt/format.h>

#include <utility>

#include "config/environment.h"
#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

std::string_view kindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::Null:
      return "empty";
    case YamlNode::Kind::Sequence:
      return "a list";
    case YamlNode::Kind::Map:
      return "a map";
    case YamlNode::Kind::Scalar:
    case YamlNode::Kind::Invalid:
      break;
  }
  return "a single value";
}

// The first control character but tab, which header values may hold.
const char* findControl(const std::string& text, Lines lines) {
  for (const char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' && lines == Lines::Several) {
      continue;
    }
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return &c;
    }
  }
  return nullptr;
}

}  // namespace

std::string wrongKind(std::string_view label, std::string_view wanted, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::Null) {
    return fmt::format("'{}' has no value; give it {}, or leave the key out", label, wanted);
  }
  return fmt::format("'{}' must be {}, not {}", label, wanted, kindName(node.kind));
}

void Reader::error(Position at, std::string message) {
  problems_.push_back({ProblemLevel::Error, fileName(at.file), at.line, at.column, std::move(message)});
}

std::string Reader::suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (suggestions_left_ == 0) {
    return "";
  }
  --suggestions_left_;
  const auto near = nearestWord(word, candidates);
  return near ? fmt::format("; did you mean '{}'?", *near) : "";
}

void Reader::warning(Position at, std::string message) {
  problems_.push_back({ProblemLevel::Warning, fileName(at.file), at.line, at.column, std::move(message)});
}

std::optional<ScalarValue> Reader::scalar(const YamlNode& node, std::string_view label, std::string_view wanted,
                                          Lines lines) {
  if (node.kind == YamlNode::Kind::Invalid) {
    return std::nullopt;
  }
  if (node.kind != YamlNode::Kind::Scalar) {
    error(node.at, wrongKind(label, wanted, node));
    return std::nullopt;
  }
  auto text = expandEnvironment(node.text, env_, environment_budget_);
  if (!text) {
    error(node.at, fmt::format("'{}': {}", label, text.error()));
    return std::nullopt;
  }
  if (const char* control = findControl(*text, lines)) {
    error(node.at, *control == '\n' || *control == '\r' ? fmt::format("'{}' contains a line break", label)
                                                        : fmt::format("'{}' contains a control character (U+{:04X})",
                                                                      label, static_cast<unsigned char>(*control)));
    return std::nullopt;
  }
  // A variable in quotes is not a quoted number: the quotes are for YAML.
  const bool quoted = node.quoted && *text == node.text;
  return ScalarValue{std::move(*text), node.at, quoted};
}

int Reader::addFile(std::string file) {
  files_.push_back(std::move(file));
  return static_cast<int>(files_.size() - 1);
}

std::string Reader::besideFile(const std::string& path, int file) const {
  const std::string& beside = fileName(file);
  const std::size_t slash = beside.rfind('/');
  if (path.empty() || path.front() == '/' || slash == std::string::npos) {
    return path;
  }
  return beside.substr(0, slash + 1) + path;
}

}  // namespace gatewhy
