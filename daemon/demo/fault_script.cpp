// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/fault_script.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>
#include <optional>

namespace gatewhy {
namespace {

struct StepInfo {
  StepKind kind;
  std::string_view name;
  StepArgument argument;
};

constexpr std::array kSteps = {
#define FAULT_STEP(enumerator, text, argument, help) StepInfo{StepKind::enumerator, text, StepArgument::argument},
#include "daemon/demo/fault_steps.def"
#undef FAULT_STEP
};

const StepInfo* stepByName(std::string_view word) {
  for (const StepInfo& step : kSteps) {
    if (step.name == word) {
      return &step;
    }
  }
  return nullptr;
}

bool isWordEnd(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == ',';
}

std::optional<std::uint64_t> parseNumber(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::chrono::milliseconds> parseDuration(std::string_view word) {
  const std::size_t digits = word.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || digits > 9) {
    return std::nullopt;
  }
  const auto number = static_cast<std::int64_t>(*parseNumber(word.substr(0, digits)));
  const std::string_view unit = word.substr(digits);
  if (unit == "ms") {
    return std::chrono::milliseconds(number);
  }
  if (unit == "s") {
    return std::chrono::seconds(number);
  }
  return std::nullopt;
}

// Reads the one-line form from left to right.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  Result<Script, ScriptError> steps() {
    Script script;
    skipBlanks();
    while (at_ < text_.size()) {
      Step step;
      if (!readStep(step)) {
        return Failure{std::move(error_)};
      }
      script.push_back(std::move(step));
      skipBlanks();
      if (at_ == text_.size()) {
        break;
      }
      if (text_[at_] != ',') {
        fail(at_, "expected a comma between steps");
        return Failure{std::move(error_)};
      }
      ++at_;
      skipBlanks();
      if (at_ == text_.size()) {
        fail(at_, "a step is missing after the comma");
        return Failure{std::move(error_)};
      }
    }
    return script;
  }

 private:
  bool fail(std::size_t column, std::string message) {
    error_ = ScriptError{0, column, std::move(message)};
    return false;
  }
  void skipBlanks() {
    while (at_ < text_.size() && isWordEnd(text_[at_]) && text_[at_] != ',') {
      ++at_;
    }
  }
  std::string_view bareWord() {
    const std::size_t from = at_;
    while (at_ < text_.size() && !isWordEnd(text_[at_])) {
      ++at_;
    }
    return text_.substr(from, at_ - from);
  }
  bool atStepEnd() {
    skipBlanks();
    return at_ == text_.size() || text_[at_] == ',';
  }

  bool readStep(Step& step) {
    const std::size_t from = at_;
    const std::string_view word = bareWord();
    const StepInfo* info = stepByName(word);
    if (info == nullptr) {
      return fail(from, fmt::format("unknown step '{}'", word));
    }
    step.kind = info->kind;
    skipBlanks();
    switch (info->argument) {
      case StepArgument::None:
        return true;
      case StepArgument::Text:
        return readText(step.text);
      case StepArgument::Count:
        return readCount(step.count);
      case StepArgument::CountAndText:
        return readCount(step.count) && readText(step.text);
      case StepArgument::Duration:
        return readDuration(step.duration);
      case StepArgument::Options:
        return readOptions(step.options);
    }
    return true;
  }

  bool readCount(std::uint64_t& count) {
    const std::size_t from = at_;
    const std::optional<std::uint64_t> number = parseNumber(bareWord());
    if (!number) {
      return fail(from, "expected a number");
    }
    count = *number;
    skipBlanks();
    return true;
  }

  bool readDuration(std::chrono::milliseconds& duration) {
    const std::size_t from = at_;
    const auto parsed = parseDuration(bareWord());
    if (!parsed) {
      return fail(from, "expected a duration such as 250ms or 2s");
    }
    duration = *parsed;
    return true;
  }

  bool readOptions(std::vector<std::pair<std::string, std::string>>& options) {
    while (!atStepEnd()) {
      const std::size_t from = at_;
      const std::string_view word = bareWord();
      const std::size_t equals = word.find('=');
      if (equals == std::string_view::npos || equals == 0) {
        return fail(from, "expected key=value");
      }
      auto& [key, value] = options.emplace_back(word.substr(0, equals), word.substr(equals + 1));
      if (value.starts_with('"')) {
        value.clear();
        at_ = from + equals + 1;
        if (!readText(value)) {
          return false;
        }
      }
    }
    return true;
  }

