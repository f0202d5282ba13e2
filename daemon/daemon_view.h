// SPDX-License-Identifier: Apache-2.0
// What the running daemon shows of itself: written by the supervisor and the
// workers, read by the admin thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/event_log.h"
#include "daemon/recent_failures.h"
#include "daemon/worker_metrics.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/worker.h"

namespace gatewhy {

enum class Readiness : std::uint8_t { Starting, Ready, Draining };

struct DaemonView {
  std::atomic<Readiness> readiness{Readiness::Starting};
  ProxyCounters counters;
  RecentFailures failures;
  std::atomic<std::uint64_t> streams_missed{0};  // failures that slow readers of the stream did not get
  std::atomic<bool> reload_successful{true};     // the start counts as the first load
  std::atomic<std::int64_t> reloaded_at{0};      // the last successful load, Unix seconds
  const std::chrono::system_clock::time_point started = std::chrono::system_clock::now();

  // Set before the admin thread begins, then constant.
  const EventLog* log = nullptr;
  std::vector<std::unique_ptr<WorkerMetrics>> metrics;  // by worker
  // Asks the workers; what does not answer within a moment is left out.
  std::function<std::vector<ParkedCount>()> count_parked;

  [[nodiscard]] GenerationPtr generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  void setGeneration(GenerationPtr generation) {
    reloaded_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::lock_guard lock(mutex_);
    generation_ = std::move(generation);
  }

 private:
  mutable std::mutex mutex_;
  GenerationPtr generation_;  // guarded by mutex_
};

}  // namespace gatewhy
