// SPDX-License-Identifier: Apache-2.0
// What a word on the command line of `gatewhy explain` means. Each table that
// explain knows is one ExplainTable; a new table is a new row in
// explain_word.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/explain_text.h"
#include "diagnostics/result.h"

namespace gatewhy {

// The same thing for people (ends in a newline) and as JSON (does not).
struct Explanation {
  std::string text;
  std::string json;
};

struct NearWord {
  std::size_t distance;  // 0 is nearest
  std::string word;      // explain knows it
};

struct ExplainTable {
  std::string_view plural;  // its key in the JSON of everything: "causes"
  std::string_view title;   // its heading
  // What `word` means in this table; empty where it means nothing.
  std::vector<Explanation> (*find)(std::string_view word, const ExplainStyle& style);
  std::string (*list)(const ExplainStyle& style);
  std::string (*json)();  // an array
  // What a mistyped word may have meant, in any order.
  std::vector<NearWord> (*near)(std::string_view word);
};

[[nodiscard]] std::span<const ExplainTable> explainTables() noexcept;

// A status code ("525"), a class ("5xx"), a reason phrase in any case ("bad
// gateway"), a status line's end ("502 Bad Gateway"), a cause, a problem type
// ("urn:gatewhy:cause:no_route"), a finding, an errno ("ECONNREFUSED", "111"),
// another proxy's word ("UF", "sH--") or a line of its log. What several tables
// or codes have is explained by all, and the JSON is then an array. A part of
// names ("timeout") lists them. The failure holds the nearest words, nearest
// first.
[[nodiscard]] Result<Explanation, std::vector<std::string>> explainWord(std::string_view word,
                                                                        const ExplainStyle& style = {});
// Every table.
[[nodiscard]] Explanation explainEverything(const ExplainStyle& style = {});

// For a valid code (100-599) that the registry lacks: what a client makes of
// it, one sentence. Empty for any other word.
[[nodiscard]] std::string unregisteredCode(std::string_view word);

}  // namespace gatewhy
