// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_writer.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <string>

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
  for (const std::string& chunk : work.chunks) {
    if (!writeAll(chunk)) {
      queue_->countDropped(chunk);
    }
    // Before the last done(), so that flush() covers it.
    if (&chunk == &work.chunks.back()) {
      announceLoss();
    }
    queue_->done(chunk.size());
  }
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
        if (!recover(result.error, pause)) {
          return false;
        }
        pause = std::min(pause * 2, kLastPause);
        at = resumeAt(lines, at);
        break;
    }
  }
  return true;
}

bool LogWriter::recover(int error, milliseconds pause) {
  queue_->countError();
  if (++failed_writes_ == 1) {
    complain(
        fmt::format("the log ({}) cannot be written: {} ({}); lines wait in memory, and are dropped if they "
                    "become too many",
                    destination_->name(), errnoName(error), std::strerror(error)));
  }
  last_error_ = error;
  if (queue_->stopping()) {
    return false;
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
  const std::uint64_t dropped = queue_->dropped();
  const std::uint64_t lost = dropped - announced_;
  if ((lost == 0 && failed_writes_ == 0) || outOfTime()) {
    return;
  }
  LifecycleEvent event{.event = "message", .severity = "WARN"};
  std::string message;
  event.facts.push_back({.key = "lost_lines", .number = static_cast<double>(lost)});
  if (failed_writes_ > 0) {
    message =
        fmt::format("the log can be written again after {} failed writes; {} lines were lost", failed_writes_, lost);
    event.facts.push_back({.key = "failed_writes", .number = static_cast<double>(failed_writes_)});
    event.facts.push_back({.key = "errno_name", .text = std::string(errnoName(last_error_))});
  } else {
    message = fmt::format("the log's destination was too slow; {} lines were lost", lost);
  }
  if (failed_writes_ > 0) {
    complain(message);
  }
  event.message = message;
  announced_ = dropped;
  failed_writes_ = 0;
  const std::string instance = queue_->instance();
  event.instance = instance;
  std::string line;
  appendLine(line, event, std::chrono::system_clock::now(), format_);
  writeAll(line);
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
  std::string line;
  appendLine(line, event, std::chrono::system_clock::now(), format_);
  writeAll(line);
}

// On stderr, unless that is the log. What nobody reads is not waited for.
void LogWriter::complain(const std::string& message) const {
  if (destination_->name() == "stderr") {
    return;
  }
  const std::string line = fmt::format("gatewhy: {}\n", message).substr(0, PIPE_BUF);
  pollfd item{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&item, 1, 0) == 1) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

bool LogWriter::outOfTime() {
  const auto now = std::chrono::steady_clock::now();
  if (!deadline_ && queue_->stopping()) {
    deadline_ = now + kStopTime;
    last_deadline_ = now + kLongestStop;
  }
  return deadline_ && now >= *deadline_;
}

// A reader that is slow but takes lines gets them all.
void LogWriter::noteProgress() {
  if (deadline_) {
    deadline_ = std::min(std::chrono::steady_clock::now() + kStopTime, *last_deadline_);
  }
}

}  // namespace gatewhy
