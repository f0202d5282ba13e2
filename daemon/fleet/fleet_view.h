// SPDX-License-Identifier: Apache-2.0
// What many gatewhys say together: who runs, what fails where, and which events
// never came. Fed with events in any order, some of them twice. Pure: time is
// passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/fleet/sequence_set.h"
#include "daemon/fleet/vantage.h"

namespace gatewhy {

// "2026-01-31T12:00:00.123456Z", as events have it; nullopt where it is none.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> fleetTime(const std::string& text);

// Numbers of one run of an instance that did not come.
struct FleetGap {
  std::string instance, boot;
  std::uint64_t first = 0, last = 0;
  std::uint64_t told = 0;  // of these, dropped and told by the instance itself
  // The end of a run that never said stop: what came after `last` is unknown.
  bool open = false;
  [[nodiscard]] std::string words() const;
};

enum class InstanceState : std::uint8_t { Running, Draining, Stopped, Silent };
[[nodiscard]] std::string_view instanceStateName(InstanceState state) noexcept;

struct InstanceView {
  std::string name, boot, version, config_hash;
  InstanceState state = InstanceState::Running;
  std::chrono::system_clock::time_point last_seen;  // by the stream's clock
  double skew_ms = 0;  // how far its clock is ahead of the stream's; below zero: behind, or late
  std::uint64_t events = 0, failures = 0;
  std::uint64_t dropped = 0;  // events, told by it
};

struct FailureView {
  std::string origin, cause;
  std::uint64_t failures = 0;
  std::map<std::string, std::uint64_t> by_instance;
  std::map<std::int64_t, std::uint64_t> by_minute;  // minutes since 1970
  std::string last_request_id, last_summary;
  VantageVerdict vantage;
};

struct RecentFailure {
  std::string timestamp, instance, origin, cause, request_id, summary;
  int status = 0;
};

class FleetView {
 public:
  using Time = std::chrono::system_clock::time_point;

  // One line of JSON, stored at `stored`. False: no event, or one that came before.
  bool add(std::string_view line, Time stored);

  [[nodiscard]] std::vector<InstanceView> instances(Time now) const;
  [[nodiscard]] std::vector<FailureView> failures() const;  // the most frequent first
  // Going by heartbeats alone: what each instance counted between its first and
  // its last. An instance with one heartbeat says nothing.
  [[nodiscard]] VantageVerdict vantageByHeartbeats(const std::string& origin, const std::string& cause) const;
  [[nodiscard]] std::vector<FleetGap> gaps(Time now) const;
  [[nodiscard]] const std::deque<RecentFailure>& recent() const { return recent_; }  // the latest last
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }

  // A running instance says something every five seconds.
  static constexpr std::chrono::seconds kSilence{12};
  static constexpr std::size_t kRecent = 200;
  static constexpr std::size_t kMostAddresses = 64;  // by origin and cause

 private:
  struct Run {
    SequenceSet seen, told;
    bool stopped = false;
    Time begun, last;
  };
  struct Instance {
    std::map<std::string, Run> runs;  // by boot id
    InstanceView view;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>
        exchanges;  // by origin: first and last count of this boot
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> said;  // by "origin cause": failures, likewise
    std::map<std::string, std::uint64_t> counted;                         // by origin: exchanges whose events came
  };
  using Key = std::pair<std::string, std::string>;  // origin, cause
  struct Failing {
    FailureView view;
    std::map<std::string, std::uint64_t> by_address;
  };
  struct Parsed;
  void addExchange(Instance& instance, const Parsed& event);
  static void takeCounts(const Parsed& event, const char* key,
                         std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>& counts);
  void addWord(Instance& instance, Run& run, const Parsed& event);
  [[nodiscard]] std::uint64_t exchangesOf(const Instance& instance, const std::string& origin) const;

  std::map<std::string, Instance> instances_;
  std::map<Key, Failing> failures_;
  std::map<std::string, std::map<std::string, std::uint64_t>> addresses_;  // by origin: exchanges by peer address
  std::deque<RecentFailure> recent_;
  std::uint64_t duplicates_ = 0;
};

}  // namespace gatewhy
