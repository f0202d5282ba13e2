// SPDX-License-Identifier: Apache-2.0
// The causes table for people (gatewhy explain, docs/causes.md) and programs.
#pragma once

#include <string>

#include "diagnostics/cause.h"

namespace gatewhy {

// One cause, wrapped to `width` columns. `colour` adds ANSI attributes.
[[nodiscard]] std::string explainCause(Cause cause, bool colour, unsigned width = 80);

// Every cause, one line each, under headings per phase; what does not fit
// `width` is cut with an ellipsis.
[[nodiscard]] std::string causesTable(unsigned width = 80);

// One cause as one JSON object on one line, without a newline.
[[nodiscard]] std::string causeJson(Cause cause);

// The text of docs/causes.md.
[[nodiscard]] std::string causesMarkdown();

}  // namespace gatewhy
