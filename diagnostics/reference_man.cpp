// SPDX-License-Identifier: Apache-2.0
// Section 7 manual pages, in man(7)'s macros, and the journal's catalogue.
#include <fmt/format.h>

#include <string_view>

#include "diagnostics/cause_id.h"
#include "diagnostics/cause_words.h"
#include "diagnostics/findings.h"
#include "diagnostics/man_page.h"
#include "diagnostics/reference.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

std::string names(const std::vector<Cause>& causes) {
  std::string out;
  for (const Cause cause : causes) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", name(cause));
  }
  return out;
}

void describe(ManPage& page, const StatusMeaning& meaning) {
  page.tagged(fmt::format("{} {}", meaning.code, meaning.name), meaning.meaning);
  page.detail("Defined by", fmt::format("{}: {} ({})", meaning.owner, meaning.reference, name(meaning.standing)));
  page.detail("Also called", meaning.other_names);
  page.detail("Sent by", words(meaning.emitter));
  page.detail("Retry", words(meaning.retry));
  page.detail("Cacheable", meaning.cacheable ? "even if the response does not say so" : "");
  page.detail("Check first", meaning.check_first);
  page.detail("Note", meaning.note);
  if (&meaning == ownMeaning(meaning.code)) {
    const StatusUse use = statusUse(meaning.code);
    page.detail("Sent by gatewhy for", names(use.sent));
    page.detail("Only in gatewhy's log, for", names(use.log_only));
    page.detail("With profile standard, for", use.standard == use.sent ? "" : names(use.standard));
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
  ManPage page("gatewhy-causes", 7, "what went wrong between client, gatewhy and origin, by name",
               "diagnostics/causes.def");
  page.section("DESCRIPTION");
  page.paragraph(
      "Every failure has one cause. Its name is the same in the log event (diagnosis.cause and error.type), in "
      "the metrics, in the problem document that the client gets (type urn:gatewhy:cause:NAME), in the journal "
      "(GATEWHY_CAUSE) and here. Names are stable.");
  page.paragraph("The status is that of profile extended, the default.");
  page.section("CAUSES");
  const CauseInfo* previous = nullptr;
  for (const CauseInfo& row : allCauses()) {
    if (previous == nullptr || previous->phase != row.phase) {
      page.subsection(title(row.phase));
    }
    previous = &row;
    page.tagged(row.name, row.seen);
    page.detail("Who should act", row.who_acts);
    page.detail("Check first", row.check_first);
    page.detail("Status", statusWords(row));
    page.detail("Proxy-Status", proxyErrorWords(row));
    page.detail("Retry", words(row.retry));
  }
  page.seeAlso("gatewhy(1)");
  page.seeAlso("gatewhy-status-codes(7)");
  return page.take();
}

std::string statusesManPage() {
  ManPage page("gatewhy-status-codes", 7, "what HTTP status codes mean, and to whom", "diagnostics/statuses.def");
  page.section("DESCRIPTION");
  page.paragraph(
      "IANA's registry of status codes, and what vendors use without a registration, with all rivals for one "
      "number. An origin's own status is passed on untouched: the event says generated_by: origin and has no "
      "diagnosis. The causes named below are those for which gatewhy itself sends or logs the code.");
  page.section("STATUS CODES");
  std::uint16_t digit = 0;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    const StatusClass* known = statusClass(meaning.code);
    const std::uint16_t its_digit = known == nullptr ? 0 : known->digit;
    if (its_digit != digit) {
      digit = its_digit;
      page.subsection(known == nullptr ? "Outside the range of HTTP" : fmt::format("{}xx {}", digit, known->name));
      if (known != nullptr) {
        page.paragraph(known->meaning);
      }
    }
    describe(page, meaning);
  }
  page.seeAlso("gatewhy(1)");
  page.seeAlso("gatewhy-causes(7)");
  return page.take();
}

std::string findingsManPage() {
  ManPage page("gatewhy-findings", 7, "what an origin's answer breaks of what it promises", "diagnostics/findings.def");
  page.section("DESCRIPTION");
  page.paragraph(
      "gatewhy looks at every answer of an origin and notes where it breaks what its own status code or fields "
      "promise. "
      "The answer is passed on all the same. The log event lists the names under `findings`, once an hour and route; "
      "the metric `gatewhy_findings_total` counts every one.");
  page.section("FINDINGS");
  for (const FindingInfo& row : allFindings()) {
    page.tagged(row.id, row.seen);
    page.detail("To do", row.to_do);
    page.detail("Level", fmt::format("{}: {}", name(row.level), words(row.level)));
    page.detail("Section", row.section);
  }
  page.seeAlso("gatewhy(1)");
  page.seeAlso("gatewhy-status-codes(7)");
  return page.take();
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
    wrapped(out, fmt::format("Who should act: {}", row.who_acts));
    wrapped(out, fmt::format("Check first: {}", row.check_first));
  }
  return out;
}

}  // namespace gatewhy
