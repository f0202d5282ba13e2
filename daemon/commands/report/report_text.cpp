// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <tuple>

#include <algorithm>
#include <iterator>

#include "daemon/commands/report/log_time.h"
#include "daemon/commands/report/report_view.h"
#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

constexpr std::size_t kCausesInText = 15;
constexpr std::size_t kOriginsShown = 20;
constexpr std::size_t kFindingsShown = 10;
constexpr std::size_t kNameColumn = 24;

std::string originName(std::string_view name) {
  return name.empty() ? "(no origin)" : harmless(name);
}

// Empty cells at the end of a row are padding.
std::string withoutTrailingBlanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out.erase(out.find_last_not_of(' ') + 1);
    }
    out += c;
  }
  return out;
}

std::string heading(std::string_view text, const TextStyle& style) {
  return "\n" + paint(text, Ink::Bold, style) + "\n";
}

void appendReading(std::string& out, const ReadingSummary& reading, const TextStyle& style) {
  if (reading.bad_lines != 0) {
    out +=
        paint(fmt::format("skipped {} that {} (first: {})\n",
                          reading.bad_lines == 1 ? "1 line" : countText(reading.bad_lines) + " lines",
                          reading.bad_lines == 1 ? "is not an event" : "are not events", harmless(reading.first_bad)),
              Ink::Yellow, style);
  }
  for (const std::string& source : reading.cut) {
    out +=
        paint(fmt::format("{}: the last line is incomplete; it was left out\n", harmless(source)), Ink::Yellow, style);
  }
  for (const std::string& problem : reading.problems) {
    out += paint(harmless(problem), Ink::Red, style) + "\n";
  }
}

void appendOverview(std::string& out, const ReportModel& model, const TextStyle& style) {
  const TimeAxis& axis = model.axis();
  out += fmt::format("{} to {} ({})\n\n", logTimeText(axis.first()), logTimeText(axis.last()),
                     spanText(axis.last() - axis.first()));
  const auto total = static_cast<double>(model.exchanges());
  const auto row = [&](std::string_view name, std::uint64_t count, std::string_view remark) {
    fmt::format_to(std::back_inserter(out), "{:<22}{:>12}{:>9}  {}\n", name, countText(count),
                   percentText(static_cast<double>(count), total), remark);
  };
  row("exchanges", model.exchanges(), "");
  row("failures", model.failures(), "");
  row("aborted by the client", model.aborted(), "");
  row("retried", model.retried(), fmt::format("{} recovered", countText(model.saved())));
  const std::size_t columns = std::min<std::size_t>(style.width - 12, 100);
  const std::string each = spanText(axis.secondsPerColumn(columns));
  out += "\n";
  out += fmt::format("all       {}\n",
                     paint(sparkline(axis.columns(model.exchangesOverTime(), columns), style), Ink::Dim, style));
  out += fmt::format("failures  {}\n",
                     paint(sparkline(axis.columns(model.failuresOverTime(), columns), style), Ink::Red, style));
  out += paint(fmt::format("          each column is {}; each row has its own scale\n", each), Ink::Dim, style);
}

void appendOrigins(std::string& out, const ReportModel& model, const TextStyle& style) {
  const auto origins = rankedOrigins(model);
  out += heading("Origins", style);
  out += paint(
      fmt::format("{:<{}}{:>12}{:>11}{:>9}  failures over time\n", "", kNameColumn, "exchanges", "failures", "share"),
      Ink::Dim, style);
  const std::size_t columns = style.width - kNameColumn - 34;
  for (std::size_t i = 0; i < std::min(origins.size(), kOriginsShown); ++i) {
    const auto& [name, origin] = origins[i];
    fmt::format_to(std::back_inserter(out), "{}{:>12}{:>11}{:>9}  {}\n", fitted(originName(name), kNameColumn, style),
                   countText(origin->exchanges), countText(origin->failures),
                   percentText(static_cast<double>(origin->failures), static_cast<double>(origin->exchanges)),
                   paint(sparkline(model.axis().columns(origin->failures_over_time, columns), style), Ink::Red, style));
  }
  if (origins.size() > kOriginsShown) {
    out += fmt::format("and {} more\n", origins.size() - kOriginsShown);
  }
}

void appendCauses(std::string& out, const ReportModel& model, const TextStyle& style) {
  const auto causes = rankedCauses(model);
  if (causes.empty()) {
    return;
  }
  const auto most = static_cast<double>(causes.front().summary->count);
  const auto failures = static_cast<double>(model.failures() + model.aborted());
  out += heading("Causes", style);
  for (std::size_t i = 0; i < std::min(causes.size(), kCausesInText); ++i) {
    const auto& [origin, cause, summary] = causes[i];
    const std::size_t cells = style.width > 76 ? std::min<std::size_t>(style.width - 64, 40) : 12;
    fmt::format_to(std::back_inserter(out), "{}{:>12}{:>8}  {}\n",
                   paint(fitted(harmless(cause), 40, style), Ink::Bold, style), countText(summary->count),
                   percentText(static_cast<double>(summary->count), failures),
                   paint(bar(static_cast<double>(summary->count) / most, cells, style), Ink::Red, style));
    std::string where = fmt::format("origin {}, blame: {}", originName(origin), harmless(summary->blame));
    where += summary->status != 0 ? fmt::format(", status {}", summary->status) : "";
    appendWrapped(out, "  where", where, 16, style);
    appendWrapped(out, "  when", fmt::format("{} to {}", logTimeText(summary->first), logTimeText(summary->last)), 16,
                  style);
    if (!summary->request_id.empty()) {
      appendWrapped(out, "  for example", harmless(summary->request_id), 16, style);
    }
    if (const auto known = causeByName(cause)) {
      appendWrapped(out, "  check first", info(*known).check_first, 16, style);
    }
  }
  if (causes.size() > kCausesInText) {
    out += fmt::format("and {} more: --json has all\n", causes.size() - kCausesInText);
  }
}

