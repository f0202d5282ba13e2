// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/foreign_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

#include "diagnostics/json_writer.h"
#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

constexpr auto kProxyWords = std::to_array<ProxyWord>({
#define PROXY_WORD(product, place, kind, word, meaning, causes) \
  {product, place, ProxyWordKind::kind, word, meaning, causes},
#include "diagnostics/proxy_words.def"
#undef PROXY_WORD
});

constexpr auto kErrnoWords = std::to_array<ErrnoWord>({
#define ERRNO_WORD(number, meaning, causes) {number, #number, meaning, causes},
#include "diagnostics/errno_words.def"
#undef ERRNO_WORD
});

// Lower case, one blank for several.
std::string plainText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) {
      continue;
    }
    out += blank ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// "SC--" and "sH--": HAProxy adds two letters about cookies.
std::string_view withoutCookieLetters(std::string_view word) {
  constexpr std::string_view kCookieLetters = "-NIDVEOURP";
  const bool cookies = word.size() == 4 && kCookieLetters.find(word[2]) != std::string_view::npos &&
                       kCookieLetters.find(word[3]) != std::string_view::npos;
  return cookies ? word.substr(0, 2) : word;
}

std::vector<const ProxyWord*> codesCalled(std::string_view word) {
  std::vector<const ProxyWord*> exact;
  std::vector<const ProxyWord*> folded;
  const std::string plain = plainText(word);
  for (const ProxyWord& row : kProxyWords) {
    if (row.kind != ProxyWordKind::Code) {
      continue;
    }
    if (row.word == word || (row.product == "HAProxy" && row.word == withoutCookieLetters(word))) {
      exact.push_back(&row);
    } else if (plainText(row.word) == plain) {
      folded.push_back(&row);
    }
  }
  return exact.empty() ? folded : exact;
}

// Of each product the longest phrase that stands in the text.
std::vector<const ProxyWord*> phrasesIn(std::string_view text) {
  constexpr std::size_t kLongestLine = 4096;  // bounds the work
  const std::string plain = plainText(text.substr(0, kLongestLine));
  std::map<std::string_view, const ProxyWord*> longest;
  for (const ProxyWord& row : kProxyWords) {
    if (row.kind == ProxyWordKind::Phrase && plain.find(plainText(row.word)) != std::string::npos) {
      const ProxyWord*& known = longest[row.product];
      known = known == nullptr || known->word.size() < row.word.size() ? &row : known;
    }
  }
  std::vector<const ProxyWord*> found;
  found.reserve(longest.size());
  for (const auto& [product, row] : longest) {
    found.push_back(row);
  }
  return found;
}

void appendCauses(std::string& out, std::string_view names, const ExplainStyle& style) {
  std::string_view label = "says here";
  for (const Cause cause : causesIn(names)) {
    appendField(out, label, fmt::format("{}: {}", info(cause).name, info(cause).seen), style);
    label = "";
  }
}

void writeCauses(JsonWriter& json, std::string_view names) {
  json.beginArray("causes");
  for (const Cause cause : causesIn(names)) {
    json.string(info(cause).name);
  }
  json.endArray();
}

std::string proxyWordText(const ProxyWord& row, const ExplainStyle& style) {
  std::string out = bold(row.word, style) + '\n';
  appendField(out, "said by", fmt::format("{}: {}", row.product, row.place), style);
  appendField(out, "means there", row.meaning, style);
  appendCauses(out, row.causes, style);
  return out;
}

std::string proxyWordJson(const ProxyWord& row) {
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("word", row.word);
  json.member("product", row.product);
  json.member("place", row.place);
  json.member("meaning", row.meaning);
  writeCauses(json, row.causes);
  json.endObject();
  return out;
}

std::string errnoText(const ErrnoWord& row, const ExplainStyle& style) {
  std::string out = fmt::format("{} ({}, {})\n", bold(row.name, style), row.number, std::strerror(row.number));
  appendField(out, "means", row.meaning, style);
  appendCauses(out, row.causes, style);
  return out;
}

std::string errnoJson(const ErrnoWord& row) {
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("errno", row.name);
  json.memberInteger("number", row.number);
  json.member("meaning", row.meaning);
  writeCauses(json, row.causes);
  json.endObject();
  return out;
}

