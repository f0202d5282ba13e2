// SPDX-License-Identifier: Apache-2.0
// What a mistyped word was probably meant to be.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

// Lower case, '_' for '-' and ' '.
[[nodiscard]] std::string foldedWord(std::string_view word);

// How many insertions, deletions, substitutions and swaps of neighbours lead
// from `a` to `b`.
[[nodiscard]] std::size_t editDistance(std::string_view a, std::string_view b);

// The distance between the folded words, or nullopt where `candidate` is too
// far away, or either too long, to be what was meant.
[[nodiscard]] std::optional<std::size_t> typingDistance(std::string_view word, std::string_view candidate);

// At most `limit` of the candidates, nearest first and in their order on a
// tie; empty when none is close enough to be meant.
[[nodiscard]] std::vector<std::string_view> nearestWords(std::string_view word,
                                                         std::span<const std::string_view> candidates,
                                                         std::size_t limit);
[[nodiscard]] std::optional<std::string_view> nearestWord(std::string_view word,
                                                          const std::vector<std::string_view>& candidates);

}  // namespace gatewhy
