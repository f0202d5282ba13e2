// SPDX-License-Identifier: Apache-2.0
// RAII over one libevent base and its thread. Everything here belongs to that
// thread, except for post() and stop().
//
// libevent waits, keeps the timer and wakes for other threads. The sockets are
// in an epoll set of their own, which it watches as one descriptor: it tells of
// a reset as "readable and writable", as it does of any data, and whoever stops
// at a short read has to know of the end behind it.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/epoll.h>

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

// One socket in the loop's epoll set: all events, edge-triggered, added
// once. The handler can be changed (connector -> connection -> pool), epoll is
// not touched by that. Stop before the descriptor is closed.
class IoWatch {
 public:
  IoWatch() = default;
  ~IoWatch() { stop(); }
  IoWatch(const IoWatch&) = delete;
  IoWatch& operator=(const IoWatch&) = delete;

  [[nodiscard]] bool start(EventLoop& loop, int fd, IoHandler* handler);  // false: errno says why
  // For those who do not read to EAGAIN: level-triggered, and only what was
  // asked for, which a second call may change.
  [[nodiscard]] bool startLevel(EventLoop& loop, int fd, IoHandler* handler, bool readable, bool writable);
  void setHandler(IoHandler* handler) noexcept { handler_ = handler; }
  void stop() noexcept;
  // Calls the handler again at the end of this turn of the loop, or of the
  // next one where that end has begun, as if the socket were readable: for
  // work left over by fairness or by a paused reader.
  void kick() noexcept;
  // The peer's FIN or RST has been announced, or an error of the socket; data
  // may still be unread. Nothing more will be announced: who stops at a short
  // read while this is true has lost the end.
  [[nodiscard]] bool peerClosed() const noexcept { return peer_closed_ || failed_; }
  // The last edge told of an error: the socket's own, or one that is queued (MSG_ERRQUEUE).
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // The loop's: what epoll told of the socket (EPOLLIN …).
  void onEvents(std::uint32_t events);

 private:
  friend class EventLoop;
  [[nodiscard]] bool add(EventLoop& loop, int fd, IoHandler* handler, std::uint32_t events);
  void tell(bool readable, bool writable);

  EventLoop* loop_ = nullptr;
  IoHandler* handler_ = nullptr;
  int fd_ = -1;
  bool started_ = false;
  bool kicked_ = false;
  bool peer_closed_ = false;
  bool failed_ = false;  // the last edge told of an error, which the next read or write will return
};

// A call that runs after the current callback returns, on the loop thread; its
// owner may die before that. Unlike EventLoop::post it takes no lock and no
// system call.
class DeferredCall {
 public:
  DeferredCall(EventLoop& loop, std::function<void()> call) : loop_(loop), call_(std::move(call)) {}
  ~DeferredCall();
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;

  void schedule();  // once per turn, however often it is asked for

 private:
  friend class EventLoop;
  EventLoop& loop_;
  std::function<void()> call_;
  bool scheduled_ = false;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop()
  void stop();  // any thread
  // One turn of run(): waits for whatever comes first, and serves all of it.
  void turn();
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

 private:
  friend class Deadline;
  friend class IoWatch;
  friend class DeferredCall;
  static constexpr std::size_t kBatch = 256;

  [[nodiscard]] Deadline::List& listOf(std::chrono::milliseconds duration);
  void armTimer();
  static void onSockets(evutil_socket_t epoll, short what, void* self);
  static void onWake(evutil_socket_t wake, short what, void* self);
  void serveKicks();
  void serveCalls();
  void serveDeadlines();
  void findEarliest();
  void servePosted();
  void bury();
  void forget(const IoWatch& watch) noexcept;
  void forget(const DeferredCall& call) noexcept;

  event_base* base_;
  Fd epoll_;
  Fd wake_fd_;
  event sockets_{}, wake_{}, timer_{};
  TimePoint timer_at_ = TimePoint::max();  // when timer_ goes off; max() = it is not armed
  bool running_ = false;
  TimePoint turn_{};
  TimePoint tick_at_ = TimePoint::max();                                     // the earliest deadline, or earlier
  std::unordered_map<std::int64_t, std::unique_ptr<Deadline::List>> lists_;  // by milliseconds
  // Of this turn; those from ready_at_ on are still to be served. What is
  // stopped meanwhile is struck out.
  std::array<epoll_event, kBatch> ready_{};
  std::size_t ready_at_ = 0, ready_end_ = 0;
  std::vector<IoWatch*> kicked_, kicking_;
  std::vector<DeferredCall*> calls_, calling_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::unique_ptr<Deferred>> graveyard_, dying_;
  std::array<char, 65536> read_buffer_{};
};

}  // namespace gatewhy
