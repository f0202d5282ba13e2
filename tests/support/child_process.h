// SPDX-License-Identifier: Apache-2.0
// A program under test: its output line by line, its end, and the limits and
// refusals of the kernel that a scenario wants it to meet.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "diagnostics/result.h"
#include "proxy/loop/fd.h"

namespace gatewhy::test {

// Past this a test is hung; nothing else is measured with it.
inline constexpr std::chrono::seconds kPatience{45};

// A system call that the kernel shall refuse (seccomp), the way a cgroup hook
// or a security module would: for what no configuration of a test machine can
// bring about.
struct DeniedCall {
  std::string call;  // "connect" to an internet address, "socket6", "socket"
  int error = 0;     // errno
};

struct ChildOptions {
  std::vector<std::string> arguments;                            // the first is the program
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::vector<int> inherited;                                    // become descriptors 3, 4, …
  int network_namespace = -1;                                    // entered before exec
  std::vector<DeniedCall> denied;
  bool drop_file_privileges = false;  // root, but bound by file modes
};

class ChildProcess {
 public:
  using OnLine = std::function<void(const std::string& line)>;  // on a reader thread

  // `on_line` gets every line of standard output, `on_end` is told of its end.
  // Standard error is kept.
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>, std::string> start(const ChildOptions& options,
                                                                                OnLine on_line,
                                                                                std::function<void()> on_end = {});
  // Kills what is still running.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Waits for the end and for the end of both outputs: the exit status, or
  // -N where signal N ended it; nullopt: still running after kPatience (it is
  // killed then).
  std::optional<int> wait();
  [[nodiscard]] std::string standardError() const;

 private:
  ChildProcess() = default;
  void readOutput(int fd, bool lines);

  pid_t pid_ = -1;
  Fd process_;  // pidfd: readable when it has ended
  Fd out_, err_;
  OnLine on_line_;
  std::function<void()> on_end_;
  std::thread out_reader_, err_reader_;
  mutable std::mutex mutex_;
  std::string err_text_;  // guarded by mutex_
  std::optional<int> status_;
};

// Runs `sh -c COMMAND` to its end. The error holds what it printed.
[[nodiscard]] Result<bool, std::string> runShell(const std::string& command, int network_namespace = -1);

}  // namespace gatewhy::test