  bool readText(std::string& text) {
    if (at_ == text_.size() || text_[at_] == ',') {
      return fail(at_, "expected a text");
    }
    if (text_[at_] != '"') {
      text = bareWord();
      return true;
    }
    const std::size_t quote = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        text += text_[at_++];
      } else if (!readEscape(text)) {
        return false;
      }
    }
    if (at_ == text_.size()) {
      return fail(quote, "the quote is not closed");
    }
    ++at_;
    return true;
  }

  bool readEscape(std::string& text) {
    const std::size_t from = at_++;
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    constexpr std::string_view kLetters = "rnt0\\\"";
    constexpr std::string_view kMeanings("\r\n\t\0\\\"", 6);
    if (const std::size_t i = kLetters.find(c); c != '\0' && i != std::string_view::npos) {
      text += kMeanings[i];
      return true;
    }
    unsigned value = 0;
    if (c == 'x' && text_.size() - at_ >= 2) {
      const char* const hex = text_.data() + at_;
      const auto [end, error] = std::from_chars(hex, hex + 2, value, 16);
      if (error == std::errc{} && end == hex + 2) {
        text += static_cast<char>(value);
        at_ += 2;
        return true;
      }
    }
    return fail(from, "unknown escape; known are \\r \\n \\t \\0 \\\\ \\\" and \\xHH");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  ScriptError error_;
};

Failure<ScriptError> errorAt(const YAML::Node& node, std::string message) {
  const YAML::Mark mark = node.Mark();
  return {{static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column), std::move(message)}};
}

// `{send: TEXT}`, `{repeat: [3, TEXT]}`: the argument's text is YAML's, so only
// the other kinds go through the one-line reader.
Result<Step, ScriptError> stepFromMap(const YAML::Node& item) {
  if (item.size() != 1 || !item.begin()->first.IsScalar()) {
    return errorAt(item, "expected a map of one step to its argument");
  }
  const std::string word = item.begin()->first.Scalar();
  const YAML::Node value = item.begin()->second;
  const StepInfo* info = stepByName(word);
  if (info == nullptr) {
    return errorAt(item, fmt::format("unknown step '{}'", word));
  }
  Step step;
  step.kind = info->kind;
  if (info->argument == StepArgument::Text && value.IsScalar()) {
    step.text = value.Scalar();
    return step;
  }
  if (info->argument == StepArgument::CountAndText && value.IsSequence() && value.size() == 2 && value[0].IsScalar() &&
      value[1].IsScalar()) {
    const std::optional<std::uint64_t> count = parseNumber(value[0].Scalar());
    if (!count) {
      return errorAt(value, "expected [number, text]");
    }
    step.count = *count;
    step.text = value[1].Scalar();
    return step;
  }
  if (info->argument == StepArgument::Options && value.IsMap()) {
    for (const auto& option : value) {
      step.options.emplace_back(option.first.Scalar(), option.second.Scalar());
    }
    return step;
  }
  if (value.IsScalar() && info->argument != StepArgument::None) {
    auto parsed = parseScript(fmt::format("{} {}", word, value.Scalar()));
    if (parsed && parsed.value().size() == 1) {
      return parsed.value().front();
    }
  }
  return errorAt(value, fmt::format("'{}' does not take this argument", word));
}

// `accept` means the connection itself, so it cannot come later.
std::optional<std::size_t> misplacedAccept(const Script& script) {
  for (std::size_t i = 1; i < script.size(); ++i) {
    if (script[i].kind == StepKind::Accept) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view Step::option(std::string_view key) const {
  for (const auto& [name, value] : options) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

std::string_view name(StepKind kind) {
  return kSteps[static_cast<std::size_t>(kind)].name;
}

Result<Script, ScriptError> parseScript(std::string_view text) {
  Result<Script, ScriptError> script = LineReader(text).steps();
  if (script && misplacedAccept(script.value())) {
    return Failure{ScriptError{0, 0, "'accept' may only be the first step"}};
  }
  return script;
}

Result<Script, ScriptError> parseScript(const YAML::Node& node) {
  if (node.IsScalar()) {
    Result<Script, ScriptError> script = parseScript(std::string_view(node.Scalar()));
    if (!script) {
      return errorAt(node, script.error().message);
    }
    return script;
  }
  if (!node.IsSequence()) {
    return errorAt(node, "a script is a list of steps");
  }
  Script script;
  for (const YAML::Node& item : node) {
    if (item.IsMap()) {
      Result<Step, ScriptError> step = stepFromMap(item);
      if (!step) {
        return Failure{step.error()};
      }
      script.push_back(step.value());
      continue;
    }
    if (!item.IsScalar()) {
      return errorAt(item, "a step is a text or a map");
    }
    Result<Script, ScriptError> steps = parseScript(std::string_view(item.Scalar()));
    if (!steps) {
      return errorAt(item, steps.error().message);
    }
    script.insert(script.end(), steps.value().begin(), steps.value().end());
  }
  if (misplacedAccept(script)) {
    return errorAt(node, "'accept' may only be the first step");
  }
  return script;
}

}  // namespace gatewhy
