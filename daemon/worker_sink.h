// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "daemon/admin/recent_failures.h"
#include "daemon/log/event_log.h"
#include "daemon/metrics/worker_metrics.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/loop/random.h"

namespace gatewhy {

// Settings of the log that a reload may change (shared by all workers).
struct LogSettings {
  std::atomic<bool> failures_only{false};
};

// Where one worker's events go: they are counted, failures are kept for people
// who ask, and the log gets its line, in batches handed over every 50 ms while
// there is something in them, and within a few where that is a failure.
class WorkerSink final : public EventSink {
 public:
  // All must outlive it.
  WorkerSink(EventLog& log, const LogSettings& settings, WorkerMetrics& metrics, RecentFailures& failures)
      : batch_(log), settings_(settings), metrics_(metrics), failures_(failures) {}

  void attach(EventLoop& loop) override;
  void onExchange(const ExchangeEvent& event) override;
  void onLifecycle(const LifecycleEvent& event) override;

 private:
  EventBatch batch_;
  const LogSettings& settings_;
  WorkerMetrics& metrics_;
  RecentFailures& failures_;
  TextBuffer line_;  // of a failure, as JSON
  Random random_ = Random::seeded();
  std::optional<Deadline> tick_;
  bool hurried_ = false;  // the tick comes soon, for a failure
};

}  // namespace gatewhy
