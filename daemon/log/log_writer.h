// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/log/log_destination.h"
#include "daemon/log/log_queue.h"
#include "diagnostics/event_line.h"

namespace gatewhy {

// `lines` with a boot id and a number in front of each, "{\"boot_id\":…,
// \"sequence\":…,"; what is no JSON object stays as it is.
[[nodiscard]] std::string numberedLines(std::string_view lines, std::string_view boot, std::uint64_t first);

// What the log has to say of itself, on stderr, unless nobody takes it there at once.
void complainOnStderr(const std::string& message);

// The log's thread: takes lines from the queue and gets them out. Errors are
// retried until they pass (the queue drops meanwhile). Trouble is said on
// stderr at once; in the log itself too, as soon as it can be written.
class LogWriter {
 public:
  // Lines are given up where the log is to stop and the destination has taken
  // nothing for `stop_time`, or not all of them in kLongestStop behind that.
  static constexpr std::chrono::milliseconds kStopTime{1000};
  static constexpr std::chrono::milliseconds kLongestStop{10'000};

  // `format`: of the lines that the writer itself adds. `boot`: where it is not
  // empty, every line of JSON gets it and its own number (docs/events.md).
  LogWriter(std::shared_ptr<LogQueue> queue, std::shared_ptr<LogDestination> destination, EventFormat format,
            std::string boot = {}, std::chrono::milliseconds stop_time = kStopTime)
      : queue_(std::move(queue)),
        destination_(std::move(destination)),
        format_(format),
        boot_(std::move(boot)),
        stop_time_(stop_time) {}

  // Returns after LogQueue::requestStop().
  void run();

 private:
  void writeOut(const LogQueue::Work& work);
  bool writeAll(std::string_view lines);
  bool recover(const WriteResult& failed, std::chrono::milliseconds pause);
  [[nodiscard]] std::size_t resumeAt(std::string_view lines, std::size_t at);
  void announceLoss();
  void reopen(bool asked);
  void writeMessage(std::string_view severity, const std::string& message, int error);
  void writeEvent(LifecycleEvent& event);
  [[nodiscard]] std::string limitReached() const;
  void complain(const std::string& message) const;
  bool outOfTime();
  void noteProgress();

  std::shared_ptr<LogQueue> queue_;
  std::shared_ptr<LogDestination> destination_;
  const EventFormat format_;
  const std::string boot_;
  const std::chrono::milliseconds stop_time_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;  // set once the log is to stop
  std::optional<std::chrono::steady_clock::time_point> last_deadline_;
  std::uint64_t failed_writes_ = 0;  // not announced yet
  WriteResult last_failure_;
  int reopen_error_ = 0;  // of the last try to open the path again; 0 = it worked
  std::chrono::steady_clock::time_point reopen_again_{};
};

}  // namespace gatewhy
