// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/html_text.h"

#include "diagnostics/json_writer.h"
#include "diagnostics/octets.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

void appendHtmlOctet(std::string& out, char c) {
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
      if (octets::isControl(c)) {
        appendPrintable(out, {&c, 1});
      } else {
        out += c;
      }
  }
}

}  // namespace

std::string escapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Unit unit = firstCharacter(text);
    if (unit.length == 1 && unit.valid) {
      appendHtmlOctet(out, text.front());
    } else if (unit.valid && mayDeceive(unit.code)) {
      appendVisible(out, unit.code);
    } else {
      out += text.substr(0, unit.length);
    }
    text.remove_prefix(unit.length);
  }
  return out;
}

}  // namespace gatewhy
