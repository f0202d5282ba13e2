// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "diagnostics/explain.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

std::string countOf(std::size_t meanings) {
  return meanings == 1 ? "one meaning" : fmt::format("{} meanings", meanings);
}

std::string className(std::uint16_t code) {
  const StatusClass* known = statusClass(code);
  return known == nullptr ? "outside the range of HTTP" : fmt::format("{}xx {}", known->digit, known->name);
}

std::string joined(const std::vector<Cause>& causes) {
  std::string out;
  for (const Cause cause : causes) {
    out += fmt::format("{}{}", out.empty() ? "" : ", ", name(cause));
  }
  return out;
}

// gatewhy's own meaning first, the others in the registry's order.
std::vector<const StatusMeaning*> inReadingOrder(std::uint16_t code) {
  std::vector<const StatusMeaning*> order;
  for (const StatusMeaning& meaning : meaningsOf(code)) {
    order.push_back(&meaning);
  }
  const StatusMeaning* own = ownMeaning(code);
  std::stable_partition(order.begin(), order.end(), [own](const StatusMeaning* meaning) { return meaning == own; });
  return order;
}

void appendMeaning(std::string& out, const StatusMeaning& meaning, bool ours, const ExplainStyle& style) {
  out += fmt::format("\n{}{}\n", bold(meaning.name, style),
                     ours ? fmt::format(" (what gatewhy means by {})", meaning.code) : "");
  appendField(out, "defined by", fmt::format("{}: {} ({})", meaning.owner, meaning.reference, name(meaning.standing)),
              style);
  if (!meaning.other_names.empty()) {
    appendField(out, "also called", meaning.other_names, style);
  }
  appendField(out, "meaning", meaning.meaning, style);
  appendField(out, "sent by", words(meaning.emitter), style);
  appendField(out, "retry", words(meaning.retry), style);
  if (meaning.cacheable) {
    appendField(out, "cacheable", "even if the response does not say so (RFC 9110 section 15.1)", style);
  }
  appendField(out, "check first", meaning.check_first, style);
  if (!meaning.note.empty()) {
    appendField(out, "note", meaning.note, style);
  }
}

// The rules of the response lint that begin with the code.
std::vector<std::string_view> findingsAbout(std::uint16_t code) {
  const std::string prefix = fmt::format("{}_", code);
  std::vector<std::string_view> ids;
  for (const FindingInfo& row : allFindings()) {
    if (row.id.starts_with(prefix)) {
      ids.push_back(row.id);
    }
  }
  return ids;
}

std::string fromOrigin(std::uint16_t code) {
  if (statusClass(code) == nullptr) {
    const CauseInfo& refusal = info(Cause::ResponseStatusInvalid);
    return fmt::format(
        "If an origin says {}, gatewhy answers {} {}; with strictness: report it is passed on, with the finding {}.",
        code, refusal.sent_status, refusal.name, name(Finding::StatusOutOfRange));
  }
  if (code == 101) {
    return "An origin's own is passed on where the client asked for the protocol; the connection is a tunnel from then "
           "on.";
  }
  if (code < 200) {
    return "An origin's own is passed on ahead of the final answer, except to HTTP/1.0 clients.";
  }
  return fmt::format(
      "An origin's own {} is passed on untouched: the event says generated_by: origin and origin_status: {}, and has "
      "no diagnosis.",
      code, code);
}

void appendCauses(std::string& out, std::string_view heading, const std::vector<Cause>& causes,
                  const ExplainStyle& style) {
  if (causes.empty()) {
    return;
  }
  std::size_t column = 0;
  for (const Cause cause : causes) {
    column = std::max(column, name(cause).size() + 2);
  }
  const std::size_t room = std::max<std::size_t>(style.width, column + 20) - column - 2;
  out += fmt::format("\n{}\n", bold(heading, style));
  for (const Cause cause : causes) {
    out += fmt::format("  {:<{}}{}\n", name(cause), column, cutText(info(cause).seen, room));
  }
}

