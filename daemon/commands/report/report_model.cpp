// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/report_model.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::size_t kLongestText = 400;

// The entry of `name`, or of kOther where there are too many names.
template <typename Map, typename Make>
auto& entryOf(Map& map, std::string_view name, std::size_t most, Make make) {
  auto at = map.find(name);
  if (at == map.end()) {
    const std::string_view key = map.size() < most ? name : ReportModel::kOther;
    at = map.find(key);
    if (at == map.end()) {
      at = map.emplace(std::string(key.substr(0, kLongestText)), make()).first;
    }
  }
  return at->second;
}

}  // namespace

void ReportModel::add(const LoggedEvent& event) {
  const bool outside = (filter_.since && event.second < *filter_.since) ||
                       (filter_.until && event.second >= *filter_.until) ||
                       (!filter_.origin.empty() && event.origin != filter_.origin);
  if (outside) {
    ++filtered_out_;
  } else if (event.kind == LoggedEvent::Kind::Exchange) {
    addExchange(event);
  } else {
    addWord(event);
  }
}

void ReportModel::makeRoom(std::int64_t second) {
  if (axis_.covers(second)) {
    axis_.note(second);
    return;
  }
  const TimeAxis before = axis_.extend(second);
  const auto move = [&](TimeCounts& counts) { counts = axis_.moved(counts, before); };
  move(failures_over_time_);
  move(exchanges_over_time_);
  for (auto& [name, origin] : origins_) {
    move(origin->exchanges_over_time);
    move(origin->failures_over_time);
    for (auto& [cause, summary] : origin->causes) {
      move(summary.over_time);
    }
  }
}

OriginSummary& ReportModel::originFor(std::string_view name) {
  return *entryOf(origins_, name, kMostOrigins, [] { return std::make_unique<OriginSummary>(); });
}

void ReportModel::addExchange(const LoggedEvent& event) {
  makeRoom(event.second);
  const std::size_t slot = axis_.slotOf(event.second);
  OriginSummary& origin = originFor(event.origin);
  const bool failed = event.outcome == LoggedEvent::Outcome::Failure;
  const bool left = event.outcome == LoggedEvent::Outcome::Aborted;
  const bool again = event.attempts > 1;
  const bool saved = again && event.outcome == LoggedEvent::Outcome::Success;
  ++exchanges_;
  ++origin.exchanges;
  failures_ += failed ? 1 : 0;
  origin.failures += failed ? 1 : 0;
  aborted_ += left ? 1 : 0;
  origin.aborted += left ? 1 : 0;
  retried_ += again ? 1 : 0;
  origin.retried += again ? 1 : 0;
  if (saved) {
    addRescues(event, origin);
  }
  saved_ += saved ? 1 : 0;
  origin.saved += saved ? 1 : 0;
  ++exchanges_over_time_[slot];
  ++origin.exchanges_over_time[slot];
  if (failed) {
    ++failures_over_time_[slot];
    ++origin.failures_over_time[slot];
  }
  for (std::size_t i = 0; i < event.timings.size(); ++i) {
    if (event.timings[i]) {
      origin.phases[i].add(*event.timings[i]);
    }
  }
  for (const std::string_view finding : event.findings) {
    ++entryOf(findings_, finding, kMostFindings, [] { return std::uint64_t{0}; });
  }
  if (event.cause.empty()) {
    return;
  }
  CauseSummary& cause = entryOf(origin.causes, event.cause, kMostCauses, [] { return CauseSummary{}; });
  cause.first = cause.count == 0 ? event.second : std::min(cause.first, event.second);
  if (cause.count == 0 || event.second >= cause.last) {
    cause.last = event.second;
    cause.request_id = event.request_id.substr(0, kLongestText);
    cause.summary = event.summary.substr(0, kLongestText);
    cause.blame = event.blame.substr(0, kLongestText);
    cause.phase = event.phase.substr(0, kLongestText);
    cause.status = event.diagnosis_status;
  }
  ++cause.count;
  ++cause.over_time[slot];
}

void ReportModel::addRescues(const LoggedEvent& event, OriginSummary& origin) {
  for (const LoggedEvent::RetriedTry& attempt : event.retried) {
    auto& causes = entryOf(origin.rescued, attempt.endpoint, kMostEndpoints, [] { return OriginSummary::Rescues(); });
    RescueSummary& rescue = entryOf(causes, attempt.cause, kMostCauses, [] { return RescueSummary(); });
    ++rescue.count;
    if (event.second >= rescue.last) {
      rescue.last = event.second;
      rescue.request_id = event.request_id.substr(0, kLongestText);
    }
  }
}

void ReportModel::addWord(const LoggedEvent& event) {
  ++entryOf(words_, event.event, kMostFindings, [] { return std::uint64_t{0}; });
  if (last_words_.size() == kLastWords) {
    last_words_.erase(last_words_.begin());
  }
  last_words_.push_back(DaemonWord{.second = event.second,
                                   .event = std::string(event.event.substr(0, kLongestText)),
                                   .severity = std::string(event.severity.substr(0, kLongestText)),
                                   .origin = std::string(event.origin.substr(0, kLongestText)),
                                   .message = std::string(event.message.substr(0, kLongestText))});
}

}  // namespace gatewhy
