// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>

#include "daemon/event_log.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

// Settings of the log that a reload may change (shared by all workers).
struct LogSettings {
  std::atomic<bool> failures_only{false};
};

// One worker's way to the event log: its batch, handed over every 50 ms while
// there is something in it, and within a few where that is a failure.
class WorkerSink final : public EventSink {
 public:
  WorkerSink(EventLog& log, const LogSettings& settings) : batch_(log), settings_(settings) {}

  void attach(EventLoop& loop) override;
  void onExchange(const ExchangeEvent& event) override;
  void onLifecycle(const LifecycleEvent& event) override;

 private:
  EventBatch batch_;
  const LogSettings& settings_;
  std::optional<Deadline> tick_;
  bool hurried_ = false;  // the tick comes soon, for a failure
};

}  // namespace gatewhy
