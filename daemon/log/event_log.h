// SPDX-License-Identifier: Apache-2.0
// The log: one event a line, as JSON unless configured otherwise, written to
// each of its destinations by a thread of that one's own. Whoever produces
// lines never waits for a disk, a pipe's reader or a network; where one of these
// cannot keep up, lines for it are dropped and counted.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "daemon/log/log_destination.h"
#include "daemon/log/log_sink.h"
#include "diagnostics/event_line.h"
#include "diagnostics/result.h"

namespace gatewhy {

// A log with one destination on this machine.
struct EventLogOptions {
  std::string destination = "stderr";  // stderr | stdout | journald | a path
  EventFormat format = EventFormat::Json;
  std::size_t queue_bytes = 8UL * 1024 * 1024;  // held in memory, being written included
};

// The form of events that the configuration asks for. Some destinations take
// JSON only. `from_file`: whoever started the daemon wrote a configuration, and
// is not trying it out.
[[nodiscard]] EventFormat eventFormat(const LogTarget& target, bool from_file);

// Eight hexadecimal digits, different in each process: with the instance and a
// number it names an event (docs/events.md).
[[nodiscard]] const std::string& bootId();

// Thread-safe. Must outlive its batches and its message logger.
class EventLog {
 public:
  // The error says what could not be opened.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>, std::string> open(const EventLogOptions& options);
  // All of them, or none.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>, std::string> open(const std::vector<LogTarget>& targets,
                                                                           bool from_file);
  explicit EventLog(std::vector<std::unique_ptr<LogSink>> sinks);
  // For destinations of other kinds.
  EventLog(std::unique_ptr<LogDestination> destination, std::size_t queue_bytes,
           EventFormat format = EventFormat::Json);
  // Flushes for at most a second; what cannot be written by then is lost.
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // `finished_lines` are whole lines, each with its '\n', and go to every
  // destination as they are. Urgent lines are written at once, others within 50 ms.
  void write(std::string_view finished_lines, bool urgent);
  // Formatted for each destination, with the current time or another, and
  // written at once unless it is not urgent.
  void write(const LifecycleEvent& event);
  void write(const LifecycleEvent& event, std::chrono::system_clock::time_point when, bool urgent);

  // To those destinations alone that a fleet reads (nats://).
  void writeToFleet(const LifecycleEvent& event);
  [[nodiscard]] bool inFleet() const;

  // The instance that lifecycle events and messages name from now on.
  void setInstance(const std::string& name);
  // Files: continue in the file that the path names now (after a rotation by
  // renaming). Not for signal handlers: it takes a lock.
  void reopen();
  // Waits until everything written so far is out; false if that took longer.
  bool flush(std::chrono::milliseconds timeout);

  // One for each destination, in the order of the configuration.
  [[nodiscard]] const std::vector<std::unique_ptr<LogSink>>& sinks() const noexcept { return sinks_; }
  [[nodiscard]] std::vector<LogSinkState> states() const;
  // Over all of them.
  [[nodiscard]] std::uint64_t dropped() const;      // lines
  [[nodiscard]] std::uint64_t writeErrors() const;  // failed writes

 private:
  static void writeTo(LogSink& sink, const LifecycleEvent& event, std::chrono::system_clock::time_point when,
                      bool urgent);
  std::vector<std::unique_ptr<LogSink>> sinks_;
};

// One worker's lines on their way to the log. Not thread-safe.
class EventBatch {
 public:
  explicit EventBatch(EventLog& log);
  ~EventBatch() { handOver(); }
  EventBatch(const EventBatch&) = delete;
  EventBatch& operator=(const EventBatch&) = delete;

  // Formats the event, once in each form that is asked for. Handed over when 64
  // KiB have gathered. `json`: its line as JSON where the caller has that
  // already. `draw`, from 0 to 99, for an event that may be left out: it goes
  // to the destinations whose share is greater.
  void append(const ExchangeEvent& event, std::string_view json = {}, std::optional<std::uint32_t> draw = {});
  // At once.
  void append(const LifecycleEvent& event);
  // Hands over what is there: to be called every 50 ms or so, and soon where
  // urgent() says that a failure waits.
  void tick() { handOver(); }
  [[nodiscard]] bool urgent() const noexcept { return urgent_; }

 private:
  // What waits for one destination.
  struct Part {
    LogSink& sink;
    TextBuffer lines;
    std::uint64_t count = 0;
  };
  void appendTo(Part& part, const ExchangeEvent& event, std::string_view json);
  void handOver();
  void handOver(Part& part) const;

  EventLog& log_;
  bool urgent_ = false;
  std::vector<Part> parts_;     // in the order of the log's sinks
  std::string_view formatted_;  // the event that append() is about, in the form of `formatted_as_`
  EventFormat formatted_as_ = EventFormat::Json;
};

// A logger for the daemon's own messages: each becomes a line with the event
// "message" in the same stream.
[[nodiscard]] std::shared_ptr<spdlog::logger> makeMessageLogger(EventLog& log, LogLevel level);

}  // namespace gatewhy
