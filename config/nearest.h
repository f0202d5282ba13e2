// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace gatewhy {

// The candidate that `word` is most plausibly a misspelling of: by edit
// distance with transpositions, case and '-' for '_' not counted. nullopt
// when none is close.
[[nodiscard]] std::optional<std::string_view> nearestWord(std::string_view word,
                                                          const std::vector<std::string_view>& candidates);

}  // namespace gatewhy
