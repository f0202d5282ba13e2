// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_writer.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "config/units.h"
#include "diagnostics/errno_name.h"
#include "diagnostics/event_line.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLastPause{2000};
constexpr milliseconds kStallCheck{100};  // how soon a stalled writer notices the stop

}  // namespace

void LogWriter::run() {
  for (;;) {
    const LogQueue::Work work = queue_->take();
    if (work.reopen || (reopen_error_ != 0 && std::chrono::steady_clock::now() >= reopen_again_)) {
      reopen(work.reopen);
    }
    writeOut(work);
    if (work.stop) {
      queue_->stopped();
      return;
    }
  }
}

void LogWriter::writeOut(const LogQueue::Work& work) {
  std::uint64_t left = 0;
  for (const LogQueue::Chunk& chunk : work.chunks) {
    const bool written = boot_.empty() ? writeAll(chunk.text) : writeAll(numberedLines(chunk.text, boot_, chunk.first));
    if (!written) {
      queue_->countDropped(chunk);
      left += chunk.count;
    }
    // Before the last done(), so that flush() covers it.
    if (&chunk == &work.chunks.back()) {
      announceLoss();
    }
    queue_->done(chunk.text.size());
  }
  if (left != 0) {
    complain(fmt::format("the log ({}) is closed with {} lines that it did not take: {}", destination_->name(), left,
                         limitReached()));
  }
}

// Which of the two has ended it, and what moves it.
std::string LogWriter::limitReached() const {
  const std::string stop_timeout = fmt::format("log.destination[].stop_timeout ({})", formatDuration(stop_time_));
  return deadline_ == last_deadline_
             ? fmt::format("it took some, but not all in {} and {}", stop_timeout, formatDuration(kLongestStop))
             : fmt::format("it took nothing in {}", stop_timeout);
}

// False only when the log is to stop and the destination does not take the
// lines in time.
bool LogWriter::writeAll(std::string_view lines) {
  std::size_t at = 0;
  milliseconds pause = kFirstPause;
  while (at < lines.size()) {
    const WriteResult result = destination_->write(lines.substr(at));
    switch (result.status) {
      case WriteStatus::Ok:
        at += result.size;
        queue_->countRefused(result.refused);
        pause = kFirstPause;
        noteProgress();
        break;
      case WriteStatus::WouldBlock:
        if (outOfTime()) {
          return false;
        }
        destination_->awaitRoom(static_cast<int>(kStallCheck.count()));
        break;
      case WriteStatus::Failed:
        if (!recover(result, pause)) {
          return false;
        }
        pause = std::min(pause * 2, kLastPause);
        at = resumeAt(lines, at);
        break;
    }
  }
  return true;
}

bool LogWriter::recover(const WriteResult& failed, milliseconds pause) {
  queue_->countError();
  if (++failed_writes_ == 1) {
    complain(
        fmt::format("the log ({}) cannot be written: {}; lines wait in memory, and are dropped if they become too many",
                    destination_->name(), describeFailure(failed)));
  }
  last_failure_ = failed;
  if (queue_->stopping()) {
    if (outOfTime()) {
      return false;
    }
    ::poll(nullptr, 0, static_cast<int>(kStallCheck.count()));  // it may come back in the time that is left
    return true;
  }
  queue_->pause(pause);
  return true;
}

// After an error the path may name another file (a rotation, a new disk): a
// line that was cut off is begun again there.
std::size_t LogWriter::resumeAt(std::string_view lines, std::size_t at) {
  if (destination_->reopen().how != LogDestination::Reopened::Different || at == 0) {
    return at;
  }
  const std::size_t line_end = lines.rfind('\n', at - 1);
  return line_end == std::string_view::npos ? 0 : line_end + 1;
}

