// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/explain_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {

std::string bold(std::string_view text, const ExplainStyle& style) {
  return style.colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

void appendField(std::string& out, std::string_view label, std::string_view text, const ExplainStyle& style) {
  constexpr std::size_t kColumn = 16;
  const std::size_t room = std::max<std::size_t>(style.width, kColumn + 24) - kColumn;
  out += fmt::format("  {}{:<{}}{}", style.colour ? "\x1b[2m" : "", label, kColumn - 2, style.colour ? "\x1b[0m" : "");
  while (text.size() > room) {
    std::size_t cut = text.rfind(' ', room);
    if (cut == std::string_view::npos || cut == 0) {
      cut = std::min(text.find(' '), text.size());
    }
    out += text.substr(0, cut);
    out += '\n';
    text.remove_prefix(std::min(cut + 1, text.size()));
    out.append(kColumn, ' ');
  }
  out += text;
  out += '\n';
}

std::string cutText(std::string_view text, std::size_t room) {
  if (text.size() <= room) {
    return std::string(text);
  }
  const std::size_t most = room - std::min<std::size_t>(room, 4);
  return std::string(text.substr(0, std::min(text.rfind(' ', most), most))) + " ...";
}

}  // namespace gatewhy
