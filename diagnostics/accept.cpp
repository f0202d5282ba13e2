// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/accept.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace gatewhy {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equalsIgnoringCase(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the part up to `separator` off the front of `text`; separators inside
// quoted strings do not count.
std::string_view takePart(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      break;
    }
  }
  const std::string_view part = text.substr(0, i);
  text.remove_prefix(std::min(i + 1, text.size()));
  return trim(part);
}

// A qvalue in thousandths; nullopt where the grammar is broken.
std::optional<int> parseQuality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) {
    return std::nullopt;
  }
  int value = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    value += (digit - '0') * unit;
    unit /= 10;
  }
  return value <= 1000 ? std::optional(value) : std::nullopt;
}

struct MediaRange {
  std::string_view type;  // "text/html", "text/*", "*/*"
  std::optional<int> quality = 1000;
};

// Parameters other than q do not narrow a range here: no answer has variants.
MediaRange parseRange(std::string_view element) {
  MediaRange range;
  range.type = takePart(element, ';');
  while (!element.empty()) {
    const std::string_view parameter = takePart(element, ';');
    if (parameter.size() >= 2 && lower(parameter[0]) == 'q' && parameter[1] == '=') {
      range.quality = parseQuality(parameter.substr(2));
    }
  }
  return range;
}

enum Specificity : std::uint8_t { kNoMatch, kAnyType, kAnySubtype, kExact };

struct Candidate {
  AnswerFormat format;
  std::array<std::string_view, 2> names;  // the types that stand for it
  std::string_view family;                // "text/*"
  bool by_wildcard;                       // a wildcard is enough to choose it
  int exact_rank;                         // preference between equals that were named …
  int wildcard_rank;                      // … and that were only covered
  Specificity specificity = kNoMatch;
  int quality = 0;

  [[nodiscard]] Specificity match(std::string_view type) const {
    if (equalsIgnoringCase(type, names[0]) || equalsIgnoringCase(type, names[1])) {
      return kExact;
    }
    if (equalsIgnoringCase(type, family)) {
      return kAnySubtype;
    }
    return type == "*/*" ? kAnyType : kNoMatch;
  }

  // The most specific range that matches gives the quality.
  void consider(const MediaRange& range) {
    const Specificity found = match(range.type);
    if (found == kNoMatch || !range.quality || found < specificity) {
      return;
    }
    quality = found == specificity ? std::max(quality, *range.quality) : *range.quality;
    specificity = found;
  }

  [[nodiscard]] bool eligible() const { return quality > 0 && (specificity == kExact || by_wildcard); }
  [[nodiscard]] std::tuple<int, int, int> preference() const {
    return {quality, specificity, specificity == kExact ? exact_rank : wildcard_rank};
  }
};

}  // namespace

AnswerFormat negotiateFormat(std::string_view accept) noexcept {
  std::array<Candidate, 3> candidates = {{
      {AnswerFormat::Html, {"text/html", "text/html"}, "text/*", false, 2, 0},
      {AnswerFormat::ProblemJson, {"application/problem+json", "application/json"}, "application/*", true, 1, 0},
      {AnswerFormat::Text, {"text/plain", "text/plain"}, "text/*", true, 0, 1},
  }};
  while (!accept.empty()) {
    const MediaRange range = parseRange(takePart(accept, ','));
    for (Candidate& candidate : candidates) {
      candidate.consider(range);
    }
  }
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates) {
    if (candidate.eligible() && (best == nullptr || candidate.preference() > best->preference())) {
      best = &candidate;
    }
  }
  return best == nullptr ? AnswerFormat::Text : best->format;
}

}  // namespace gatewhy