// Dozens of causes share a code under profile standard: then the codes that
// they have otherwise are said instead.
std::string standInFor(const std::vector<Cause>& causes, std::uint16_t code) {
  constexpr std::size_t kFew = 6;
  std::set<std::uint16_t> others;
  std::vector<Cause> only_there;
  for (const Cause cause : causes) {
    if (info(cause).sent_status != code) {
      only_there.push_back(cause);
      others.insert(info(cause).log_status);
    }
  }
  if (only_there.size() <= kFew) {
    return joined(only_there);
  }
  return fmt::format("{} causes that otherwise are {}", only_there.size(), fmt::join(others, ", "));
}

void appendUse(std::string& out, std::uint16_t code, const ExplainStyle& style) {
  const StatusUse use = statusUse(code);
  out += fmt::format("\n{}\n", bold("In gatewhy", style));
  appendField(out, "from origin", fromOrigin(code), style);
  if (const auto findings = findingsAbout(code); !findings.empty()) {
    appendField(out, "checked for", fmt::format("{}", fmt::join(findings, ", ")), style);
  }
  if (use.none()) {
    appendField(out, "its own",
                code < 200 || code > 599 ? "Never." : "Only if a route's respond or diagnostics.statuses says so.",
                style);
    return;
  }
  if (!use.sent.empty() || !use.standard.empty()) {
    appendField(out, "its own",
                "The event says generated_by: proxy and has a diagnosis; Proxy-Status tells the client.", style);
  }
  if (!use.log_only.empty()) {
    appendField(out, "in the log", "As diagnosis.status, if nothing was sent, or another code.", style);
  }
  if (const std::string others = standInFor(use.standard, code); !others.empty()) {
    appendField(out, "standard", fmt::format("With profile standard also for {}.", others), style);
  }
  appendCauses(out, fmt::format("{} is sent for", code), use.sent, style);
  appendCauses(out, fmt::format("{} is only in the log for", code), use.log_only, style);
}

void appendRows(std::string& out, std::span<const StatusMeaning> meanings, const ExplainStyle& style) {
  constexpr std::size_t kNameColumn = 42;
  for (const StatusMeaning& meaning : meanings) {
    const bool ours = &meaning == ownMeaning(meaning.code) && !statusUse(meaning.code).none();
    const std::string origin = meaning.owner == "IETF" ? std::string(meaning.reference) : std::string(meaning.owner);
    out += fmt::format("  {}{} {:<{}}{}\n", meaning.code, ours ? '*' : ' ', meaning.name, kNameColumn,
                       cutText(origin, std::max<std::size_t>(style.width, kNameColumn + 27) - kNameColumn - 7));
  }
}

std::span<const StatusMeaning> ofClass(std::uint16_t digit) {
  const auto all = allStatusMeanings();
  const auto begin = std::ranges::lower_bound(all, digit * 100, {}, &StatusMeaning::code);
  const auto end = std::ranges::lower_bound(all, (digit + 1) * 100, {}, &StatusMeaning::code);
  return {begin, end};
}

constexpr std::string_view kOursFootnote = "* gatewhy's own meaning, where it answers or logs the code itself\n";

void writeCauses(JsonWriter& json, std::string_view key, const std::vector<Cause>& causes) {
  json.beginArray(key);
  for (const Cause cause : causes) {
    json.string(name(cause));
  }
  json.endArray();
}

void writeMeaning(JsonWriter& json, const StatusMeaning& meaning, bool used) {
  json.beginObject();
  json.member("name", meaning.name);
  const auto names = namesOf(meaning);
  if (names.size() > 1) {
    json.beginArray("other_names");
    std::for_each(names.begin() + 1, names.end(), [&json](std::string_view other) { json.string(other); });
    json.endArray();
  }
  json.member("owner", meaning.owner);
  json.member("reference", meaning.reference);
  json.member("standing", name(meaning.standing));
  json.member("emitter", name(meaning.emitter));
  json.member("retry", name(meaning.retry));
  json.memberBoolean("heuristically_cacheable", meaning.cacheable);
  json.memberBoolean("used_by_gatewhy", used && &meaning == ownMeaning(meaning.code));
  json.member("meaning", meaning.meaning);
  json.member("check_first", meaning.check_first);
  json.member("note", meaning.note);
  json.endObject();
}

