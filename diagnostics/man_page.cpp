// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/man_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatewhy {
namespace {

// What is copied out of the page shall have real hyphens and quotes.
void appendEscaped(std::string& out, char c) {
  switch (c) {
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
      out += c;
  }
}

// The beginning of a line: no character of the text is taken for a request.
std::string_view guard(std::string_view text) {
  return text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
}

std::string plain(std::string_view text) {
  std::string out(guard(text));
  for (const char c : text) {
    appendEscaped(out, c);
  }
  return out;
}

std::string formatted(std::string_view markdown) {
  constexpr std::string_view kEnDash = "\xE2\x80\x93";
  std::string out(guard(markdown));
  bool code = false;
  bool strong = false;
  bool emphasis = false;
  const auto toggle = [&out](bool& on, std::string_view font) {
    on = !on;
    out += on ? font : std::string_view("\\fR");
  };
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const std::string_view rest = markdown.substr(i);
    if (rest.starts_with(kEnDash)) {
      out += "\\(en";
      i += kEnDash.size() - 1;
    } else if (rest[0] == '`') {
      toggle(code, "\\fB");
    } else if (!code && rest.starts_with("**")) {
      toggle(strong, "\\fB");
      ++i;
    } else if (!code && rest[0] == '*') {
      toggle(emphasis, "\\fI");
    } else {
      appendEscaped(out, rest[0]);
    }
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
    out_.insert(out_.size() - 1, ",");
  }
  see_also_ = true;
  out_ += fmt::format(".BR {} {}\n", plain(page.substr(0, bracket)), page.substr(bracket));
}

}  // namespace gatewhy
