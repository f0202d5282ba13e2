// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

// A block collection that is open, by the column its entries begin in.
struct OpenBlock {
  std::size_t indent = 0;
  bool sequence = false;
  std::string key;  // the last one of a map
};

std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    lines.push_back(line);
    start = end + 1;
  }
  return lines;
}

std::size_t indentOf(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool isBlank(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string_view::npos || line[first] == '#';
}

// The blocks that are open after the lines so far. Only as exact as a hint
// has to be: quotes and multi-line flow collections are followed roughly.
class BlockStack {
 public:
  void take(std::string_view line) {
    if (isBlank(line) || insideText(line)) {
      return;
    }
    std::size_t column = indentOf(line);
    close(column);
    while (line.substr(column).starts_with("- ") || line.substr(column) == "-") {
      if (blocks_.empty() || !blocks_.back().sequence || blocks_.back().indent != column) {
        blocks_.push_back({column, true, {}});
      }
      column = std::min(line.find_first_not_of(' ', column + 1), line.size());
    }
    takeKey(line.substr(column), column);
    countBrackets(line);
    value_missing_ = line.ends_with(':');
    if (line.ends_with('|') || line.ends_with('>') || line.ends_with("|-") || line.ends_with(">-")) {
      text_indent_ = indentOf(line);
    }
  }

  [[nodiscard]] const std::vector<OpenBlock>& blocks() const { return blocks_; }
  [[nodiscard]] bool valueMissing() const { return value_missing_; }
  [[nodiscard]] bool insideBrackets() const { return depth_ > 0; }

 private:
  // A block scalar or a flow collection goes on.
  bool insideText(std::string_view line) {
    if (depth_ > 0) {
      countBrackets(line);
      return true;
    }
    if (text_indent_ && indentOf(line) > *text_indent_) {
      return true;
    }
    text_indent_.reset();
    return false;
  }

  void close(std::size_t column) {
    while (!blocks_.empty() && blocks_.back().indent > column) {
      blocks_.pop_back();
    }
  }

  void takeKey(std::string_view rest, std::size_t column) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos || colon == 0 || (colon + 1 < rest.size() && rest[colon + 1] != ' ')) {
      return;
    }
    // "- " of a sequence may stand right under its own key.
    while (!blocks_.empty() && blocks_.back().sequence && blocks_.back().indent == column) {
      blocks_.pop_back();
    }
    if (blocks_.empty() || blocks_.back().indent != column) {
      blocks_.push_back({column, false, {}});
    }
    blocks_.back().key = rest.substr(0, colon);
  }

  void countBrackets(std::string_view line) {
    char quote = '\0';
    for (const char c : line) {
      if (quote != '\0') {
        quote = c == quote ? '\0' : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '#') {
        return;
      } else if (c == '[' || c == '{') {
        ++depth_;
      } else if ((c == ']' || c == '}') && depth_ > 0) {
        --depth_;
      }
    }
  }

  std::vector<OpenBlock> blocks_;
  std::size_t depth_ = 0;
  std::optional<std::size_t> text_indent_;
  bool value_missing_ = false;
};

std::optional<std::string> misalignment(const BlockStack& stack, std::size_t indent) {
  const OpenBlock* outer = nullptr;
  const OpenBlock* inner = nullptr;
  for (const OpenBlock& block : stack.blocks()) {
    if (block.indent == indent) {
      return std::nullopt;
    }
    if (block.indent < indent) {
      outer = &block;
    } else if (inner == nullptr) {
      inner = &block;
    }
  }
  if (outer == nullptr || stack.insideBrackets()) {
    return std::nullopt;
  }
  const auto under = [](const OpenBlock& block) {
    return block.key.empty() ? std::string() : fmt::format(" (under '{}')", block.key);
  };
  if (inner == nullptr) {
    return stack.valueMissing()
               ? std::nullopt
               : std::optional(fmt::format("indented {}, expected {}{}", indent, outer->indent, under(*outer)));
  }
  return fmt::format("indented {}, expected {}{} or {}", indent, inner->indent, under(*inner), outer->indent);
}

}  // namespace

std::optional<YamlProblem> explainSyntaxError(std::string_view text, int line) {
  const std::vector<std::string_view> lines = linesOf(text);
  const auto last = std::min(static_cast<std::size_t>(std::max(line, 1)), lines.size());
  BlockStack stack;
  std::optional<YamlProblem> found;
  // The parser often notices a line or two late: the last line up to there
  // that is out of place is the one.
  for (std::size_t i = 0; i < last; ++i) {
    const std::string_view text_line = lines[i];
    const std::size_t indent = indentOf(text_line);
    if (!isBlank(text_line)) {
      if (text_line.substr(indent).starts_with('\t')) {
        return YamlProblem{{static_cast<int>(i) + 1, static_cast<int>(indent) + 1}, std::string(kTabMessage)};
      }
      if (auto message = misalignment(stack, indent)) {
        found = YamlProblem{{static_cast<int>(i) + 1, static_cast<int>(indent) + 1}, *std::move(message)};
      }
    }
    stack.take(text_line);
  }
  return found;
}

}  // namespace gatewhy
