// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "daemon/commands/report/log_time.h"
#include "daemon/commands/report/report_view.h"
#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;

Json timesOf(const ReportModel& model, const TimeCounts& counts) {
  return model.axis().columns(counts, kTimeSlots);
}

Json causeOf(const std::string& name, const CauseSummary& summary, const ReportModel& model) {
  Json out{{"cause", name}, {"count", summary.count}};
  if (!summary.blame.empty()) {
    out["blame"] = summary.blame;
  }
  if (!summary.phase.empty()) {
    out["phase"] = summary.phase;
  }
  if (summary.status != 0) {
    out["status"] = summary.status;
  }
  out["first"] = logTimeText(summary.first);
  out["last"] = logTimeText(summary.last);
  if (!summary.request_id.empty()) {
    out["request_id"] = summary.request_id;
  }
  if (!summary.summary.empty()) {
    out["summary"] = summary.summary;
  }
  if (const auto known = causeByName(name)) {
    out["check_first"] = info(*known).check_first;
  }
  out["over_time"] = timesOf(model, summary.over_time);
  return out;
}

Json originOf(std::string_view name, const OriginSummary& origin, const ReportModel& model) {
  Json out = Json::object();
  if (!name.empty()) {
    out["origin"] = name;
  }
  out["exchanges"] = origin.exchanges;
  out["failures"] = origin.failures;
  out["aborted"] = origin.aborted;
  out["retried"] = origin.retried;
  out["retried_and_answered"] = origin.saved;
  out["exchanges_over_time"] = timesOf(model, origin.exchanges_over_time);
  out["failures_over_time"] = timesOf(model, origin.failures_over_time);
  for (std::size_t i = 0; i < origin.phases.size(); ++i) {
    const DurationHistogram& durations = origin.phases[i];
    if (durations.count() != 0) {
      out["phases_ms"][std::string(LoggedEvent::kPhaseNames[i])] = {{"count", durations.count()},
                                                                    {"p50", durations.quantileMs(0.5)},
                                                                    {"p90", durations.quantileMs(0.9)},
                                                                    {"p99", durations.quantileMs(0.99)}};
    }
  }
  out["causes"] = Json::array();
  for (const auto& [cause, summary] : origin.causes) {
    out["causes"].push_back(causeOf(cause, summary, model));
  }
  for (const auto& [endpoint, causes] : origin.rescued) {
    for (const auto& [cause, rescue] : causes) {
      out["rescued"].push_back({{"endpoint", endpoint},
                                {"cause", cause},
                                {"count", rescue.count},
                                {"last", logTimeText(rescue.last)},
                                {"request_id", rescue.request_id}});
    }
  }
  return out;
}

}  // namespace

std::string reportJson(const ReportModel& model, const ReadingSummary& reading) {
  Json out;
  out["read"] = {{"sources", reading.sources},     {"bytes", reading.bytes}, {"lines", reading.lines},
                 {"bad_lines", reading.bad_lines}, {"cut", reading.cut},     {"problems", reading.problems},
                 {"left_out", model.filteredOut()}};
  if (!reading.first_bad.empty()) {
    out["read"]["first_bad"] = reading.first_bad;
  }
  if (!model.axis().empty()) {
    out["first"] = logTimeText(model.axis().first());
    out["last"] = logTimeText(model.axis().last());
    out["axis"] = {{"begin", logTimeText(model.axis().begin())}, {"step_s", model.axis().width()}};
  }
  out["exchanges"] = model.exchanges();
  out["failures"] = model.failures();
  out["aborted"] = model.aborted();
  out["retried"] = model.retried();
  out["retried_and_answered"] = model.saved();
  out["origins"] = Json::array();
  for (const auto& [name, origin] : rankedOrigins(model)) {
    out["origins"].push_back(originOf(name, *origin, model));
  }
  out["findings"] = Json::object();
  for (const auto& [name, count] : rankedCounts(model.findings())) {
    out["findings"][std::string(name)] = count;
  }
  out["daemon_events"] = Json::object();
  for (const auto& [name, count] : model.words()) {
    out["daemon_events"][name] = count;
  }
  // A file's name need not be UTF-8.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gatewhy
