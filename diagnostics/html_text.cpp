// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/html_text.h"

#include "diagnostics/json_writer.h"

namespace gatewhy {

std::string escapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
        out += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          appendPrintable(out, {&c, 1});
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace gatewhy
