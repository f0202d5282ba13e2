// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/explain.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {

std::string explainFinding(Finding finding, const ExplainStyle& style) {
  const FindingInfo& row = info(finding);
  std::string out = bold(row.id, style) + '\n';
  appendField(out, "seen", row.seen, style);
  appendField(out, "to do", row.to_do, style);
  appendField(out, "level", fmt::format("{}: {}", name(row.level), words(row.level)), style);
  appendField(out, "section", row.section, style);
  appendField(out, "reported", "The event has it in findings; the metric gatewhy_findings_total counts it.", style);
  return out;
}

std::string findingsTable(const ExplainStyle& style) {
  constexpr std::size_t kIdColumn = 36;
  constexpr std::size_t kLevelColumn = 8;
  constexpr std::size_t kTextAt = 2 + kIdColumn + kLevelColumn;
  const std::size_t room = std::max<std::size_t>(style.width, kTextAt + 16) - kTextAt;
  std::string out;
  for (const FindingInfo& row : allFindings()) {
    out += fmt::format("  {:<{}}{:<{}}{}\n", row.id, kIdColumn, name(row.level), kLevelColumn, cutText(row.seen, room));
  }
  return out;
}

std::string findingJson(Finding finding) {
  const FindingInfo& row = info(finding);
  std::string out;
  JsonWriter json(out);
  json.beginObject();
  json.member("finding", row.id);
  json.member("level", name(row.level));
  json.member("section", row.section);
  json.member("seen", row.seen);
  json.member("to_do", row.to_do);
  json.endObject();
  return out;
}

std::string findingsJson() {
  std::string out = "[";
  std::string_view separator = "\n";
  for (const FindingInfo& row : allFindings()) {
    out += separator;
    out += findingJson(row.finding);
    separator = ",\n";
  }
  return out + "\n]";
}

}  // namespace gatewhy
