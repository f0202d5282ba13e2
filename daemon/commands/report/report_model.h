// SPDX-License-Identifier: Apache-2.0
// What a report sums up, in memory that the number of events does not change:
// names are bounded, times are counted in slots, durations in histograms.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/commands/report/logged_event.h"
#include "daemon/commands/report/time_series.h"
#include "daemon/metrics/duration_histogram.h"

namespace gatewhy {

struct ReportFilter {
  std::optional<std::int64_t> since, until;  // seconds; `until` excluded
  std::string origin;                        // "" = all
};

struct CauseSummary {
  std::uint64_t count = 0;
  std::int64_t first = 0, last = 0;
  std::string request_id, summary;  // of the last one
  std::string blame, phase;
  std::uint64_t status = 0;
  TimeCounts over_time{};
};

// Requests that a retry saved from a failure, by the endpoint that they had to leave.
struct RescueSummary {
  std::uint64_t count = 0;
  std::int64_t last = 0;
  std::string request_id;  // of the last one
};

struct OriginSummary {
  std::uint64_t exchanges = 0, failures = 0, aborted = 0;
  std::uint64_t retried = 0, saved = 0;  // with more than one try; of those, answered after all
  TimeCounts exchanges_over_time{}, failures_over_time{};
  std::array<DurationHistogram, LoggedEvent::kPhaseNames.size()> phases;
  std::map<std::string, CauseSummary, std::less<>> causes;  // failures and aborts
  using Rescues = std::map<std::string, RescueSummary, std::less<>>;
  std::map<std::string, Rescues, std::less<>> rescued;  // by endpoint and cause
};

// A reload, ejection, start or other word of the daemon's.
struct DaemonWord {
  std::int64_t second = 0;
  std::string event, severity, origin, message;
};

class ReportModel {
 public:
  explicit ReportModel(ReportFilter filter = {}) : filter_(std::move(filter)) {}

  void add(const LoggedEvent& event);

  // What reached no origin is under "".
  [[nodiscard]] const std::map<std::string, std::unique_ptr<OriginSummary>, std::less<>>& origins() const {
    return origins_;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& findings() const { return findings_; }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& words() const { return words_; }
  [[nodiscard]] const std::vector<DaemonWord>& lastWords() const { return last_words_; }  // oldest first
  [[nodiscard]] const TimeAxis& axis() const { return axis_; }
  [[nodiscard]] std::uint64_t exchanges() const { return exchanges_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t aborted() const { return aborted_; }
  [[nodiscard]] std::uint64_t retried() const { return retried_; }
  [[nodiscard]] std::uint64_t saved() const { return saved_; }
  [[nodiscard]] std::uint64_t filteredOut() const { return filtered_out_; }
  [[nodiscard]] const TimeCounts& failuresOverTime() const { return failures_over_time_; }
  [[nodiscard]] const TimeCounts& exchangesOverTime() const { return exchanges_over_time_; }

  static constexpr std::size_t kMostOrigins = 1000;
  static constexpr std::size_t kMostCauses = 300;      // per origin
  static constexpr std::size_t kMostEndpoints = 1000;  // likewise
  static constexpr std::size_t kMostFindings = 500;
  static constexpr std::size_t kLastWords = 12;
  static constexpr std::string_view kOther = "(other)";  // what is beyond the limits

 private:
  void addExchange(const LoggedEvent& event);
  static void addRescues(const LoggedEvent& event, OriginSummary& origin);
  void addWord(const LoggedEvent& event);
  void makeRoom(std::int64_t second);
  OriginSummary& originFor(std::string_view name);

  ReportFilter filter_;
  TimeAxis axis_;
  std::map<std::string, std::unique_ptr<OriginSummary>, std::less<>> origins_;
  std::map<std::string, std::uint64_t, std::less<>> findings_, words_;
  std::vector<DaemonWord> last_words_;
  std::uint64_t exchanges_ = 0, failures_ = 0, aborted_ = 0, retried_ = 0, saved_ = 0, filtered_out_ = 0;
  TimeCounts failures_over_time_{}, exchanges_over_time_{};
};

}  // namespace gatewhy
