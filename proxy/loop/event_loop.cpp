// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace gatewhy {
namespace {

// Deadlines begin at the turn's time, which is a little earlier than the call:
// none may run out before its time for that.
constexpr std::chrono::milliseconds kTurnSlack{1};

}  // namespace

// Timers of one duration, in deadline order: the head is always the earliest.
struct Deadline::List {
  std::chrono::milliseconds duration{};
  Deadline* head = nullptr;
  Deadline* tail = nullptr;
};

void Deadline::arm(std::chrono::milliseconds after) {
  cancel();
  if (after.count() <= 0) {
    return;
  }
  if (list_ == nullptr || list_->duration != after) {
    std::swap(list_, other_list_);
  }
  if (list_ == nullptr || list_->duration != after) {
    list_ = &loop_.listOf(after);
  }
  armed_ = true;
  deadline_ = loop_.turnTime() + after + kTurnSlack;
  prev_ = list_->tail;
  next_ = nullptr;
  (prev_ != nullptr ? prev_->next_ : list_->head) = this;
  list_->tail = this;
  loop_.tick_at_ = std::min(loop_.tick_at_, deadline_);
}

void Deadline::cancel() noexcept {
  if (!armed_) {
    return;
  }
  armed_ = false;
  (prev_ != nullptr ? prev_->next_ : list_->head) = next_;
  (next_ != nullptr ? next_->prev_ : list_->tail) = prev_;
  prev_ = next_ = nullptr;
}

