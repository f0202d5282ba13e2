// SPDX-License-Identifier: Apache-2.0
// Where finished log lines go. Used by the event log's writer thread alone.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/result.h"

namespace gatewhy {

enum class WriteStatus : std::uint8_t { Ok, WouldBlock, Failed };

struct WriteResult {
  WriteStatus status = WriteStatus::Ok;
  std::size_t size = 0;  // Ok: bytes taken
  int error = 0;         // Failed: errno, or 0 where `reason` says it all
  std::string reason = {};
  std::uint64_t refused = 0;  // Ok: lines among these that it will never take, and which are lost
};
// "ECONNREFUSED (Connection refused)", or the reason.
[[nodiscard]] std::string describeFailure(const WriteResult& result);

class LogDestination {
 public:
  LogDestination() = default;
  virtual ~LogDestination() = default;
  LogDestination(const LogDestination&) = delete;
  LogDestination& operator=(const LogDestination&) = delete;

  // Takes some of `lines` without waiting for a reader of a pipe, socket or
  // terminal. (Waiting for a disk cannot be avoided: regular files are never
  // "not ready".) Does not raise SIGPIPE in a thread that blocks it.
  virtual WriteResult write(std::string_view lines) = 0;
  // After WouldBlock: waits until more may be taken, at most `timeout_ms`.
  virtual void awaitRoom(int timeout_ms) = 0;
  enum class Reopened : std::uint8_t { Same, Different, Failed };
  struct ReopenResult {
    Reopened how = Reopened::Same;
    int error = 0;  // Failed: errno
  };
  // Files: opens the path again, for rotation and after an error. The old file
  // stays in use if that fails. Same: the path still names the file in use.
  virtual ReopenResult reopen() { return {}; }
  // What it is called in messages: "stderr", a path …
  [[nodiscard]] virtual std::string name() const = 0;
};

// The error says what could not be opened and why. What is in the network is
// not asked: that it is away is no reason not to start.
[[nodiscard]] Result<std::unique_ptr<LogDestination>, std::string> openLogDestination(const LogTarget& target);

}  // namespace gatewhy
