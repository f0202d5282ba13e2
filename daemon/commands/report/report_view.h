// SPDX-License-Identifier: Apache-2.0
// A report in three forms. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/commands/report/report_model.h"
#include "daemon/commands/text_style.h"

namespace gatewhy {

// How the reading itself went.
struct ReadingSummary {
  std::vector<std::string> sources;
  std::uint64_t bytes = 0;  // as stored
  std::uint64_t lines = 0;
  std::uint64_t bad_lines = 0;
  std::string first_bad;              // "FILE:LINE"
  std::vector<std::string> cut;       // sources whose last line is not whole
  std::vector<std::string> problems;  // "FILE: why"
};

// One cause at one origin; the most frequent first, then by name.
struct RankedCause {
  std::string_view origin, cause;
  const CauseSummary* summary = nullptr;
};
[[nodiscard]] std::vector<RankedCause> rankedCauses(const ReportModel& model);
// What retries saved from one cause at one endpoint; the most frequent first.
struct RankedRescue {
  std::string_view origin, endpoint, cause;
  const RescueSummary* summary = nullptr;
};
[[nodiscard]] std::vector<RankedRescue> rankedRescues(const ReportModel& model);
// Origins by failures, then by exchanges.
[[nodiscard]] std::vector<std::pair<std::string_view, const OriginSummary*>> rankedOrigins(const ReportModel& model);
[[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> rankedCounts(
    const std::map<std::string, std::uint64_t, std::less<>>& counts);

[[nodiscard]] std::string reportText(const ReportModel& model, const ReadingSummary& reading, const TextStyle& style);
[[nodiscard]] std::string reportJson(const ReportModel& model, const ReadingSummary& reading);
// One page without any outside resource or script.
[[nodiscard]] std::string reportHtml(const ReportModel& model, const ReadingSummary& reading);

}  // namespace gatewhy
