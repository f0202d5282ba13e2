// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/event_log.h"

#include <fmt/format.h>
#include <spdlog/sinks/sink.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "config/log_place.h"

namespace gatewhy {
namespace {

constexpr std::size_t kBatchBytes = 64UL * 1024;
constexpr std::size_t kLongLine = 4096;  // room that a batch keeps beyond its limit

}  // namespace

EventFormat eventFormat(const LogTarget& target, bool from_file) {
  const auto place = parseLogPlace(target.to);
  if (place && onlyJson(place->kind)) {
    return EventFormat::Json;
  }
  const int fd = target.to == "stderr" ? STDERR_FILENO : target.to == "stdout" ? STDOUT_FILENO : -1;
  const bool terminal = fd >= 0 && ::isatty(fd) == 1;
  // https://no-color.org
  const EventFormat text =
      terminal && std::getenv("NO_COLOR") == nullptr ? EventFormat::ColouredText : EventFormat::Text;
  switch (target.format) {
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

const std::string& bootId() {
  static const std::string id = [] {
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) {
      number = static_cast<std::uint32_t>(::getpid()) ^ static_cast<std::uint32_t>(::time(nullptr));
    }
    return fmt::format("{:08x}", number);
  }();
  return id;
}

Result<std::unique_ptr<EventLog>, std::string> EventLog::open(const EventLogOptions& options) {
  auto destination = openLogDestination(LogTarget{.to = options.destination});
  if (!destination) {
    return Failure<std::string>{destination.error()};
  }
  return std::make_unique<EventLog>(std::move(*destination), options.queue_bytes, options.format);
}

Result<std::unique_ptr<EventLog>, std::string> EventLog::open(const std::vector<LogTarget>& targets, bool from_file) {
  std::vector<std::unique_ptr<LogSink>> sinks;
  for (const LogTarget& target : targets) {
    auto sink = LogSink::open(target, eventFormat(target, from_file), bootId());
    if (!sink) {
      return Failure<std::string>{sink.error()};
    }
    sinks.push_back(std::move(*sink));
  }
  return std::make_unique<EventLog>(std::move(sinks));
}

EventLog::EventLog(std::vector<std::unique_ptr<LogSink>> sinks) : sinks_(std::move(sinks)) {}

EventLog::EventLog(std::unique_ptr<LogDestination> destination, std::size_t queue_bytes, EventFormat format) {
  sinks_.push_back(std::make_unique<LogSink>(std::move(destination), LogSink::Options{.format = format,
                                                                                      .queue_bytes = queue_bytes,
                                                                                      .success_percent = 100,
                                                                                      .boot = {},
                                                                                      .fleet = false,
                                                                                      .spool = {}}));
}

// Told all at once, so that their time to stop runs together.
EventLog::~EventLog() {
  for (const auto& sink : sinks_) {
    sink->requestStop();
  }
}

void EventLog::write(std::string_view finished_lines, bool urgent) {
  if (finished_lines.empty()) {
    return;
  }
  const auto count = static_cast<std::uint64_t>(std::count(finished_lines.begin(), finished_lines.end(), '\n'));
  for (const auto& sink : sinks_) {
    sink->push(finished_lines, count, urgent);
  }
}

void EventLog::write(const LifecycleEvent& event) {
  write(event, std::chrono::system_clock::now(), true);
}

void EventLog::write(const LifecycleEvent& event, std::chrono::system_clock::time_point when, bool urgent) {
  for (const auto& sink : sinks_) {
    writeTo(*sink, event, when, urgent);
  }
}

void EventLog::writeTo(LogSink& sink, const LifecycleEvent& event, std::chrono::system_clock::time_point when,
                       bool urgent) {
  const std::string instance = sink.instance();
  LifecycleEvent said = event;
  said.instance = instance;
  std::string line;
  appendLine(line, said, when, sink.format());
  sink.push(line, 1, urgent);
}

bool EventLog::inFleet() const {
  return std::any_of(sinks_.begin(), sinks_.end(), [](const auto& sink) { return sink->inFleet(); });
}

void EventLog::writeToFleet(const LifecycleEvent& event) {
  for (const auto& sink : sinks_) {
    if (sink->inFleet()) {
      writeTo(*sink, event, std::chrono::system_clock::now(), true);
    }
  }
}

void EventLog::setInstance(const std::string& name) {
  for (const auto& sink : sinks_) {
    sink->setInstance(name);
  }
}

void EventLog::reopen() {
  for (const auto& sink : sinks_) {
    sink->reopen();
  }
}

bool EventLog::flush(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  return std::all_of(sinks_.begin(), sinks_.end(), [end](const auto& sink) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    return sink->flush(std::max(left, std::chrono::milliseconds(0)));
  });
}

std::vector<LogSinkState> EventLog::states() const {
  std::vector<LogSinkState> states;
  for (const auto& sink : sinks_) {
    states.push_back(sink->state());
  }
  return states;
}

std::uint64_t EventLog::dropped() const {
  std::uint64_t sum = 0;
  for (const LogSinkState& state : states()) {
    sum += state.dropped;
  }
  return sum;
}

std::uint64_t EventLog::writeErrors() const {
  std::uint64_t sum = 0;
  for (const LogSinkState& state : states()) {
    sum += state.errors;
  }
  return sum;
}

EventBatch::EventBatch(EventLog& log) : log_(log) {
  for (const auto& sink : log_.sinks()) {
    parts_.push_back({.sink = *sink, .lines = {}});
    parts_.back().lines.reserve(kBatchBytes + kLongLine);
  }
}

void EventBatch::append(const ExchangeEvent& event, std::string_view json, std::optional<std::uint32_t> draw) {
  formatted_ = {};
  urgent_ = urgent_ || event.outcome == Outcome::Failure;
  for (Part& part : parts_) {
    if (!draw || *draw < part.sink.successPercent()) {
      appendTo(part, event, json);
    }
  }
  // Not before: the next part's line may have been copied from this one.
  for (Part& part : parts_) {
    if (part.lines.size() >= kBatchBytes) {
      handOver(part);
    }
  }
}

void EventBatch::appendTo(Part& part, const ExchangeEvent& event, std::string_view json) {
  const EventFormat format = part.sink.format();
  ++part.count;
  if (format == EventFormat::Json && !json.empty()) {
    part.lines += json;
  } else if (!formatted_.empty() && formatted_as_ == format) {
    part.lines += formatted_;
  } else {
    const std::size_t before = part.lines.size();
    appendLine(part.lines, event, format);
    formatted_ = part.lines.view().substr(before);
    formatted_as_ = format;
  }
}

void EventBatch::append(const LifecycleEvent& event) {
  handOver();
  log_.write(event);
}

void EventBatch::handOver() {
  for (Part& part : parts_) {
    handOver(part);
  }
  urgent_ = false;
}

void EventBatch::handOver(Part& part) const {
  if (part.count != 0) {
    part.sink.push(part.lines.view(), part.count, urgent_);
    part.lines.clear();
    part.count = 0;
  }
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
    log_.write(event, message.time, message.level >= spdlog::level::warn);
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
