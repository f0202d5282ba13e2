// SPDX-License-Identifier: Apache-2.0
// A binary upgrade (SIGUSR2): the file that this program was started from is
// started again, by now perhaps a newer version, with the same arguments and
// the listening sockets of this process. When it serves, this process drains.
// No connection is lost: both hold the same sockets, so nothing in their
// queues goes with the one that closes them.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "diagnostics/result.h"
#include "proxy/loop/fd.h"

namespace gatewhy {

// How this process was started; read before the file may be replaced.
struct Program {
  std::string path;  // of the executable; empty where /proc says nothing
  std::vector<std::string> arguments;

  [[nodiscard]] static Program current();
};

// One to pass on; the descriptor stays the caller's.
struct ListeningSocket {
  std::string name;  // as in LISTEN_FDNAMES: no colon
  int fd = -1;
};

// The new process while it starts. Main thread only.
class Successor {
 public:
  enum class State { Starting, Serves, Failed };

  // Not our child but the service manager's (or init's), which supervises it
  // from the start. The error says which call failed.
  [[nodiscard]] static Result<std::unique_ptr<Successor>, std::string> start(const Program& program,
                                                                             std::span<const ListeningSocket> sockets);
  // One that does not serve yet is ended.
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  [[nodiscard]] State poll();  // never waits
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The exit status of one that failed, for a message; absent: it died.
  [[nodiscard]] std::optional<int> exitStatus() const noexcept { return exit_status_; }

 private:
  explicit Successor(Fd words) : words_(std::move(words)) {}

  pid_t pid_ = -1;
  Fd words_;
  State state_ = State::Starting;
  std::optional<int> exit_status_;
};

// In the successor: whether there is a predecessor that waits, and the word to
// it, 0 when this process serves or the exit status with which it gives up.
[[nodiscard]] bool hasPredecessor() noexcept;
void tellPredecessor(int status) noexcept;

}  // namespace gatewhy
