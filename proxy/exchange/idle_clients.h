// SPDX-License-Identifier: Apache-2.0
// Clients that wait for nothing: kept-alive ones between two requests, and
// those that have not said a byte yet. Where places run out, the one that has
// been so longest, whichever worker has it, gives way to a newcomer.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class IdleClients;

// Embedded in what can be idle. Leaves the list when destroyed.
class IdleClient {
 public:
  IdleClient(const IdleClient&) = delete;
  IdleClient& operator=(const IdleClient&) = delete;
  // Closes its connection at once. False: it has spoken, only nobody has read
  // it yet; it is idle no longer.
  [[nodiscard]] virtual bool giveWay() = 0;

 protected:
  IdleClient() = default;
  virtual ~IdleClient();
  [[nodiscard]] bool idle() const noexcept { return list_ != nullptr; }

 private:
  friend class IdleClients;
  IdleClients* list_ = nullptr;
  IdleClient* earlier_ = nullptr;
  IdleClient* later_ = nullptr;
  TimePoint since_{};
};

// One worker's, longest first. Its thread only, but for longestSince().
class alignas(64) IdleClients {
 public:
  explicit IdleClients(EventLoop& loop) : loop_(loop) {}

  void add(IdleClient& client, TimePoint now) noexcept;  // is idle since `now`, which never goes back
  void remove(IdleClient& client) noexcept;              // no matter whether it is here
  // Has the longest idle close. False: nobody is idle.
  bool giveWay();
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // Any thread: when the longest idle became so; max() where there is none.
  [[nodiscard]] TimePoint longestSince() const noexcept {
    return TimePoint(TimePoint::duration(longest_since_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }

 private:
  void publish() noexcept;

  EventLoop& loop_;
  IdleClient* first_ = nullptr;
  IdleClient* last_ = nullptr;
  std::size_t size_ = 0;
  std::atomic<TimePoint::rep> longest_since_{TimePoint::max().time_since_epoch().count()};
};

// Those of all workers, whose loops it outlives. They are enrolled before the
// first one runs.
class IdleEverywhere {
 public:
  enum class Room : std::uint8_t { None, Here, Elsewhere /* soon: another worker was asked */ };

  [[nodiscard]] IdleClients& enrol(EventLoop& loop) {
    const std::lock_guard lock(mutex_);
    return workers_.emplace_back(loop);
  }
  // Has the longest idle client of all give way. On the thread of `mine`.
  [[nodiscard]] Room makeRoom(IdleClients& mine);
  // Likewise, but the one of `mine` that became idle last stays: it has just come.
  [[nodiscard]] Room makeRoomForNewest(IdleClients& mine);

 private:
  std::mutex mutex_;  // of enrolment
  std::deque<IdleClients> workers_;
};

}  // namespace gatewhy
