// SPDX-License-Identifier: Apache-2.0
// The failures of the last minutes, kept for people who ask: `gatewhy why`,
// the admin API, the live page. Only failed and aborted exchanges come here,
// so a request that succeeds pays nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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
  [[nodiscard]] bool matches(const FailureRecord& record) const;
};

// Thread-safe. Bounded by number and by octets: the oldest go first.
class RecentFailures {
 public:
  struct Limits {
    std::size_t records = 2000;
    std::size_t bytes = 8UL * 1024 * 1024;
  };
  RecentFailures() : RecentFailures(Limits{}, std::chrono::system_clock::now()) {}
  // Ids count on from `started` in microseconds.
  RecentFailures(Limits limits, std::chrono::system_clock::time_point started);

  // `line` is the event's JSON with its '\n'.
  void add(const ExchangeEvent& event, std::string_view line);

  struct Page {
    std::vector<FailurePtr> records;  // oldest first
    std::uint64_t next = 0;           // to ask for what comes later
    std::uint64_t missed = 0;         // had come after `since` and are gone
    bool more = false;                // matching ones are left behind `next`
  };
  // Those after `since`, from the oldest on.
  [[nodiscard]] Page after(std::uint64_t since, const FailureFilter& filter, std::size_t limit) const;
  // The newest ones.
  [[nodiscard]] Page newest(const FailureFilter& filter, std::size_t limit) const;
  // Those whose exchange began at `since` or later, from the oldest on.
  [[nodiscard]] Page startedSince(std::chrono::system_clock::time_point since, const FailureFilter& filter,
                                  std::size_t limit) const;
  [[nodiscard]] std::uint64_t lastId() const;

 private:
  [[nodiscard]] Page from(std::size_t index, const FailureFilter& filter, std::size_t limit) const;  // under the lock

  Limits limits_;
  mutable std::mutex mutex_;
  std::deque<FailurePtr> records_;  // guarded by mutex_, as are the two below; ids without holes
  std::size_t bytes_ = 0;
  std::uint64_t next_id_;
};

}  // namespace gatewhy