template <typename Rows, typename ToJson>
std::string jsonArray(const Rows& rows, const ToJson& to_json) {
  std::string out = "[";
  std::string_view separator = "\n";
  for (const auto& row : rows) {
    out += separator;
    out += to_json(row);
    separator = ",\n";
  }
  return out + "\n]";
}

// "  name        text" in two columns, the text cut to the width.
void appendRow(std::string& out, std::string_view name, std::size_t column, std::string_view text,
               const ExplainStyle& style) {
  const std::size_t room = std::max<std::size_t>(style.width, column + 24) - column - 2;
  out += fmt::format("  {:<{}}{}\n", cutText(name, column - 2), column, cutText(text, room));
}

}  // namespace

std::span<const ProxyWord> allProxyWords() noexcept {
  return kProxyWords;
}

std::span<const ErrnoWord> allErrnoWords() noexcept {
  return kErrnoWords;
}

std::vector<Cause> causesIn(std::string_view names) {
  std::vector<Cause> causes;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (const auto cause = causeByName(names.substr(0, end))) {
      causes.push_back(*cause);
    }
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return causes;
}

std::vector<Explanation> findProxyWord(std::string_view word, const ExplainStyle& style) {
  std::vector<Explanation> found;
  if (word.empty()) {
    return found;
  }
  std::vector<const ProxyWord*> rows = codesCalled(word);
  for (std::string_view rest = word; rows.empty() && rest.find(',') != std::string_view::npos;) {
    const std::size_t comma = rest.find(',');  // Envoy: "UF,URX"
    rows = codesCalled(rest.substr(0, comma));
    rest.remove_prefix(comma + 1);
  }
  if (rows.empty()) {
    rows = phrasesIn(word);
  }
  found.reserve(rows.size());
  for (const ProxyWord* row : rows) {
    found.push_back({proxyWordText(*row, style), proxyWordJson(*row)});
  }
  return found;
}

std::string proxyWordsTable(const ExplainStyle& style) {
  constexpr std::size_t kColumn = 36;
  std::string out;
  std::string_view heading;
  for (const ProxyWord& row : kProxyWords) {
    if (row.product != heading) {
      out += fmt::format("{}{}\n", heading.empty() ? "" : "\n", bold(row.product, style));
      heading = row.product;
    }
    appendRow(out, row.word, kColumn, row.causes, style);
  }
  return out;
}

std::string proxyWordsJson() {
  return jsonArray(kProxyWords, proxyWordJson);
}

std::vector<NearWord> nearProxyWords(std::string_view word) {
  constexpr std::size_t kShortest = 6;  // of two letters, every other code is near
  std::vector<NearWord> near;
  for (const ProxyWord& row : kProxyWords) {
    const auto distance = word.size() < kShortest ? std::nullopt : typingDistance(word, row.word);
    if (distance) {
      near.push_back({*distance, std::string(row.word)});
    }
  }
  return near;
}

std::vector<Explanation> findErrno(std::string_view word, const ExplainStyle& style) {
  int number = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool is_number = !word.empty() && parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
  const std::string plain = plainText(word);
  for (const ErrnoWord& row : kErrnoWords) {
    // strerror's text too: "Connection refused" is what most programs print.
    if ((is_number && row.number == number) || plainText(row.name) == plain ||
        plainText(std::strerror(row.number)) == plain) {
      return {{errnoText(row, style), errnoJson(row)}};
    }
  }
  return {};
}

std::string errnosTable(const ExplainStyle& style) {
  constexpr std::size_t kColumn = 22;
  std::string out;
  for (const ErrnoWord& row : kErrnoWords) {
    appendRow(out, fmt::format("{} {}", row.name, row.number), kColumn, row.meaning, style);
  }
  return out;
}

std::string errnosJson() {
  return jsonArray(kErrnoWords, errnoJson);
}

std::vector<NearWord> nearErrnos(std::string_view word) {
  std::vector<NearWord> near;
  for (const ErrnoWord& row : kErrnoWords) {
    if (const auto distance = typingDistance(word, row.name)) {
      near.push_back({*distance, std::string(row.name)});
    }
  }
  return near;
}

}  // namespace gatewhy
