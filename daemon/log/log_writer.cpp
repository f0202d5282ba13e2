// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
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
    if (work.reopen) {
      destination_->reopen();
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
  ++failed_writes_;
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
  if (destination_->reopen() != LogDestination::Reopened::Different || at == 0) {
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
    message = fmt::format("the log was not taken fast enough; {} lines were lost", lost);
  }
  event.message = message;
  announced_ = dropped;
  failed_writes_ = 0;
  std::string line;
  appendLine(line, event, std::chrono::system_clock::now(), format_);
  writeAll(line);
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