void LogWriter::announceLoss() {
  if (outOfTime()) {
    return;
  }
  const std::vector<LineRange> lost = queue_->takeDropped();
  if (lost.empty() && failed_writes_ == 0) {
    return;
  }
  std::uint64_t lines = 0;
  std::vector<std::string> ranges;
  for (const LineRange& range : lost) {
    lines += range.last - range.first + 1;
    ranges.push_back(fmt::format("{}-{}", range.first, range.last));
  }
  LifecycleEvent event{.event = "message", .severity = "WARN"};
  std::string message;
  event.facts.push_back({.key = "lost_lines", .number = static_cast<double>(lines)});
  if (!boot_.empty() && !ranges.empty()) {
    event.facts.push_back({.key = "lost_sequences", .list = std::move(ranges)});
  }
  if (failed_writes_ > 0) {
    message =
        fmt::format("the log can be written again after {} failed writes; {} lines were lost", failed_writes_, lines);
    event.facts.push_back({.key = "failed_writes", .number = static_cast<double>(failed_writes_)});
    if (last_failure_.error != 0) {
      event.facts.push_back({.key = "errno_name", .text = std::string(errnoName(last_failure_.error))});
    } else {
      event.facts.push_back({.key = "problem", .text = last_failure_.reason});
    }
    complain(message);
  } else {
    message = fmt::format("the log's destination was too slow; {} lines were lost", lines);
  }
  event.message = message;
  failed_writes_ = 0;
  writeEvent(event);
}

void LogWriter::writeEvent(LifecycleEvent& event) {
  const std::string instance = queue_->instance();
  event.instance = instance;
  std::string line;
  appendLine(line, event, std::chrono::system_clock::now(), format_);
  writeAll(boot_.empty() ? line : numberedLines(line, boot_, queue_->takeNumber()));
}

// For rotation. Where it fails events go on into the old file, which whoever
// rotates is about to compress or delete: that must be known at once. It is
// tried again until it works, since nobody may ask a second time.
void LogWriter::reopen(bool asked) {
  const LogDestination::ReopenResult result = destination_->reopen();
  reopen_again_ = std::chrono::steady_clock::now() + kLastPause;
  if (result.how == LogDestination::Reopened::Failed) {
    queue_->countError();
    if (asked || reopen_error_ != result.error) {
      const std::string message =
          fmt::format("the log ({}) cannot be reopened: {} ({}); events still go to the file that was open before",
                      destination_->name(), errnoName(result.error), std::strerror(result.error));
      complain(message);
      writeMessage("ERROR", message, result.error);
    }
  } else if (reopen_error_ != 0) {
    const std::string message = fmt::format("the log ({}) is open again", destination_->name());
    complain(message);
    writeMessage("INFO", message, 0);
  }
  reopen_error_ = result.error;
}

void LogWriter::writeMessage(std::string_view severity, const std::string& message, int error) {
  LifecycleEvent event{.event = "message", .severity = severity, .message = message};
  if (error != 0) {
    event.facts.push_back({.key = "errno_name", .text = std::string(errnoName(error))});
  }
  writeEvent(event);
}

void LogWriter::complain(const std::string& message) const {
  if (destination_->name() != "stderr") {
    complainOnStderr(message);
  }
}

std::string numberedLines(std::string_view lines, std::string_view boot, std::uint64_t first) {
  std::string out;
  constexpr std::size_t kRoom = 64;
  out.reserve(lines.size() + kRoom * (1 + lines.size() / kRoom));
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, std::min(lines.find('\n'), lines.size() - 1) + 1);
    if (line.starts_with('{')) {
      fmt::format_to(std::back_inserter(out), R"({{"boot_id":"{}","sequence":{},)", boot, first);
      out += line.substr(1);
    } else {
      out += line;
    }
    ++first;
    lines.remove_prefix(line.size());
  }
  return out;
}

void complainOnStderr(const std::string& message) {
  const std::string line = fmt::format("gatewhy: {}\n", message).substr(0, PIPE_BUF);
  pollfd item{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&item, 1, 0) == 1) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

bool LogWriter::outOfTime() {
  const auto now = std::chrono::steady_clock::now();
  if (!deadline_ && queue_->stopping()) {
    deadline_ = now + stop_time_;
    last_deadline_ = *deadline_ + kLongestStop;
  }
  return deadline_ && now >= *deadline_;
}

// A reader that is slow but takes lines gets them all.
void LogWriter::noteProgress() {
  if (deadline_) {
    deadline_ = std::min(std::chrono::steady_clock::now() + stop_time_, *last_deadline_);
  }
}

}  // namespace gatewhy
