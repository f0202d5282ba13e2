// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/cause_id.h"
#include "diagnostics/cause_words.h"
#include "diagnostics/explain.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

std::string jsonString(std::string_view text) {
  std::string result = "\"";
  appendJsonEscaped(result, text);
  return result + '"';
}

std::string numberOrNull(std::uint16_t status) {
  return status == 0 ? "null" : fmt::format("{}", status);
}

}  // namespace

std::string explainCause(Cause cause, const ExplainStyle& style) {
  const CauseInfo& row = info(cause);
  std::string out = bold(row.name, style) + '\n';
  appendField(out, "seen", row.seen, style);
  appendField(out, "should act", row.who_acts, style);
  appendField(out, "check first", row.check_first, style);
  appendField(out, "status", statusWords(row), style);
  appendField(out, "Proxy-Status", proxyErrorWords(row), style);
  appendField(out, "phase", name(row.phase), style);
  appendField(out, "blame", name(row.blame), style);
  appendField(out, "retry", words(row.retry), style);
  appendField(out, "severity", name(row.severity), style);
  return out;
}

std::string causesTable(const ExplainStyle& style) {
  constexpr std::size_t kNameColumn = 38;
  constexpr std::size_t kStatusColumn = 6;
  constexpr std::size_t kTextAt = 2 + kNameColumn + kStatusColumn;
  const std::size_t room = std::max<std::size_t>(style.width, kTextAt + 16) - kTextAt;
  std::string out;
  const CauseInfo* previous = nullptr;
  for (const CauseInfo& row : allCauses()) {
    if (previous == nullptr || previous->phase != row.phase) {
      out += fmt::format("{}{}\n", previous == nullptr ? "" : "\n", bold(title(row.phase), style));
    }
    previous = &row;
    const std::string code = row.log_status == 0 ? "-" : fmt::format("{}", row.log_status);
    out += fmt::format("  {:<{}}{:<{}}{}\n", row.name, kNameColumn, code, kStatusColumn, cutText(row.seen, room));
  }
  return out;
}

std::string causeJson(Cause cause) {
  const CauseInfo& row = info(cause);
  const std::string error = row.proxy_error == ProxyError::None ? "null" : jsonString(name(row.proxy_error));
  return fmt::format(
      R"({{"cause":{},"type":{},"message_id":{},"phase":{},"blame":{},"sent_status":{},"status":{},)"
      R"("standard_status":{},"proxy_error":{},"retry":{},"severity":{},"seen":{},"who_acts":{},"check_first":{}}})",
      jsonString(row.name), jsonString(problemType(cause)), jsonString(messageId(cause)), jsonString(name(row.phase)),
      jsonString(name(row.blame)), numberOrNull(row.sent_status), numberOrNull(row.log_status),
      numberOrNull(row.standard_status), error, jsonString(name(row.retry)), jsonString(name(row.severity)),
      jsonString(row.seen), jsonString(row.who_acts), jsonString(row.check_first));
}

std::string causesJson() {
  std::string out = "[";
  std::string_view separator = "\n";
  for (const CauseInfo& row : allCauses()) {
    out += separator;
    out += causeJson(row.cause);
    separator = ",\n";
  }
  return out + "\n]";
}

}  // namespace gatewhy
