// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker_sink.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kFlushInterval{50};
// A failure is to be seen at once, but an origin that is down fails thousands
// of times a second: what comes within this time wakes the writer once.
constexpr std::chrono::milliseconds kUrgentTick{2};

}  // namespace

void WorkerSink::attach(EventLoop& loop) {
  tick_.emplace(loop, [this] {
    hurried_ = false;
    batch_.tick();
  });
}

void WorkerSink::onExchange(const ExchangeEvent& event) {
  metrics_.record(event);  // before anybody can read of it in the log
  if (event.outcome != Outcome::Success) {
    line_.clear();
    appendJson(line_, event);
    failures_.add(event, line_.view());
    batch_.append(event, line_.view());
  } else if (settings_.failures_only.load(std::memory_order_relaxed)) {
    return;
  } else if (event.told_findings.empty() && event.attempts <= 1) {
    constexpr std::uint32_t kAll = 100;
    batch_.append(event, {}, static_cast<std::uint32_t>(random_() % kAll));
  } else {
    batch_.append(event);
  }
  if (batch_.urgent() && !hurried_) {
    hurried_ = true;
    tick_->arm(kUrgentTick);
  } else if (!tick_->armed()) {
    tick_->arm(kFlushInterval);
  }
}

void WorkerSink::onLifecycle(const LifecycleEvent& event) {
  batch_.append(event);
}

}  // namespace gatewhy
