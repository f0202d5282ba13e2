// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/man_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {
namespace {

// The first character of `text` as roff has it; how many bytes it was. What is
// copied out of the page shall have real hyphens and quotes. The tables' texts
// are valid UTF-8.
std::size_t appendEscaped(std::string& out, std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first >= 0x80) {
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    unsigned code = first & (0x7FU >> size);
    for (std::size_t i = 1; i < size && i < text.size(); ++i) {
      code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    out += fmt::format("\\[u{:04X}]", code);
    return std::min(size, text.size());
  }
  switch (text[0]) {
    case '\\':
      out += "\\e";
      break;
    case '-':
      out += "\\-";
      break;
    case '\'':
      out += "\\(aq";
      break;
    case '"':
      out += "\\(dq";
      break;
    case '`':
      out += "\\(ga";
      break;
    default:
      out += text[0];
  }
  return 1;
}

// The beginning of a line: no character of the text is taken for a request.
std::string_view guard(std::string_view text) {
  return text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
}

std::string plain(std::string_view text) {
  std::string out(guard(text));
  while (!text.empty()) {
    text.remove_prefix(appendEscaped(out, text));
  }
  return out;
}

std::string formatted(std::string_view markdown) {
  std::string out(guard(markdown));
  bool code = false;
  bool strong = false;
  bool emphasis = false;
  const auto toggle = [&out](bool& on, std::string_view font) {
    on = !on;
    out += on ? font : std::string_view("\\fR");
  };
  while (!markdown.empty()) {
    std::size_t taken = 1;
    if (markdown[0] == '`') {
      toggle(code, "\\fB");
    } else if (!code && markdown.starts_with("**")) {
      toggle(strong, "\\fB");
      taken = 2;
    } else if (!code && markdown[0] == '*') {
      toggle(emphasis, "\\fI");
    } else {
      taken = appendEscaped(out, markdown);
    }
    markdown.remove_prefix(taken);
  }
  return out;
}

}  // namespace

ManPage::ManPage(std::string_view name, int section, std::string_view summary, std::string_view source)
    : out_(fmt::format(".\\\" SPDX-License-Identifier: Apache-2.0\n"
                       ".\\\" Generated from {}; a unit test compares. Do not edit.\n"
                       ".TH {} {} \"\" \"\" \"gatewhy manual\"\n.SH NAME\n{} \\- {}\n",
                       source, plain(name), section, plain(name), plain(summary))) {}

void ManPage::section(std::string_view title) {
  out_ += fmt::format(".SH {}\n", plain(title));
}

void ManPage::subsection(std::string_view title) {
  out_ += fmt::format(".SS {}\n", plain(title));
}

void ManPage::paragraph(std::string_view markdown) {
  out_ += fmt::format(".PP\n{}\n", formatted(markdown));
}

void ManPage::tagged(std::string_view tag, std::string_view markdown) {
  out_ += fmt::format(".TP\n\\fB{}\\fR\n{}\n", plain(tag), formatted(markdown));
}

void ManPage::detail(std::string_view label, std::string_view markdown) {
  if (!markdown.empty()) {
    out_ += fmt::format(".br\n\\fI{}:\\fR {}\n", plain(label), formatted(markdown));
  }
}

void ManPage::example(std::string_view lines) {
  out_ += ".PP\n.nf\n";
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    out_ += plain(lines.substr(0, end)) + '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  out_ += ".fi\n";
}

void ManPage::seeAlso(std::string_view page) {
  const std::size_t bracket = page.find('(');
  if (!see_also_) {
    section("SEE ALSO");
  } else {
    out_.insert(out_.size() - 1, 1, ',');  // the character form: g++ 12 warns of the other at -O2
  }
  see_also_ = true;
  out_ += fmt::format(".BR {} {}\n", plain(page.substr(0, bracket)), page.substr(bracket));
}

}  // namespace gatewhy
