// SPDX-License-Identifier: Apache-2.0
// A binary upgrade (SIGUSR2): the file that this program was started from is
// started again, by now perhaps a newer version, with the same arguments and
// the listening sockets of this process. When it serves, this process drains.
// No connection is lost: both hold the same sockets, so nothing in their
// queues goes with the one that closes them.
#pragma once

#include <sys/types.h>

#include <memory>
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

  // The error says which call failed.
  [[nodiscard]] static Result<std::unique_ptr<Successor>, std::string> start(const Program& program,
                                                                             std::span<const ListeningSocket> sockets);
  // One that does not serve yet is ended.
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  [[nodiscard]] State poll();  // never waits
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The exit status of one that failed, for a message.
  [[nodiscard]] int exitStatus() const noexcept { return exit_status_; }

 private:
  Successor(pid_t pid, Fd ready) : pid_(pid), ready_(std::move(ready)) {}

  pid_t pid_;
  Fd ready_;
  State state_ = State::Starting;
  int exit_status_ = 0;
};

// In the successor: tells its predecessor, if there is one, that it serves.
void tellPredecessor();

}  // namespace gatewhy
