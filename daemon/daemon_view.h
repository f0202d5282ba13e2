// SPDX-License-Identifier: Apache-2.0
// What the running daemon shows of itself: written by the supervisor and the
// workers, read by the admin thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/admin/recent_failures.h"
#include "daemon/file_watch.h"
#include "daemon/log/event_log.h"
#include "daemon/metrics/worker_metrics.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/worker.h"

namespace gatewhy {

enum class Readiness : std::uint8_t { Starting, Ready, Draining };

// How the last reload went; number 0: there was none yet.
struct ReloadReport {
  std::uint64_t number = 0;
  bool applied = true;
  std::string message;
  std::vector<std::string> problems;  // errors where it was refused, else warnings
};

struct DaemonView {
  std::atomic<Readiness> readiness{Readiness::Starting};
  ProxyCounters counters;
  RecentFailures failures;
  std::atomic<std::uint64_t> streams_missed{0};  // failures that slow readers of the stream did not get
  RenewalCounts renewals;
  std::atomic<bool> reloading{false};
  std::atomic<std::int64_t> reloaded_at{0};  // the last successful load, Unix seconds
  const std::chrono::system_clock::time_point started = std::chrono::system_clock::now();

  // Set before the admin thread begins, then constant.
  const EventLog* log = nullptr;
  std::string config_file;                              // absolute path; "" where there is none
  std::vector<std::unique_ptr<WorkerMetrics>> metrics;  // by worker
  // Asks the workers; what does not answer within a moment is left out.
  std::function<std::vector<ParkedCount>()> count_parked;
  std::function<void()> request_reload;             // as SIGHUP; returns at once
  std::function<void(const LifecycleEvent&)> tell;  // writes to the log

  [[nodiscard]] GenerationPtr generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  void setGeneration(GenerationPtr generation) {
    reloaded_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::lock_guard lock(mutex_);
    std::erase_if(retired_, [](const auto& old) { return old.expired(); });
    if (generation_) {
      retired_.push_back(generation_);
    }
    generation_ = std::move(generation);
  }
  // Configurations in memory: the one in force, and those on which exchanges
  // or tunnels still run.
  [[nodiscard]] std::size_t generations() const {
    const std::lock_guard lock(mutex_);
    return 1 + static_cast<std::size_t>(
                   std::count_if(retired_.begin(), retired_.end(), [](const auto& old) { return !old.expired(); }));
  }

  [[nodiscard]] ReloadReport lastReload() const {
    const std::lock_guard lock(mutex_);
    return reload_;
  }
  void noteReload(bool applied, std::string message, std::vector<std::string> problems) {
    const std::lock_guard lock(mutex_);
    reload_ = {.number = reload_.number + 1,
               .applied = applied,
               .message = std::move(message),
               .problems = std::move(problems)};
  }

 private:
  mutable std::mutex mutex_;
  GenerationPtr generation_;                              // guarded by mutex_
  std::vector<std::weak_ptr<const Generation>> retired_;  // guarded by mutex_
  ReloadReport reload_;                                   // guarded by mutex_
};

}  // namespace gatewhy
