// SPDX-License-Identifier: Apache-2.0
// Section 7 manual pages, in man(7)'s macros, and the journal's catalogue.
#include <fmt/format.h>

#include <string_view>

#include "diagnostics/cause_id.h"
#include "diagnostics/cause_words.h"
#include "diagnostics/reference.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

// Text for a line of its own: no character is taken for a request or an
// escape, and what is copied out of the page has real hyphens.
std::string roff(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
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
      default:
        out += c;
    }
  }
  return out;
}

std::string header(std::string_view page, std::string_view summary) {
  return fmt::format(
      ".\\\" SPDX-License-Identifier: Apache-2.0\n"
      ".\\\" Generated from the tables in diagnostics/; a unit test compares. Do not edit.\n"
      ".TH {} 7 \"\" \"\" \"gatewhy manual\"\n.SH NAME\n{} \\- {}\n",
      roff(page), roff(page), summary);
}

void section(std::string& out, std::string_view title) {
  out += fmt::format(".SH {}\n", title);
}

void subsection(std::string& out, std::string_view title) {
  out += fmt::format(".SS {}\n", roff(title));
}

void paragraph(std::string& out, std::string_view text) {
  out += fmt::format(".PP\n{}\n", roff(text));
}

void tagged(std::string& out, std::string_view tag, std::string_view text) {
  out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(tag), roff(text));
}

// A line of its own below a tag.
void detail(std::string& out, std::string_view label, std::string_view text) {
  if (!text.empty()) {
    out += fmt::format(".br\n\\fI{}:\\fR {}\n", roff(label), roff(text));
  }
}

std::string names(const std::vector<Cause>& causes) {
  std::string out;
  for (const Cause cause : causes) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", name(cause));
  }
  return out;
}

void describe(std::string& out, const StatusMeaning& meaning) {
  tagged(out, fmt::format("{} {}", meaning.code, meaning.name), meaning.meaning);
  detail(out, "Defined by", fmt::format("{}: {} ({})", meaning.owner, meaning.reference, name(meaning.standing)));
  detail(out, "Also called", meaning.other_names);
  detail(out, "Sent by", words(meaning.emitter));
  detail(out, "Retry", words(meaning.retry));
  detail(out, "Cacheable", meaning.cacheable ? "also where the response does not say so" : "");
  detail(out, "Check first", meaning.check_first);
  detail(out, "Note", meaning.note);
  if (&meaning == ownMeaning(meaning.code)) {
    const StatusUse use = statusUse(meaning.code);
    detail(out, "Sent by gatewhy for", names(use.sent));
    detail(out, "Only in gatewhy's log, for", names(use.log_only));
    detail(out, "With profile standard, for", use.standard == use.sent ? "" : names(use.standard));
  }
}

// journalctl shows the text as it is.
void wrapped(std::string& out, std::string_view text) {
  constexpr std::size_t kWidth = 76;
  while (text.size() > kWidth) {
    const std::size_t cut = text.rfind(' ', kWidth);
    out += text.substr(0, cut);
    out += '\n';
    text.remove_prefix(cut + 1);
  }
  out += text;
  out += '\n';
}

}  // namespace

std::string causesManPage() {
  std::string out = header("gatewhy-causes", "what went wrong between client, gatewhy and origin, by name");
  section(out, "DESCRIPTION");
  paragraph(out,
            "Every failure has one cause. Its name is the same in the log event (diagnosis.cause and error.type), in "
            "the metrics, in the problem document that the client gets (type urn:gatewhy:cause:NAME), in the journal "
            "(GATEWHY_CAUSE) and here. Names are stable.");
  paragraph(out, "The status is that of profile extended, the default.");
  section(out, "CAUSES");
  const CauseInfo* previous = nullptr;
  for (const CauseInfo& row : allCauses()) {
    if (previous == nullptr || previous->phase != row.phase) {
      subsection(out, title(row.phase));
    }
    previous = &row;
    tagged(out, row.name, row.seen);
    detail(out, "Who acts", row.who_acts);
    detail(out, "Check first", row.check_first);
    detail(out, "Status", statusWords(row));
    detail(out, "Proxy-Status", proxyErrorWords(row));
    detail(out, "Retry", words(row.retry));
  }
  return out + ".SH SEE ALSO\n.BR gatewhy (1),\n.BR gatewhy\\-status\\-codes (7)\n";
}

std::string statusesManPage() {
  std::string out = header("gatewhy-status-codes", "what HTTP status codes mean, and to whom");
  section(out, "DESCRIPTION");
  paragraph(out,
            "IANA's registry of status codes, and what vendors use without a registration, with all rivals for one "
            "number. An origin's own status is passed on untouched: the event says generated_by: origin and has no "
            "diagnosis. The causes named below are those for which gatewhy itself sends or logs the code.");
  section(out, "STATUS CODES");
  std::uint16_t digit = 0;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    const StatusClass* known = statusClass(meaning.code);
    const std::uint16_t its_digit = known == nullptr ? 0 : known->digit;
    if (its_digit != digit) {
      digit = its_digit;
      subsection(out, known == nullptr ? "Outside the range of HTTP" : fmt::format("{}xx {}", digit, known->name));
      if (known != nullptr) {
        paragraph(out, known->meaning);
      }
    }
    describe(out, meaning);
  }
  return out + ".SH SEE ALSO\n.BR gatewhy (1),\n.BR gatewhy\\-causes (7)\n";
}

std::string journalCatalogue() {
  std::string out =
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Generated by journalCatalogue() from diagnostics/causes.def; a unit test compares. Do not edit.\n"
      "# Goes to /usr/lib/systemd/catalog/; then: journalctl --update-catalog\n";
  for (const CauseInfo& row : allCauses()) {
    out += fmt::format("\n-- {}\nSubject: {}\nDefined-By: gatewhy\nDocumentation: man:gatewhy-causes(7)\n\n",
                       messageId(row.cause), row.name);
    wrapped(out, row.seen);
    out += "\nThis time: @GATEWHY_SUMMARY@\n\n";
    wrapped(out, fmt::format("Who acts: {}", row.who_acts));
    wrapped(out, fmt::format("Check first: {}", row.check_first));
  }
  return out;
}

}  // namespace gatewhy
