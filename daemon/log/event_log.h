// SPDX-License-Identifier: Apache-2.0
// The log: one event a line, as JSON unless configured otherwise, written by a thread of its own. Whoever
// produces lines never waits for a disk, a pipe's reader or the journal; when
// these cannot keep up, lines are dropped and counted.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "config/config.h"
#include "daemon/log/log_destination.h"
#include "daemon/log/log_queue.h"
#include "diagnostics/event_line.h"
#include "diagnostics/result.h"

namespace gatewhy {

struct EventLogOptions {
  std::string destination = "stderr";  // stderr | stdout | journald | a path
  EventFormat format = EventFormat::Json;
  std::size_t queue_bytes = 8UL * 1024 * 1024;  // held in memory, being written included
};

// The form of events that the configuration asks for. The journal takes JSON
// only. `from_file`: whoever started the daemon wrote a configuration, and is
// not trying it out.
[[nodiscard]] EventFormat eventFormat(const LogConfig& config, bool from_file);

// Thread-safe. Must outlive its batches and its message logger.
class EventLog {
 public:
  // The error says what could not be opened.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>, std::string> open(const EventLogOptions& options);
  // For destinations of other kinds.
  EventLog(std::unique_ptr<LogDestination> destination, std::size_t queue_bytes,
           EventFormat format = EventFormat::Json);
  // Flushes for at most a second; what cannot be written by then is lost.
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // `finished_lines` are whole lines, each with its '\n'. Urgent lines are
  // written at once, others within 50 ms.
  void write(std::string_view finished_lines, bool urgent);
  // Formats with the current time and writes at once.
  void write(const LifecycleEvent& event);

  // The instance that lifecycle events and messages name from now on.
  void setInstance(std::string name);
  // One line, finished, as of now.
  [[nodiscard]] std::string format(const LifecycleEvent& event, std::chrono::system_clock::time_point when) const;

  // Files: continue in the file that the path names now (after a rotation by
  // renaming). Not for signal handlers: it takes a lock.
  void reopen();
  [[nodiscard]] EventFormat lineFormat() const noexcept { return format_; }
  // Waits until everything written so far is out; false if that took longer.
  bool flush(std::chrono::milliseconds timeout);

  [[nodiscard]] std::uint64_t dropped() const noexcept;      // lines
  [[nodiscard]] std::uint64_t writeErrors() const noexcept;  // failed system calls

 private:
  const EventFormat format_;
  std::shared_ptr<LogQueue> queue_;  // shared with the thread, which may be left behind in a dead file system
  std::thread thread_;
};

// One worker's lines on their way to the log. Not thread-safe.
class EventBatch {
 public:
  explicit EventBatch(EventLog& log);
  ~EventBatch() { handOver(); }
  EventBatch(const EventBatch&) = delete;
  EventBatch& operator=(const EventBatch&) = delete;

  // Formats the event. Handed over when 64 KiB have gathered.
  void append(const ExchangeEvent& event);
  // The same where the caller has formatted the event already.
  void append(const ExchangeEvent& event, std::string_view line);
  // Any other line, formatted already. An urgent one is handed over at once.
  void append(std::string_view line, bool urgent);
  // At once.
  void append(const LifecycleEvent& event);
  // Hands over what is there: to be called every 50 ms or so, and soon where
  // urgent() says that a failure waits.
  void tick() { handOver(); }
  [[nodiscard]] bool urgent() const noexcept { return urgent_; }

 private:
  void handOver();

  EventLog& log_;
  bool urgent_ = false;
  TextBuffer lines_;
};

// A logger for the daemon's own messages: each becomes a line with the event
// "message" in the same stream.
[[nodiscard]] std::shared_ptr<spdlog::logger> makeMessageLogger(EventLog& log, LogLevel level);

}  // namespace gatewhy
