// SPDX-License-Identifier: Apache-2.0
// One destination of the log with all that is its own: its queue, its thread,
// and its spool where it has one. What happens to it concerns no other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "config/config.h"
#include "daemon/log/log_destination.h"
#include "daemon/log/log_queue.h"
#include "daemon/log/log_writer.h"
#include "daemon/log/spool.h"
#include "diagnostics/event_line.h"
#include "diagnostics/result.h"

namespace gatewhy {

// How long a destination may take nothing before a stop goes on without it.
[[nodiscard]] std::chrono::milliseconds stopTime(const LogTarget& target);

// For metrics and the admin API.
struct LogSinkState {
  std::string name;           // of the destination, without names and passwords
  std::uint64_t dropped = 0;  // lines
  std::uint64_t errors = 0;   // failed writes
  std::uint64_t waiting = 0;  // bytes in the spool on disk
};

// Thread-safe but for construction and destruction.
class LogSink {
 public:
  struct Options {
    EventFormat format = EventFormat::Json;
    std::size_t queue_bytes = 0;
    std::uint32_t success_percent = 100;
    std::string boot;              // where lines are numbered
    bool fleet = false;            // others of a fleet read it
    std::unique_ptr<Spool> spool;  // or null
    std::chrono::milliseconds stop_time = LogWriter::kStopTime;
  };
  LogSink(std::unique_ptr<LogDestination> destination, Options options);
  // The error says what could not be opened.
  [[nodiscard]] static Result<std::unique_ptr<LogSink>, std::string> open(const LogTarget& target, EventFormat format,
                                                                          const std::string& boot);
  // Flushes for at most `stop_time` of silence; what cannot be written by then
  // is lost, or stays in the spool.
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  [[nodiscard]] EventFormat format() const noexcept { return format_; }
  // Of exchanges with nothing to say.
  [[nodiscard]] std::uint32_t successPercent() const noexcept { return percent_.load(std::memory_order_relaxed); }
  void setSuccessPercent(std::uint32_t percent) noexcept { percent_.store(percent, std::memory_order_relaxed); }

  // Whether others look there for signs of life.
  [[nodiscard]] bool inFleet() const noexcept { return fleet_; }

  void push(std::string_view lines, std::uint64_t count, bool urgent) { queue_->push(lines, count, urgent); }
  void setInstance(std::string name) { queue_->setInstance(std::move(name)); }
  [[nodiscard]] std::string instance() const { return queue_->instance(); }
  void reopen() { queue_->requestReopen(); }
  bool flush(std::chrono::milliseconds timeout) { return queue_->flush(timeout); }
  void requestStop() { queue_->requestStop(); }
  [[nodiscard]] LogSinkState state() const;

 private:
  void start(std::thread& thread, std::string_view name, std::function<void()> work);
  void end(std::thread& thread, bool stopped);

  const std::string name_;
  const EventFormat format_;
  const bool fleet_;
  const std::chrono::milliseconds stop_time_;
  std::atomic<std::uint32_t> percent_;
  // Shared with the threads, which may be left behind in a dead file system or
  // in a library that waits for a network.
  std::shared_ptr<LogQueue> queue_;
  std::shared_ptr<Spool> spool_;  // null: the writer's destination is the sink's own
  std::thread writer_;
  std::thread sender_;  // from the spool to the destination
};

}  // namespace gatewhy