std::string jsonOf(std::span<const StatusMeaning> meanings) {
  std::string out = "[";
  std::string_view separator = "\n";
  std::uint16_t previous = 0;
  for (const StatusMeaning& meaning : meanings) {
    if (meaning.code != previous) {
      out += separator;
      out += statusJson(meaning.code);
      separator = ",\n";
      previous = meaning.code;
    }
  }
  return out + "\n]";
}

}  // namespace

std::string explainStatus(std::uint16_t code, const ExplainStyle& style) {
  const std::string_view phrase = reasonPhrase(code);
  std::string out = fmt::format(
      "{} ({}; {})\n", bold(phrase.empty() ? fmt::format("{}", code) : fmt::format("{} {}", code, phrase), style),
      className(code), countOf(meaningsOf(code).size()));
  const bool used = !statusUse(code).none();
  const auto meanings = inReadingOrder(code);
  for (const StatusMeaning* meaning : meanings) {
    const bool ours = used && meanings.size() > 1 && meaning == ownMeaning(code);
    appendMeaning(out, *meaning, ours, style);
  }
  appendUse(out, code, style);
  return out;
}

std::string explainStatusClass(std::uint16_t digit, const ExplainStyle& style) {
  const StatusClass& known = *statusClass(static_cast<std::uint16_t>(digit * 100));
  std::string out = bold(fmt::format("{}xx {}", known.digit, known.name), style) + '\n';
  appendField(out, "meaning", known.meaning, style);
  out += '\n';
  appendRows(out, ofClass(digit), style);
  return out + '\n' + std::string(kOursFootnote);
}

std::string statusesTable(const ExplainStyle& style) {
  std::string out;
  std::size_t listed = 0;
  for (const StatusClass& known : allStatusClasses()) {
    out += fmt::format("{}\n", bold(fmt::format("{}xx {}", known.digit, known.name), style));
    appendRows(out, ofClass(known.digit), style);
    listed += ofClass(known.digit).size();
    out += '\n';
  }
  out += bold("Outside the range of HTTP", style) + '\n';
  appendRows(out, allStatusMeanings().subspan(listed), style);
  return out + '\n' + std::string(kOursFootnote);
}

std::string statusJson(std::uint16_t code) {
  const StatusUse use = statusUse(code);
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.memberUnsigned("code", code);
  json.member("phrase", reasonPhrase(code));
  if (const StatusClass* known = statusClass(code)) {
    json.member("class", known->name);
  }
  json.beginArray("meanings");
  for (const StatusMeaning* meaning : inReadingOrder(code)) {
    writeMeaning(json, *meaning, !use.none());
  }
  json.endArray();
  json.beginObject("causes");
  writeCauses(json, "sent", use.sent);
  writeCauses(json, "log_only", use.log_only);
  writeCauses(json, "standard", use.standard);
  json.endObject();
  json.member("from_origin", fromOrigin(code));
  if (const auto findings = findingsAbout(code); !findings.empty()) {
    json.beginArray("findings");
    for (const std::string_view id : findings) {
      json.string(id);
    }
    json.endArray();
  }
  json.endObject();
  return out;
}

std::string statusClassJson(std::uint16_t digit) {
  const StatusClass& known = *statusClass(static_cast<std::uint16_t>(digit * 100));
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("class", known.name);
  json.member("meaning", known.meaning);
  json.key("statuses");
  out += jsonOf(ofClass(digit));
  json.endObject();
  return out;
}

std::string statusesJson() {
  return jsonOf(allStatusMeanings());
}

}  // namespace gatewhy
