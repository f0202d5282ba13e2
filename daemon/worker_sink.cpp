// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker_sink.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kTick{50};

}  // namespace

void WorkerSink::attach(EventLoop& loop) {
  tick_.emplace(loop, [this] { batch_.tick(); });
}

void WorkerSink::onExchange(const ExchangeEvent& event) {
  if (event.outcome == Outcome::Success && settings_.failures_only.load(std::memory_order_relaxed)) {
    return;
  }
  batch_.append(event);
  if (!tick_->armed()) {
    tick_->arm(kTick);
  }
}

void WorkerSink::onLifecycle(const LifecycleEvent& event) {
  std::string line;
  appendJson(line, event, std::chrono::system_clock::now());
  batch_.append(line, true);
}

}  // namespace gatewhy
