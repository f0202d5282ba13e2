// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/event_log.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "daemon/log/log_writer.h"

namespace gatewhy {
namespace {

constexpr std::size_t kBatchBytes = 64UL * 1024;
constexpr std::size_t kLongLine = 4096;  // room that a batch keeps beyond its limit

}  // namespace

EventFormat eventFormat(const LogConfig& config, bool from_file) {
  const int fd = config.destination == "stderr" ? STDERR_FILENO : config.destination == "stdout" ? STDOUT_FILENO : -1;
  const bool terminal = fd >= 0 && ::isatty(fd) == 1;
  // https://no-color.org
  const EventFormat text =
      terminal && std::getenv("NO_COLOR") == nullptr ? EventFormat::ColouredText : EventFormat::Text;
  if (config.destination == "journald") {
    return EventFormat::Json;
  }
  switch (config.format) {
    case LogFormat::Json:
      return EventFormat::Json;
    case LogFormat::Combined:
      return EventFormat::Combined;
    case LogFormat::Text:
      return text;
    case LogFormat::Auto:
      return terminal && !from_file ? text : EventFormat::Json;
  }
  return EventFormat::Json;
}

Result<std::unique_ptr<EventLog>, std::string> EventLog::open(const EventLogOptions& options) {
  auto destination = openLogDestination(options.destination);
  if (!destination) {
    return Failure<std::string>{destination.error()};
  }
  return std::make_unique<EventLog>(std::move(*destination), options.queue_bytes, options.format);
}

EventLog::EventLog(std::unique_ptr<LogDestination> destination, std::size_t queue_bytes, EventFormat format)
    : format_(format), queue_(std::make_shared<LogQueue>(queue_bytes)) {
  // The thread inherits the mask: no signal is to be handled on it, and a
  // SIGPIPE of its own must not end the process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([writer = std::make_unique<LogWriter>(queue_, std::move(destination), format)] {
    pthread_setname_np(pthread_self(), "gatewhy-log");
    writer->run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

EventLog::~EventLog() {
  queue_->requestStop();
  // A write to a dead network file system cannot be interrupted; the process
  // must be able to end all the same.
  if (queue_->awaitStopped(2 * LogWriter::kStopTime)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void EventLog::write(std::string_view finished_lines, bool urgent) {
  if (!finished_lines.empty()) {
    queue_->push(finished_lines, urgent);
  }
}

void EventLog::write(const LifecycleEvent& event) {
  write(format(event, std::chrono::system_clock::now()), /*urgent=*/true);
}

void EventLog::setInstance(std::string name) {
  queue_->setInstance(std::move(name));
}

std::string EventLog::format(const LifecycleEvent& event, std::chrono::system_clock::time_point when) const {
  const std::string instance = queue_->instance();
  LifecycleEvent said = event;
  said.instance = instance;
  std::string line;
  appendLine(line, said, when, format_);
  return line;
}

void EventLog::reopen() {
  queue_->requestReopen();
}

bool EventLog::flush(std::chrono::milliseconds timeout) {
  return queue_->flush(timeout);
}

std::uint64_t EventLog::dropped() const noexcept {
  return queue_->dropped();
}

std::uint64_t EventLog::writeErrors() const noexcept {
  return queue_->errors();
}

EventBatch::EventBatch(EventLog& log) : log_(log) {
  lines_.reserve(kBatchBytes + kLongLine);
}

void EventBatch::append(const ExchangeEvent& event) {
  appendLine(lines_, event, log_.lineFormat());
  urgent_ = urgent_ || event.outcome == Outcome::Failure;
  if (lines_.size() >= kBatchBytes) {
    handOver();
  }
}

void EventBatch::append(const ExchangeEvent& event, std::string_view line) {
  lines_ += line;
  urgent_ = urgent_ || event.outcome == Outcome::Failure;
  if (lines_.size() >= kBatchBytes) {
    handOver();
  }
}

void EventBatch::append(std::string_view line, bool urgent) {
  lines_ += line;
  urgent_ = urgent_ || urgent;
  if (urgent || lines_.size() >= kBatchBytes) {
    handOver();
  }
}

void EventBatch::append(const LifecycleEvent& event) {
  append(log_.format(event, std::chrono::system_clock::now()), true);
}

void EventBatch::handOver() {
  log_.write(lines_.view(), urgent_);
  lines_.clear();
  urgent_ = false;
}

namespace {

std::string_view severityOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "DEBUG";
    case spdlog::level::warn:
      return "WARN";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "ERROR";
    case spdlog::level::info:
    case spdlog::level::off:
    case spdlog::level::n_levels:
      return "INFO";
  }
  return "INFO";
}

spdlog::level::level_enum spdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Thread-safe without a lock of its own: the queue has one. Formatters and
// patterns have no effect, because every line must stay one event.
class MessageSink final : public spdlog::sinks::sink {
 public:
  explicit MessageSink(EventLog& log) : log_(log) {}

  void log(const spdlog::details::log_msg& message) override {
    const LifecycleEvent event{.event = "message",
                               .severity = severityOf(message.level),
                               .message = {message.payload.data(), message.payload.size()}};
    log_.write(log_.format(event, message.time), message.level >= spdlog::level::warn);
  }
  void flush() override {}
  void set_pattern(const std::string& /*pattern*/) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) override {}

 private:
  EventLog& log_;
};

}  // namespace

std::shared_ptr<spdlog::logger> makeMessageLogger(EventLog& log, LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>("gatewhy", std::make_shared<MessageSink>(log));
  logger->set_level(spdlogLevel(level));
  return logger;
}

}  // namespace gatewhy
