// SPDX-License-Identifier: Apache-2.0
// The failures of the last minutes, kept for people who ask: `gatewhy why`,
// the admin API, the live page. Only failed and aborted exchanges come here,
// so a request that succeeds pays nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/event.h"

namespace gatewhy {

struct FailureRecord {
  std::uint64_t id = 0;  // consecutive; above every id of an earlier run of the daemon
  std::chrono::system_clock::time_point timestamp;
  std::optional<Cause> cause;
  std::uint16_t status = 0;  // diagnosis.status; 0 = absent
  std::string origin, request_id, trace_id;
  double total_ms = 0;
  std::string json;  // the event as it was logged, one object without '\n'
};
using FailurePtr = std::shared_ptr<const FailureRecord>;

struct FailureFilter {
  std::optional<Cause> cause;
  std::optional<std::string> origin;
  std::optional<std::string> request_id;
  std::optional<std::string> request_id_prefix;
  [[nodiscard]] bool matches(const FailureRecord& record) const;
};

// Thread-safe. Bounded by number and by octets. Each origin's each cause has a
// share: where there is no room, the oldest record of the largest share goes,
// so that a flood of one failure overwrites itself and not the rare ones.
class RecentFailures {
 public:
  struct Limits {
    std::size_t records = 2000;
    std::size_t bytes = 8UL * 1024 * 1024;
  };
  RecentFailures() : RecentFailures(Limits{}, std::chrono::system_clock::now()) {}
  // Ids count on from `started` in microseconds.
  RecentFailures(Limits limits, std::chrono::system_clock::time_point started);

  // `line` is the event's JSON with its '\n'. Where it is full, this looks at
  // every share, of which there are at most as many as records.
  void add(const ExchangeEvent& event, std::string_view line);

  struct Page {
    std::vector<FailurePtr> records;  // oldest first
    std::uint64_t next = 0;           // to ask for what comes later
    std::uint64_t missed = 0;         // had come after `since`, in this run of the daemon, and are gone
    bool more = false;                // matching ones are left behind `next`
  };
  // Those after `since`, from the oldest on.
  [[nodiscard]] Page after(std::uint64_t since, const FailureFilter& filter, std::size_t limit) const;
  // The newest ones, at most `of_each` of each origin's each cause.
  [[nodiscard]] Page newest(const FailureFilter& filter, std::size_t limit,
                            std::size_t of_each = std::numeric_limits<std::size_t>::max()) const;
  // Those whose exchange began at `since` or later, from the oldest on.
  [[nodiscard]] Page startedSince(std::chrono::system_clock::time_point since, const FailureFilter& filter,
                                  std::size_t limit) const;
  [[nodiscard]] std::uint64_t lastId() const;

 private:
  struct Share {
    std::deque<std::uint64_t> ids;  // rising; never empty
    std::size_t bytes = 0;
  };
  using Kind = std::pair<std::string, std::optional<Cause>>;  // origin and cause
  using Records = std::map<std::uint64_t, FailurePtr>;

  // All under the lock.
  template <typename Wanted>
  [[nodiscard]] Page from(Records::const_iterator record, const Wanted& wanted, std::size_t limit) const;
  [[nodiscard]] bool tooMany() const { return records_.size() > limits_.records; }
  [[nodiscard]] FailurePtr dropOldestOfLargestShare();

  Limits limits_;
  mutable std::mutex mutex_;
  Records records_;  // by id; guarded by mutex_, as are those below
  std::map<Kind, Share> shares_;
  std::size_t bytes_ = 0;
  const std::uint64_t first_id_;
  std::uint64_t next_id_;
};

}  // namespace gatewhy
