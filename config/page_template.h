// SPDX-License-Identifier: Apache-2.0
// A page of the operator's own: HTML with variables. Where HTML would give a
// value another meaning than that of text, whatever its escaping, a variable is
// refused: in a tag but outside quotes, in a script, in a style sheet. Braces
// of style sheets, scripts and comments stand for themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/text_template.h"

namespace gatewhy {

struct PageProblem {
  int line = 0, column = 0;  // from 1; columns in characters
  bool warning = false;      // the page can be used all the same
  std::string message;
};

struct ParsedPage {
  TextTemplate html;  // of no use where a problem is an error
  std::vector<PageProblem> problems;
};

// Pure; bounded in time for any input. Tells all problems, up to twenty.
[[nodiscard]] ParsedPage parsePage(std::string_view html);

}  // namespace gatewhy
