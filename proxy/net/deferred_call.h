// SPDX-License-Identifier: Apache-2.0
// A call that runs after the current callback returns, on the loop thread;
// its owner may die before that. Unlike EventLoop::post it takes no lock and
// no system call.
#pragma once

#include <functional>
#include <utility>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class DeferredCall {
 public:
  DeferredCall(EventLoop& loop, std::function<void()> call) : call_(std::move(call)) {
    event_assign(&event_, loop.base(), -1, 0, &DeferredCall::run, this);
  }
  ~DeferredCall() { event_del(&event_); }
  DeferredCall(const DeferredCall&) = delete;
  DeferredCall& operator=(const DeferredCall&) = delete;

  // Once per turn, however often it is asked for.
  void schedule() { event_active(&event_, EV_TIMEOUT, 0); }

 private:
  static void run(evutil_socket_t, short, void* self) { static_cast<DeferredCall*>(self)->call_(); }

  event event_{};
  std::function<void()> call_;
};

}  // namespace gatewhy
