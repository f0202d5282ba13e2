// SPDX-License-Identifier: Apache-2.0
// How long an endpoint keeps idle connections: `keep_alive.timeout: auto`
// learns it from when it closes them and from what it says, and stays below.
//
// A server that restarts closes all connections at one moment, whatever their
// age. So closings within a quarter of a second are one lesson, and the longer
// of the last two counts. One idle connection past the limit is kept, and used
// for nothing but to see when the endpoint closes it: that corrects a limit
// which was taken for too short.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class IdleLesson {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kCautious{4000};  // before anything is known: below what usual servers grant
  static constexpr Milliseconds kLongest{60000};  // a connection is not kept longer, whatever is granted
  // A connection that is watched for so long without being closed says enough.
  static constexpr Milliseconds kWatched{66000};

  enum class Source : std::uint8_t { None, Closed, Said, Stale };

  // Any thread. The endpoint closed an idle connection, or it was watched to its end.
  void noteClosed(Milliseconds idle, TimePoint now);
  // A request found its connection closed: it was idle too long, if that happens again.
  void noteStale(Milliseconds idle, TimePoint now);
  // The value of a Keep-Alive field, "timeout=5, max=100" (RFC 2068 section 19.7.1.1).
  void noteSaid(std::string_view keep_alive) noexcept;

  struct Limit {
    Milliseconds value{0};  // what the endpoint grants
    Source source = Source::None;
  };
  // nullopt: not known yet.
  [[nodiscard]] std::optional<Limit> limit(TimePoint now) const noexcept;
  // How long to keep an idle connection: at least a millisecond, at most kLongest.
  [[nodiscard]] Milliseconds timeout(TimePoint now) const noexcept;

 private:
  // What happened at the last two moments.
  struct Moments {
    Milliseconds before{-1}, last{-1};
    TimePoint before_at{}, last_at{};
    void note(Milliseconds idle, TimePoint now);
  };
  std::mutex mutex_;
  Moments closed_moments_, stale_moments_;  // guarded by mutex_
  // -1: not known.
  std::atomic<std::int64_t> closed_ms_{-1}, said_ms_{-1}, stale_ms_{-1};
  std::atomic<TimePoint::rep> stale_until_{0};
};

// "closed", "said", "stale".
[[nodiscard]] std::string_view name(IdleLesson::Source source);

}  // namespace gatewhy
