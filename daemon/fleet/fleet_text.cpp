// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/fleet_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "diagnostics/json_writer.h"

namespace gatewhy {
namespace {

constexpr std::size_t kShownFailures = 30;
constexpr std::size_t kShownGaps = 20;
constexpr std::size_t kShownRecent = 15;
constexpr double kTellSkew = 500;  // ms

std::string secondsAgo(FleetView::Time now, FleetView::Time then) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  return seconds < 120 ? fmt::format("{} s ago", std::max<std::int64_t>(seconds, 0))
                       : fmt::format("{} min ago", seconds / 60);
}

// Names come from strangers' events too: nothing that a terminal obeys.
std::string plainly(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    out += octet < 0x20 || octet == 0x7F ? '?' : c;
  }
  return out.empty() ? "-" : out;
}

// "2 of 3 running, 1 silent"
std::string stateLine(const std::vector<InstanceView>& instances) {
  const auto count = [&](InstanceState state) {
    return std::count_if(instances.begin(), instances.end(), [state](const auto& one) { return one.state == state; });
  };
  std::string out = fmt::format("{} of {} running", count(InstanceState::Running), instances.size());
  for (const auto state : {InstanceState::Draining, InstanceState::Stopped, InstanceState::Silent}) {
    if (const auto number = count(state); number != 0) {
      fmt::format_to(std::back_inserter(out), ", {} {}", number, instanceStateName(state));
    }
  }
  return out;
}

}  // namespace

std::string fleetText(const FleetView& view, FleetView::Time now) {
  std::string out;
  const auto line = std::back_inserter(out);
  const auto instances = view.instances(now);
  fmt::format_to(line, "gatewhys: {}\n", stateLine(instances));
  for (const InstanceView& one : instances) {
    fmt::format_to(line, "  {:<24} {:<9} {:>10}  version {}  config {}  {} events, {} failures", plainly(one.name),
                   instanceStateName(one.state), secondsAgo(now, one.last_seen), plainly(one.version),
                   plainly(one.config_hash), one.events, one.failures);
    if (one.dropped != 0) {
      fmt::format_to(line, ", {} dropped", one.dropped);
    }
    if (std::abs(one.skew_ms) > kTellSkew) {
      fmt::format_to(line, ", clock {:.1f} s {}", std::abs(one.skew_ms) / 1000, one.skew_ms > 0 ? "ahead" : "behind");
    }
    out += '\n';
  }
  const auto failures = view.failures();
  out += failures.empty() ? "failures: none\n" : "failures:\n";
  for (std::size_t i = 0; i < std::min(failures.size(), kShownFailures); ++i) {
    const FailureView& one = failures[i];
    fmt::format_to(line, "  {:>8}  {:<20} {:<28} {}\n", one.failures, plainly(one.origin), plainly(one.cause),
                   plainly(one.vantage.words));
  }
  const auto gaps = view.gaps(now);
  for (std::size_t i = 0; i < std::min(gaps.size(), kShownGaps); ++i) {
    fmt::format_to(line, "{}  {}\n", i == 0 ? "gaps:\n" : "", plainly(gaps[i].words()));
  }
  if (gaps.size() > kShownGaps) {
    fmt::format_to(line, "  and {} more\n", gaps.size() - kShownGaps);
  }
  const auto& recent = view.recent();
  for (std::size_t i = recent.size() - std::min(recent.size(), kShownRecent), first = i; i < recent.size(); ++i) {
    const RecentFailure& one = recent[i];
    fmt::format_to(line, "{}  {}  {}  {}  {}  {}\n", i == first ? "latest failures:\n" : "", plainly(one.timestamp),
                   plainly(one.instance), plainly(one.origin), plainly(one.cause), plainly(one.request_id));
  }
  return out;
}

std::string fleetJson(const FleetView& view, FleetView::Time now) {
  nlohmann::ordered_json out;
  const auto seconds = [](FleetView::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  };
  out["now"] = seconds(now);
  out["instances"] = nlohmann::ordered_json::array();
  for (const InstanceView& one : view.instances(now)) {
    out["instances"].push_back({{"name", one.name},
                                {"state", instanceStateName(one.state)},
                                {"boot_id", one.boot},
                                {"version", one.version},
                                {"config_hash", one.config_hash},
                                {"last_seen", seconds(one.last_seen)},
                                {"clock_skew_ms", one.skew_ms},
                                {"events", one.events},
                                {"failures", one.failures},
                                {"dropped", one.dropped}});
  }
  out["failures"] = nlohmann::ordered_json::array();
  for (const FailureView& one : view.failures()) {
    nlohmann::ordered_json minutes = nlohmann::ordered_json::array();
    for (const auto& [minute, count] : one.by_minute) {
      minutes.push_back({minute * 60, count});
    }
    out["failures"].push_back({{"origin", one.origin},
                               {"cause", one.cause},
                               {"failures", one.failures},
                               {"by_instance", one.by_instance},
                               {"by_minute", std::move(minutes)},
                               {"last_request_id", one.last_request_id},
                               {"last_summary", one.last_summary},
                               {"vantage", one.vantage.words},
                               {"seen_by", one.vantage.seen_by},
                               {"not_seen_by", one.vantage.not_by}});
  }
  out["gaps"] = nlohmann::ordered_json::array();
  for (const FleetGap& gap : view.gaps(now)) {
    out["gaps"].push_back({{"instance", gap.instance},
                           {"boot_id", gap.boot},
                           {"first", gap.first},
                           {"last", gap.last},
                           {"told", gap.told},
                           {"open", gap.open},
                           {"words", gap.words()}});
  }
  out["recent"] = nlohmann::ordered_json::array();
  for (const RecentFailure& one : view.recent()) {
    out["recent"].push_back({{"timestamp", one.timestamp},
                             {"instance", one.instance},
                             {"origin", one.origin},
                             {"cause", one.cause},
                             {"status", one.status},
                             {"request_id", one.request_id},
                             {"summary", one.summary}});
  }
  out["duplicates"] = view.duplicates();
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace gatewhy
