// SPDX-License-Identifier: Apache-2.0
// What stands in a part of a name, or of a sentence: `explain timeout`.
#pragma once

#include <optional>
#include <string_view>

#include "diagnostics/explain_word.h"

namespace gatewhy {

enum class SearchIn : std::uint8_t { Names, Sentences };

// Everything whose name (or whose sentence) has `fragment` in it, as a list;
// one cause alone is explained. nullopt where nothing has it, and for what is
// too short to mean something.
[[nodiscard]] std::optional<Explanation> searchFragment(std::string_view fragment, SearchIn where,
                                                        const ExplainStyle& style);

}  // namespace gatewhy
