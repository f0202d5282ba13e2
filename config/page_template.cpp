// SPDX-License-Identifier: Apache-2.0
#include "config/page_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "diagnostics/octets.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostPageProblems = 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

enum class Region : std::uint8_t {
  Text,     // between tags, or in a quoted attribute value
  Tag,      // of a tag what is not in quotes
  Comment,  // and declarations
  Style,
  Script,
};

bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// Cuts a page into regions, roughly as a browser does (HTML section 13.2.5);
// where it errs it sees a tag or a script too many, not one too few.
class Regions {
 public:
  explicit Regions(std::string_view html) : html_(html) {}

  // False at the end.
  [[nodiscard]] bool next() {
    begin_ = end_;
    if (begin_ == html_.size()) {
      return false;
    }
    switch (state_) {
      case State::Text:
        nextInText();
        break;
      case State::Tag:
        nextInTag();
        break;
      case State::Quoted:
        kind_ = Region::Text;
        end_ = std::min(html_.find(quote_, begin_), html_.size());
        state_ = State::Tag;
        after_quote_ = true;
        break;
      case State::Raw:
        kind_ = raw_ == "style" ? Region::Style : Region::Script;
        end_ = endOfRaw();
        state_ = State::Text;
        break;
    }
    return true;
  }

  [[nodiscard]] Region kind() const { return kind_; }
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] std::string_view text() const { return html_.substr(begin_, end_ - begin_); }

 private:
  enum class State : std::uint8_t { Text, Tag, Quoted, Raw };

  void nextInText() {
    const std::string_view rest = html_.substr(begin_);
    if (rest.starts_with("<!") || rest.starts_with("<?")) {
      kind_ = Region::Comment;
      const std::size_t close = html_.find(rest.starts_with("<!--") ? "-->" : ">", begin_);
      end_ = close == std::string_view::npos ? html_.size() : html_.find('>', close) + 1;
      return;
    }
    if (opensTag(begin_)) {
      raw_ = rawName(begin_);
      state_ = State::Tag;
      after_quote_ = false;
      end_ = begin_;
      nextInTag();
      return;
    }
    kind_ = Region::Text;
    end_ = begin_ + 1;
    while (end_ < html_.size() && !opensTag(end_) && !html_.substr(end_).starts_with("<!") &&
           !html_.substr(end_).starts_with("<?")) {
      ++end_;
    }
  }

  // Up to the end of the tag, or to the quote that begins a value. Only behind
  // the '=' of an attribute's name does one begin it: in `x=="` and `="` a quote
  // is a character like any other.
  void nextInTag() {
    enum class At : std::uint8_t { TagName, Nothing, Name, AfterName, Value, Bare };
    kind_ = Region::Tag;
    At at = after_quote_ ? At::Nothing : At::TagName;
    end_ = begin_ + 1;  // '<', or the quote that ended a value
    after_quote_ = false;
    for (; end_ < html_.size(); ++end_) {
      const char c = html_[end_];
      if (c == '>') {
        ++end_;
        state_ = raw_.empty() ? State::Text : State::Raw;
        return;
      }
      if (at == At::Value && (c == '"' || c == '\'')) {
        quote_ = c;
        ++end_;
        state_ = State::Quoted;
        return;
      }
      if (isBlank(c)) {
        at = at == At::Name ? At::AfterName : at == At::TagName || at == At::Bare ? At::Nothing : at;
      } else if (at == At::Value || at == At::Bare) {
        at = At::Bare;
      } else if (at == At::TagName ? c == '/' && end_ > begin_ + 1 : c == '/') {
        at = At::Nothing;
      } else if (c == '=' && (at == At::Name || at == At::AfterName)) {
        at = At::Value;
      } else if (at != At::TagName) {
        at = At::Name;
      }
    }
  }

  [[nodiscard]] bool opensTag(std::size_t at) const {
    const std::size_t name = html_.substr(at).starts_with("</") ? at + 2 : at + 1;
    return html_[at] == '<' && name < html_.size() && octets::isAlpha(html_[name]);
  }

  [[nodiscard]] bool hasName(std::size_t at, std::string_view name) const {
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    const std::string_view found = html_.substr(at, name.size());
    if (found.size() != name.size() || !std::equal(found.begin(), found.end(), name.begin(), same)) {
      return false;
    }
    const std::size_t end = at + name.size();
    return end == html_.size() || isBlank(html_[end]) || html_[end] == '>' || html_[end] == '/';
  }

  // "style" or "script" where the tag at `at` opens one.
  [[nodiscard]] std::string_view rawName(std::size_t at) const {
    for (const std::string_view name : {"style", "script"}) {
      if (hasName(at + 1, name)) {
        return name;
      }
    }
    return {};
  }

  [[nodiscard]] std::size_t endOfRaw() const {
    for (std::size_t at = html_.find("</", begin_); at != std::string_view::npos; at = html_.find("</", at + 2)) {
      if (hasName(at + 2, raw_)) {
        return at;
      }
    }
    return html_.size();
  }

  std::string_view html_;
  State state_ = State::Text;
  Region kind_ = Region::Text;
  std::size_t begin_ = 0, end_ = 0;
  std::string_view raw_;  // of the tag that is open
  char quote_ = '"';
  bool after_quote_ = false;  // the tag goes on with the quote that ended a value
};

