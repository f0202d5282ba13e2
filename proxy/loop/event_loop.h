// SPDX-License-Identifier: Apache-2.0
// RAII over one libevent base. Everything here belongs to the loop's thread,
// but for post() and stop().
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "proxy/loop/fd.h"

namespace gatewhy {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

[[nodiscard]] inline double millisBetween(TimePoint from, TimePoint to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Anything that may have to outlive the callback that ends it.
class Deferred {
 public:
  virtual ~Deferred() = default;
};

class EventLoop;

// A deadline that its owner embeds. Timers of one duration form a list in
// deadline order, so arming and cancelling are O(1) and touch no heap; the
// loop keeps a single libevent timer for the earliest (see EventLoop). It runs
// out up to two milliseconds late, never early.
class Deadline {
 public:
  // The callback runs on the loop thread; it may destroy its timer's owner
  // only through EventLoop::deferDelete.
  Deadline(EventLoop& loop, std::function<void()> on_expired) : loop_(loop), on_expired_(std::move(on_expired)) {}
  ~Deadline() { cancel(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void arm(std::chrono::milliseconds after);  // replaces an earlier deadline; 0 = off, cancels
  void cancel() noexcept;
  [[nodiscard]] bool armed() const noexcept { return armed_; }

 private:
  friend class EventLoop;
  struct List;
  EventLoop& loop_;
  std::function<void()> on_expired_;
  TimePoint deadline_{};
  // Of the last duration, also while not armed, and of the one before it: what
  // waits in turn for a head and a body finds both without asking the loop.
  List* list_ = nullptr;
  List* other_list_ = nullptr;
  Deadline* prev_ = nullptr;
  Deadline* next_ = nullptr;
  bool armed_ = false;
};

// Told that a socket may have become readable or writable (edge-triggered).
class IoHandler {
 public:
  virtual void onIo(bool readable, bool writable) = 0;

 protected:
  ~IoHandler() = default;
};

// One libevent event per socket: READ|WRITE|ET|PERSIST, added once. The
// handler can be changed (connector -> connection -> pool), the event is not
// touched by that. Stop before the descriptor is closed.
class IoWatch {
 public:
  IoWatch() = default;
  ~IoWatch() { stop(); }
  IoWatch(const IoWatch&) = delete;
  IoWatch& operator=(const IoWatch&) = delete;

  [[nodiscard]] bool start(EventLoop& loop, int fd, IoHandler* handler);  // false: errno says why
  void setHandler(IoHandler* handler) noexcept { handler_ = handler; }
  void stop() noexcept;
  // Calls the handler again in a later turn, as if the socket were readable:
  // for work left over by fairness or by a paused reader.
  void kick() noexcept;
  // The peer's FIN has been announced (EPOLLRDHUP); data may still be unread.
  [[nodiscard]] bool peerClosed() const noexcept { return peer_closed_; }

 private:
  static void dispatch(evutil_socket_t fd, short what, void* self);
  event event_{};
  EventLoop* loop_ = nullptr;
  IoHandler* handler_ = nullptr;
  bool started_ = false;
  bool peer_closed_ = false;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop()
  void stop();  // any thread
  // Runs `task` on the loop thread, later. Any thread; takes a lock and a
  // system call, so not for the hot path.
  void post(std::function<void()> task);

  // Destroys `object` in a later turn of the loop, after every callback of
  // this one.
  void deferDelete(std::unique_ptr<Deferred> object);

  [[nodiscard]] static TimePoint now() { return Clock::now(); }
  // When the socket callback that is running began: one clock read for all
  // that happens at its beginning. Outside of one, now().
  [[nodiscard]] TimePoint turnTime() const { return turn_ == TimePoint{} ? now() : turn_; }
  // 64 KiB that whoever is reading may use until it returns to the loop.
  [[nodiscard]] std::span<char> readBuffer() noexcept { return read_buffer_; }
  [[nodiscard]] event_base* base() noexcept { return base_; }

 private:
  friend class Deadline;
  friend class IoWatch;
  [[nodiscard]] Deadline::List& listOf(std::chrono::milliseconds duration);
  void rearm();
  void onTick();
  void onWake();

  event_base* base_;
  TimePoint turn_{};
  event tick_{};
  TimePoint tick_at_ = TimePoint::max();
  std::unordered_map<std::int64_t, std::unique_ptr<Deadline::List>> lists_;  // by milliseconds
  event wake_{};
  Fd wake_fd_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  event reap_{};
  std::vector<std::unique_ptr<Deferred>> graveyard_, dying_;
  std::array<char, 65536> read_buffer_{};
};

}  // namespace gatewhy