bool IoWatch::start(EventLoop& loop, int fd, IoHandler* handler) {
  // With EPOLLRDHUP a FIN wakes even a reader that has stopped reading.
  return add(loop, fd, handler, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool IoWatch::startLevel(EventLoop& loop, int fd, IoHandler* handler, bool readable, bool writable) {
  return add(loop, fd, handler, (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U));
}

bool IoWatch::add(EventLoop& loop, int fd, IoHandler* handler, std::uint32_t events) {
  stop();
  peer_closed_ = failed_ = false;
  loop_ = &loop;
  fd_ = fd;
  epoll_event event{.events = events, .data = {.ptr = this}};
  started_ = ::epoll_ctl(loop.epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  handler_ = started_ ? handler : nullptr;
  return started_;
}

void IoWatch::stop() noexcept {
  if (started_) {
    ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
    loop_->forget(*this);
    started_ = kicked_ = false;
  }
  handler_ = nullptr;
}

void IoWatch::kick() noexcept {
  if (started_ && !kicked_) {
    kicked_ = true;
    loop_->kicked_.push_back(this);
  }
}

void IoWatch::onEvents(std::uint32_t events) {
  // A FIN and a hang-up are states and stay; an error is told once, and to
  // whoever reads next. A reset is both.
  peer_closed_ = peer_closed_ || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  failed_ = (events & EPOLLERR) != 0;
  const bool readable = kicked_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  kicked_ = false;
  tell(readable, (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0);
}

void IoWatch::tell(bool readable, bool writable) {
  if (handler_ != nullptr) {
    EventLoop& loop = *loop_;
    loop.turn_ = EventLoop::now();
    handler_->onIo(readable, writable);  // the watch's last word: it may be gone
    loop.turn_ = TimePoint{};
  }
}

DeferredCall::~DeferredCall() {
  if (scheduled_) {
    loop_.forget(*this);
  }
}

void DeferredCall::schedule() {
  if (!scheduled_) {
    scheduled_ = true;
    loop_.calls_.push_back(this);
  }
}

EventLoop::EventLoop()
    : base_(event_base_new()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  const auto watched = [this](event& watch, const Fd& fd, event_callback_fn callback) {
    return fd.valid() && event_assign(&watch, base_, fd.get(), EV_READ | EV_PERSIST, callback, this) == 0 &&
           event_add(&watch, nullptr) == 0;
  };
  // It ends the wait, and turn() looks at the deadlines. libevent's clock is
  // coarse: the timer may go off a little early, and is armed again then.
  const auto went_off = [](evutil_socket_t, short, void* self) {
    static_cast<EventLoop*>(self)->timer_at_ = TimePoint::max();
  };
  if (base_ == nullptr || !watched(sockets_, epoll_, onSockets) || !watched(wake_, wake_fd_, onWake) ||
      evtimer_assign(&timer_, base_, went_off, this) != 0) {
    throw std::system_error(errno, std::generic_category(), "event loop");  // start-up only
  }
}

EventLoop::~EventLoop() {
  while (!graveyard_.empty()) {
    bury();
  }
  for (event* watch : {&sockets_, &wake_, &timer_}) {
    event_del(watch);
  }
  event_base_free(base_);
}

void EventLoop::run() {
  running_ = true;
  while (running_) {
    turn();
  }
}

void EventLoop::stop() {
  post([this] { running_ = false; });
}

// The order is that of causes: what sockets brought, what was put off while
// they were served, what ran out meanwhile, and last the dead.
void EventLoop::turn() {
  armTimer();
  const bool more = !kicked_.empty() || !calls_.empty() || !graveyard_.empty();
  // ONCE in any case: libevent alone would go on while sockets are ready, and
  // on a busy worker that is for long.
  event_base_loop(base_, more ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
  serveKicks();
  serveCalls();
  serveDeadlines();
  bury();
}

// Moved only where the earliest deadline is another: many are armed and
// cancelled behind it.
void EventLoop::armTimer() {
  if (tick_at_ == timer_at_) {
    return;
  }
  timer_at_ = tick_at_;
  if (timer_at_ == TimePoint::max()) {
    event_del(&timer_);
    return;
  }
  // Rounded up: a deadline must have passed when its turn comes.
  const auto wait =
      std::max(std::chrono::ceil<std::chrono::milliseconds>(timer_at_ - now()), std::chrono::milliseconds::zero());
  const timeval after{.tv_sec = static_cast<time_t>(wait.count() / 1000),
                      .tv_usec = static_cast<suseconds_t>(wait.count() % 1000 * 1000)};
  event_add(&timer_, &after);
}

void EventLoop::onSockets(evutil_socket_t epoll, short /*what*/, void* self) {
  EventLoop& loop = *static_cast<EventLoop*>(self);
  const int count = ::epoll_wait(epoll, loop.ready_.data(), static_cast<int>(loop.ready_.size()), 0);
  loop.ready_at_ = 0;
  loop.ready_end_ = static_cast<std::size_t>(std::max(count, 0));  // -1: a signal came
  while (loop.ready_at_ < loop.ready_end_) {
    const epoll_event& ready = loop.ready_[loop.ready_at_++];
    if (ready.data.ptr != nullptr) {  // else struck out
      static_cast<IoWatch*>(ready.data.ptr)->onEvents(ready.events);
    }
  }
}

void EventLoop::onWake(evutil_socket_t /*wake*/, short /*what*/, void* self) {
  static_cast<EventLoop*>(self)->servePosted();
}

// Those that are kicked again meanwhile come after the sockets of another turn.
void EventLoop::serveKicks() {
  kicking_.swap(kicked_);
  for (std::size_t i = 0; i < kicking_.size(); ++i) {
    IoWatch* const watch = kicking_[i];
    if (watch != nullptr && watch->kicked_) {  // else an edge came first
      kicking_[i] = nullptr;
      watch->kicked_ = false;
      watch->tell(true, false);
    }
  }
  kicking_.clear();
}

void EventLoop::serveCalls() {
  calling_.swap(calls_);
  for (std::size_t i = 0; i < calling_.size(); ++i) {
    DeferredCall* const call = calling_[i];
    if (call != nullptr) {
      calling_[i] = nullptr;
      call->scheduled_ = false;
      call->call_();  // its last word: it may be gone
    }
  }
  calling_.clear();
}

void EventLoop::forget(const IoWatch& watch) noexcept {
  for (std::size_t i = ready_at_; i < ready_end_; ++i) {
    if (ready_[i].data.ptr == &watch) {
      ready_[i] = {};
    }
  }
  for (auto* list : {&kicked_, &kicking_}) {
    std::replace(list->begin(), list->end(), const_cast<IoWatch*>(&watch), static_cast<IoWatch*>(nullptr));
  }
}

void EventLoop::forget(const DeferredCall& call) noexcept {
  for (auto* list : {&calls_, &calling_}) {
    std::replace(list->begin(), list->end(), const_cast<DeferredCall*>(&call), static_cast<DeferredCall*>(nullptr));
  }
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const auto written = ::write(wake_fd_.get(), &one, sizeof one);
}

void EventLoop::servePosted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = ::read(wake_fd_.get(), &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) {
    task();
  }
}

void EventLoop::deferDelete(std::unique_ptr<Deferred> object) {
  if (object) {
    graveyard_.push_back(std::move(object));
  }
}

// Destructors may bury more: that waits a turn.
void EventLoop::bury() {
  dying_.swap(graveyard_);
  dying_.clear();
}

Deadline::List& EventLoop::listOf(std::chrono::milliseconds duration) {
  auto& slot = lists_[duration.count()];
  if (!slot) {
    slot = std::make_unique<Deadline::List>();
    slot->duration = duration;
  }
  return *slot;
}

void EventLoop::findEarliest() {
  timer_at_ = tick_at_ = TimePoint::max();
  for (const auto& [duration, list] : lists_) {
    if (list->head != nullptr) {
      tick_at_ = std::min(tick_at_, list->head->deadline_);
    }
  }
}

void EventLoop::serveDeadlines() {
  if (tick_at_ == TimePoint::max()) {
    return;
  }
  const TimePoint time = now();
  if (time < tick_at_) {
    return;
  }
  // A callback may arm, cancel or create lists: collect the lists first, and
  // look at each head afresh after every callback.
  std::vector<Deadline::List*> lists;
  lists.reserve(lists_.size());
  for (const auto& [duration, list] : lists_) {
    lists.push_back(list.get());
  }
  for (Deadline::List* list : lists) {
    while (list->head != nullptr && list->head->deadline_ <= time) {
      Deadline* expired = list->head;
      expired->cancel();
      expired->on_expired_();
    }
  }
  findEarliest();
}

}  // namespace gatewhy