class PageParser {
 public:
  explicit PageParser(std::string_view html) : html_(html) {}

  ParsedPage parse() {
    checkUtf8();
    for (Regions regions(html_); regions.next();) {
      take(regions.kind(), regions.text(), regions.begin());
    }
    const auto earlier = [](const PageProblem& a, const PageProblem& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    };
    std::stable_sort(made_.problems.begin(), made_.problems.end(), earlier);
    return std::move(made_);
  }

 private:
  void take(Region kind, std::string_view text, std::size_t begin) {
    switch (kind) {
      case Region::Text:
      case Region::Tag:
        parseText(kind, text, begin);
        return;
      case Region::Comment:
        made_.html.appendText(text);
        return;
      case Region::Script:
        problem(begin, true,
                "this script will not run: the page's Content-Security-Policy allows none (docs/pages.md)");
        [[fallthrough]];
      case Region::Style:
        refuseVariables(kind, text, begin);
        made_.html.appendText(text);
        return;
    }
  }

  // Each problem once: what follows the first is parsed again behind it.
  void parseText(Region kind, std::string_view text, std::size_t begin) {
    while (!text.empty() && made_.problems.size() < kMostPageProblems) {
      auto parsed = TextTemplate::parseAt(text, TemplatePlace::Answer);
      if (parsed) {
        if (kind == Region::Tag && parsed->hasVariables()) {
          problem(begin + text.find('{'), false,
                  "a variable in a tag must stand in a value in quotes, as in title=\"{host}\"");
        }
        made_.html.append(std::move(parsed).value());
        return;
      }
      const std::size_t after = parsed.error().at + 1;
      problem(begin + parsed.error().at, false, parsed.error().message);
      text.remove_prefix(after);
      begin += after;
    }
  }

  // What would be taken for one, and is copied as it stands.
  void refuseVariables(Region kind, std::string_view text, std::size_t begin) {
    for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
      const std::string_view rest = text.substr(at + 1);
      const std::string_view word = rest.substr(0, rest.find_first_of("}{\n"));
      if (word.size() < rest.size() && rest[word.size()] == '}' && isVariable(word)) {
        problem(begin + at, false,
                fmt::format("variables have no value in a {}; '{{{}}}' would stay as it is",
                            kind == Region::Style ? "style sheet" : "script", word));
      }
    }
  }

  [[nodiscard]] static bool isVariable(std::string_view word) {
    const std::size_t dot = word.find('.');
    const std::string_view key = dot == std::string_view::npos ? word : word.substr(0, dot + 1);
    const auto names = variableNames(TemplatePlace::Answer);
    return std::find(names.begin(), names.end(), key) != names.end();
  }

  void checkUtf8() {
    for (std::string_view rest = html_; !rest.empty();) {
      const Utf8Unit unit = firstCharacter(rest);
      if (!unit.valid) {
        problem(html_.size() - rest.size(), false, "a page is UTF-8, and this octet is not");
        return;
      }
      rest.remove_prefix(unit.length);
    }
  }

  void problem(std::size_t at, bool warning, std::string message) {
    if (made_.problems.size() >= kMostPageProblems) {
      return;
    }
    const std::string_view before = html_.substr(0, at);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0
    const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const std::string_view line = before.substr(line_start);
    made_.problems.push_back({.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                              .column = static_cast<int>(std::count_if(line.begin(), line.end(), starts)) + 1,
                              .warning = warning,
                              .message = std::move(message)});
  }

  std::string_view html_;
  ParsedPage made_;
};

}  // namespace

ParsedPage parsePage(std::string_view html) {
  if (html.starts_with(kByteOrderMark)) {
    html.remove_prefix(kByteOrderMark.size());
  }
  return PageParser(html).parse();
}

}  // namespace gatewhy
