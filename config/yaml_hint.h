// SPDX-License-Identifier: Apache-2.0
// What a person did wrong where a YAML parser only says which production
// failed.
#pragma once

#include <optional>
#include <string_view>

#include "config/yaml_source.h"

namespace gatewhy {

// A better message for the syntax error that a parser found on `line` (from
// 1): a tab in the indentation, or a line that is aligned with nothing above
// it. nullopt where it is neither.
[[nodiscard]] std::optional<YamlProblem> explainSyntaxError(std::string_view text, int line);

inline constexpr std::string_view kTabMessage = "a tab; YAML indents with spaces";

}  // namespace gatewhy
