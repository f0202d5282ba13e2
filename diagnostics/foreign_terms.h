// SPDX-License-Identifier: Apache-2.0
// The words that people bring along: other proxies' log words and error
// numbers, each with the causes that say the same here. The tables are
// proxy_words.def and errno_words.def.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/cause.h"
#include "diagnostics/explain_word.h"

namespace gatewhy {

enum class ProxyWordKind : std::uint8_t { Code, Phrase };

struct ProxyWord {
  std::string_view product;  // "nginx"
  std::string_view place;    // "error log"
  ProxyWordKind kind;
  std::string_view word;
  std::string_view meaning;  // a sentence
  std::string_view causes;   // names, separated by blanks
};
[[nodiscard]] std::span<const ProxyWord> allProxyWords() noexcept;

struct ErrnoWord {
  int number;
  std::string_view name;     // "ECONNREFUSED"
  std::string_view meaning;  // a sentence
  std::string_view causes;
};
[[nodiscard]] std::span<const ErrnoWord> allErrnoWords() noexcept;

// The causes of such a list.
[[nodiscard]] std::vector<Cause> causesIn(std::string_view names);

// Rows of ExplainTable: a code alone, or a message (even a whole line of a log)
// that holds a phrase; of several phrases of one product the longest.
[[nodiscard]] std::vector<Explanation> findProxyWord(std::string_view word, const ExplainStyle& style);
[[nodiscard]] std::string proxyWordsTable(const ExplainStyle& style);
[[nodiscard]] std::string proxyWordsJson();
[[nodiscard]] std::vector<NearWord> nearProxyWords(std::string_view word);
// A name in any case, or a number.
[[nodiscard]] std::vector<Explanation> findErrno(std::string_view word, const ExplainStyle& style);
[[nodiscard]] std::string errnosTable(const ExplainStyle& style);
[[nodiscard]] std::string errnosJson();
[[nodiscard]] std::vector<NearWord> nearErrnos(std::string_view word);

}  // namespace gatewhy