// Failures of endpoints that no client saw.
void appendRescues(std::string& out, const ReportModel& model, const TextStyle& style) {
  const auto rescues = rankedRescues(model);
  if (rescues.empty()) {
    return;
  }
  out += heading("Rescued by a retry (no client saw these failures)", style);
  for (std::size_t i = 0; i < std::min(rescues.size(), kCausesInText); ++i) {
    const auto& [origin, endpoint, cause, summary] = rescues[i];
    std::string text = fmt::format("from {} at {} (origin {}), the last at {}", harmless(cause), harmless(endpoint),
                                   originName(origin), logTimeText(summary->last));
    text += summary->request_id.empty() ? "" : fmt::format(", request id {}", harmless(summary->request_id));
    appendWrapped(out, fmt::format("{:>12} ", countText(summary->count)), text, 14, style);
  }
  if (rescues.size() > kCausesInText) {
    out += fmt::format("and {} more: --json has all\n", rescues.size() - kCausesInText);
  }
}

void appendLatency(std::string& out, const ReportModel& model, const TextStyle& style) {
  out += heading("Time per phase (median and 99th percentile; the longest first)", style);
  for (const auto& [name, origin] : rankedOrigins(model)) {
    std::vector<std::size_t> phases;
    for (std::size_t i = 0; i + 1 < origin->phases.size(); ++i) {
      if (origin->phases[i].count() != 0) {
        phases.push_back(i);
      }
    }
    if (phases.empty() || name.empty()) {
      continue;
    }
    std::sort(phases.begin(), phases.end(), [o = origin](std::size_t a, std::size_t b) {
      return o->phases[a].quantileMs(0.99) > o->phases[b].quantileMs(0.99);
    });
    std::string text;
    phases.push_back(origin->phases.size() - 1);
    for (const std::size_t i : phases) {
      text +=
          fmt::format("{}{} {} / {}", text.empty() ? "" : ", ", LoggedEvent::kPhaseNames[i],
                      millisText(origin->phases[i].quantileMs(0.5)), millisText(origin->phases[i].quantileMs(0.99)));
    }
    appendWrapped(out, fitted(originName(name), 20, style), text, 22, style);
  }
}

}  // namespace

std::vector<RankedCause> rankedCauses(const ReportModel& model) {
  std::vector<RankedCause> out;
  for (const auto& [origin_name, origin] : model.origins()) {
    for (const auto& [cause, summary] : origin->causes) {
      out.push_back({origin_name, cause, &summary});
    }
  }
  std::sort(out.begin(), out.end(), [](const RankedCause& a, const RankedCause& b) {
    return std::tuple(b.summary->count, a.cause, a.origin) < std::tuple(a.summary->count, b.cause, b.origin);
  });
  return out;
}

std::vector<RankedRescue> rankedRescues(const ReportModel& model) {
  std::vector<RankedRescue> out;
  for (const auto& [origin_name, origin] : model.origins()) {
    for (const auto& [endpoint, causes] : origin->rescued) {
      for (const auto& [cause, summary] : causes) {
        out.push_back({origin_name, endpoint, cause, &summary});
      }
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const RankedRescue& a, const RankedRescue& b) { return a.summary->count > b.summary->count; });
  return out;
}

std::vector<std::pair<std::string_view, const OriginSummary*>> rankedOrigins(const ReportModel& model) {
  std::vector<std::pair<std::string_view, const OriginSummary*>> out;
  for (const auto& [name, origin] : model.origins()) {
    out.emplace_back(name, origin.get());
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->failures, a.second->exchanges) > std::pair(b.second->failures, b.second->exchanges);
  });
  return out;
}

std::vector<std::pair<std::string_view, std::uint64_t>> rankedCounts(
    const std::map<std::string, std::uint64_t, std::less<>>& counts) {
  std::vector<std::pair<std::string_view, std::uint64_t>> out(counts.begin(), counts.end());
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return out;
}

std::string reportText(const ReportModel& model, const ReadingSummary& reading, const TextStyle& style) {
  std::string out;
  appendReading(out, reading, style);
  if (model.exchanges() == 0) {
    out += fmt::format("no exchange in {} lines{}\n", countText(reading.lines),
                       model.filteredOut() == 0
                           ? ""
                           : fmt::format("; {} were left out by the options", countText(model.filteredOut())));
    return out;
  }
  appendOverview(out, model, style);
  appendOrigins(out, model, style);
  appendCauses(out, model, style);
  appendRescues(out, model, style);
  appendLatency(out, model, style);
  const auto findings = rankedCounts(model.findings());
  if (!findings.empty()) {
    out += heading("Findings in origins' answers", style);
    for (std::size_t i = 0; i < std::min(findings.size(), kFindingsShown); ++i) {
      fmt::format_to(std::back_inserter(out), "{:>12}  {}\n", countText(findings[i].second),
                     harmless(findings[i].first));
    }
  }
  if (!model.lastWords().empty()) {
    out += heading("Latest daemon events", style);
    for (const DaemonWord& word : model.lastWords()) {
      const std::string label = fmt::format("{} {} ", logTimeText(word.second), harmless(word.event));
      appendWrapped(
          out, label,
          fmt::format("{}{}", word.origin.empty() ? "" : harmless(word.origin) + ": ", harmless(word.message)), 30,
          style);
    }
  }
  return withoutTrailingBlanks(out);
}

}  // namespace gatewhy
