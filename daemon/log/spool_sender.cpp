// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/spool_sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/log/log_writer.h"

namespace gatewhy {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostTaken = 64UL * 1024;
constexpr milliseconds kIdle{500};
constexpr milliseconds kFirstTry{100};
constexpr milliseconds kLastTry{5000};
constexpr milliseconds kRoomCheck{100};

}  // namespace

void SpoolSender::run() {
  for (;;) {
    const std::string lines = spool_->take(kMostTaken, kIdle);
    spool_->sync();
    if (lines.empty() ? spool_->stopping() : (!send(lines) || outOfTime())) {
      break;
    }
  }
  spool_->stopped();
}

// False only when it is to stop and the destination does not take lines.
bool SpoolSender::send(std::string_view lines) {
  milliseconds pause = kFirstTry;
  while (!lines.empty()) {
    const WriteResult result = destination_->write(lines);
    switch (result.status) {
      case WriteStatus::Ok:
        recovered();
        spool_->countRefused(result.refused);
        spool_->delivered(result.size);
        lines.remove_prefix(result.size);
        pause = kFirstTry;
        break;
      case WriteStatus::WouldBlock:
        if (outOfTime()) {
          return false;
        }
        destination_->awaitRoom(static_cast<int>(kRoomCheck.count()));
        break;
      case WriteStatus::Failed:
        spool_->countError();
        if (++failed_ == 1) {
          complainOnStderr(fmt::format("the log ({}) cannot be written: {}; lines wait in its spool",
                                       destination_->name(), describeFailure(result)));
        }
        if (spool_->stopping()) {
          return false;
        }
        spool_->sync();
        spool_->pause(pause);
        pause = std::min(pause * 2, kLastTry);
        break;
    }
  }
  return true;
}

void SpoolSender::recovered() {
  if (failed_ != 0) {
    complainOnStderr(fmt::format("the log ({}) can be written again after {} failed writes; {} bytes wait in its spool",
                                 destination_->name(), failed_, spool_->size()));
    failed_ = 0;
  }
}

// What has not been sent by then is there at the next start.
bool SpoolSender::outOfTime() {
  if (!deadline_ && spool_->stopping()) {
    deadline_ = std::chrono::steady_clock::now() + stop_time_;
  }
  return deadline_ && std::chrono::steady_clock::now() >= *deadline_;
}

}  // namespace gatewhy
