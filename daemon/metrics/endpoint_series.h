// SPDX-License-Identifier: Apache-2.0
// What tries at an endpoint came to. An exchange that a retry saved is a
// success to its client, and a failure of the endpoint that it had to leave:
// that is counted here, and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/metrics/counters.h"
#include "diagnostics/cause.h"

namespace gatewhy {

struct EndpointFailure {
  std::chrono::system_clock::time_point timestamp;  // of the request's event
  std::string request_id;
  Cause cause = Cause::ProxyInternalError;
  bool rescued = false;  // another try answered the request after all
};

// The last failure, for people who ask. Any thread; taken on failures only.
class LastFailure {
 public:
  void note(EndpointFailure failure);
  [[nodiscard]] std::optional<EndpointFailure> read() const;

 private:
  mutable std::mutex mutex_;
  std::optional<EndpointFailure> last_;  // guarded by mutex_
};

// One worker's. What clients brought about counts as nothing at all.
struct EndpointSeries {
  std::string endpoint;  // its URL
  Counter answered;
  GrowingList<KeyedCounter<Cause>> failures;  // tries
  GrowingList<KeyedCounter<Cause>> rescued;   // of these, tries of exchanges that another try answered
  LastFailure last_failure;
};

// How an endpoint's tries ended. A connection that idled too long says nothing
// about the endpoint and is no failure here.
struct TryCounts {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  [[nodiscard]] double failingShare() const noexcept {
    return failed == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(answered + failed);
  }
};

// All workers' added up.
struct EndpointTotals {
  std::uint64_t answered = 0;
  std::map<Cause, std::uint64_t> failures, rescued;
  std::optional<EndpointFailure> last_failure;

  void add(const EndpointSeries& series);
  [[nodiscard]] TryCounts tries() const;
};

}  // namespace gatewhy
