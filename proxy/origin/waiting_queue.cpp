// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/waiting_queue.h"

#include <algorithm>

namespace gatewhy {

PoolWaiter::~PoolWaiter() {
  if (queued_in_ != nullptr) {
    queued_in_->leave(*this);
  }
  if (awaits_ != nullptr) {
    awaits_->leave(*this);
  }
}

WaitingQueue::~WaitingQueue() {
  for (auto* queue : {&whole_, &uploads_}) {
    while (!queue->empty()) {
      leave(*queue->front());
    }
  }
}

bool WaitingQueue::full(bool upload) const {
  return limit_ != 0 && (state_->waiting.load(std::memory_order_relaxed) >= limit_ ||
                         (upload && state_->waiting_uploads.load(std::memory_order_relaxed) >= (limit_ + 1) / 2));
}

void WaitingQueue::join(PoolWaiter& waiter, bool upload) {
  state_->waiting.fetch_add(1, std::memory_order_relaxed);
  state_->waiting_uploads.fetch_add(upload ? 1 : 0, std::memory_order_relaxed);
  waiter.queued_in_ = this;
  waiter.among_uploads_ = upload;
  waiter.ticket_ = next_ticket_++;
  auto& queue = queueOf(waiter);
  waiter.place_ = queue.insert(queue.end(), &waiter);
}

void WaitingQueue::leave(PoolWaiter& waiter) noexcept {
  if (waiter.queued_in_ != this) {
    return;
  }
  waiter.queued_in_ = nullptr;
  queueOf(waiter).erase(waiter.place_);
  state_->waiting.fetch_sub(1, std::memory_order_relaxed);
  state_->waiting_uploads.fetch_sub(waiter.among_uploads_ ? 1 : 0, std::memory_order_relaxed);
}

bool WaitingQueue::bodyArrived(PoolWaiter& waiter) {
  if (waiter.queued_in_ != this || !waiter.among_uploads_) {
    return false;
  }
  const auto later = [&](const PoolWaiter* other) { return other->ticket_ > waiter.ticket_; };
  whole_.splice(std::find_if(whole_.begin(), whole_.end(), later), uploads_, waiter.place_);
  waiter.among_uploads_ = false;
  state_->waiting_uploads.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool WaitingQueue::serveFrom(std::list<PoolWaiter*>& queue, Server& server) {
  for (auto at = queue.begin(); at != queue.end();) {
    PoolWaiter& waiter = **at++;
    const bool alone = server.waitsForOne(waiter);
    if (server.serve(waiter, waiter.among_uploads_)) {
      return true;
    }
    if (!alone) {
      return false;
    }
  }
  return false;
}

bool WaitingQueue::serveOne(Server& server) {
  PoolWaiter* const whole = whole_.empty() ? nullptr : whole_.front();
  PoolWaiter* const upload = uploads_.empty() ? nullptr : uploads_.front();
  if (upload != nullptr && (whole == nullptr || upload->ticket_ < whole->ticket_) && serveFrom(uploads_, server)) {
    return true;
  }
  return whole != nullptr && serveFrom(whole_, server);
}

}  // namespace gatewhy
