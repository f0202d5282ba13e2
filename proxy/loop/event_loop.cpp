// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop/event_loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
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
  if (deadline_ < loop_.tick_at_) {
    loop_.rearm();
  }
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
  stop();
  peer_closed_ = false;
  loop_ = &loop;
  handler_ = handler;
  // EV_CLOSED asks for EPOLLRDHUP; with it a FIN wakes even a reader that has
  // stopped reading, and dispatch() reports it as readability.
  if (event_assign(&event_, loop.base(), fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, &IoWatch::dispatch,
                   this) != 0) {
    return false;
  }
  started_ = event_add(&event_, nullptr) == 0;
  return started_;
}

void IoWatch::stop() noexcept {
  if (started_) {
    event_del(&event_);
    started_ = false;
  }
  handler_ = nullptr;
}

void IoWatch::kick() noexcept {
  if (started_) {
    event_active(&event_, EV_READ, 0);
  }
}

void IoWatch::dispatch(evutil_socket_t /*fd*/, short what, void* self) {
  auto* watch = static_cast<IoWatch*>(self);
  watch->peer_closed_ = watch->peer_closed_ || (what & EV_CLOSED) != 0;
  if (watch->handler_ != nullptr) {
    EventLoop& loop = *watch->loop_;
    loop.turn_ = EventLoop::now();
    watch->handler_->onIo((what & (EV_READ | EV_CLOSED)) != 0,
                          (what & EV_WRITE) != 0);  // the watch's last word: it may be gone
    loop.turn_ = TimePoint{};
  }
}

EventLoop::EventLoop() : base_(nullptr), wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  event_config* config = event_config_new();
  if (config != nullptr) {
    // Deadlines are kept with steady_clock; libevent need not cache or check.
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
  }
  if (base_ == nullptr || !wake_fd_.valid()) {
    throw std::system_error(errno, std::generic_category(), "event loop");  // start-up only
  }
  evtimer_assign(
      &tick_, base_, [](evutil_socket_t, short, void* self) { static_cast<EventLoop*>(self)->onTick(); }, this);
  event_assign(
      &wake_, base_, wake_fd_.get(), EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<EventLoop*>(self)->onWake(); }, this);
  event_add(&wake_, nullptr);
  event_assign(
      &reap_, base_, -1, 0,
      [](evutil_socket_t, short, void* self) {
        // Destructors may bury more: take what is there, the rest waits a turn.
        auto& loop = *static_cast<EventLoop*>(self);
        loop.dying_.swap(loop.graveyard_);
        loop.dying_.clear();
      },
      this);
}

EventLoop::~EventLoop() {
  while (!graveyard_.empty()) {
    std::vector<std::unique_ptr<Deferred>> dead;
    dead.swap(graveyard_);
  }
  event_del(&tick_);
  event_del(&wake_);
  event_del(&reap_);
  event_base_free(base_);
}

void EventLoop::run() {
  event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
}

void EventLoop::stop() {
  post([this] { event_base_loopbreak(base_); });
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

void EventLoop::onWake() {
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
  if (!object) {
    return;
  }
  graveyard_.push_back(std::move(object));
  if (graveyard_.size() == 1) {
    // An event made active inside a callback runs after all callbacks that are
    // pending in this turn.
    event_active(&reap_, 0, 0);
  }
}

Deadline::List& EventLoop::listOf(std::chrono::milliseconds duration) {
  auto& slot = lists_[duration.count()];
  if (!slot) {
    slot = std::make_unique<Deadline::List>();
    slot->duration = duration;
  }
  return *slot;
}

void EventLoop::rearm() {
  TimePoint earliest = TimePoint::max();
  for (const auto& [duration, list] : lists_) {
    if (list->head != nullptr && list->head->deadline_ < earliest) {
      earliest = list->head->deadline_;
    }
  }
  tick_at_ = earliest;
  if (earliest == TimePoint::max()) {
    event_del(&tick_);
    return;
  }
  const auto wait = std::max(std::chrono::microseconds(0), std::chrono::duration_cast<std::chrono::microseconds>(
                                                               earliest - now() + std::chrono::microseconds(999)));
  timeval tv{};
  tv.tv_sec = static_cast<time_t>(wait.count() / 1000000);
  tv.tv_usec = static_cast<suseconds_t>(wait.count() % 1000000);
  event_add(&tick_, &tv);
}

void EventLoop::onTick() {
  const TimePoint time = now();
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
  tick_at_ = TimePoint::max();
  rearm();
}

}  // namespace gatewhy
