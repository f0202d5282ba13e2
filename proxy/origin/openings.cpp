// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/openings.h"

#include <algorithm>

#include "proxy/origin/waiting_queue.h"

namespace gatewhy {

Openings::~Openings() {
  while (takeBefore(next_ticket_) != nullptr) {
  }
}

bool Openings::join(PoolWaiter& waiter, std::uint32_t on_one) {
  if (waiting_.size() + running_ >= std::size_t{running_} * on_one) {
    ++running_;
    return true;
  }
  waiting_.push_back({.waiter = &waiter, .ticket = next_ticket_++});
  waiter.awaits_ = this;
  return false;
}

void Openings::leave(PoolWaiter& waiter) noexcept {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.waiter == &waiter; });
  waiter.awaits_ = nullptr;
}

void Openings::onOver() {
  --running_;
  if (!waiting_.empty()) {
    serve_.schedule();
  }
}

void Openings::onFailed(const std::vector<AddressFailure>& failures) {
  --running_;
  if (running_ != 0) {
    return;  // another may still do
  }
  const std::uint64_t until = next_ticket_;
  while (PoolWaiter* const waiter = takeBefore(until)) {
    waiter->onOpeningFailed(failures);
  }
}

// Each that finds no room joins again, behind those who were there.
void Openings::serve() {
  const std::uint64_t until = next_ticket_;
  while (PoolWaiter* const waiter = takeBefore(until)) {
    waiter->onOpened();
  }
}

PoolWaiter* Openings::takeBefore(std::uint64_t until) {
  if (waiting_.empty() || waiting_.front().ticket >= until) {
    return nullptr;
  }
  PoolWaiter* const waiter = waiting_.front().waiter;
  waiting_.pop_front();
  waiter->awaits_ = nullptr;
  return waiter;
}

}  // namespace gatewhy
