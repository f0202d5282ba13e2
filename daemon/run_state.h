// SPDX-License-Identifier: Apache-2.0
// What a daemon shows of itself to those who know its process id: which
// configuration it runs on and how its last reload went. So `gatewhy reload`
// finds the daemon of a file, and learns what a SIGHUP led to, also where
// there is no admin listener. It is a file in memory that the process holds
// open: it needs no directory, it is readable by whoever may look into the
// process in /proc, and it is gone when the process is.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/daemon_view.h"
#include "proxy/loop/fd.h"

namespace gatewhy {

struct RunState {
  std::string config;  // absolute path; "" where there is no file
  bool reloading = false;
  bool stopping = false;
  ReloadReport reload;  // the last one
};

// The daemon's side. Main thread only.
class RunStateFile {
 public:
  // Where the kernel refuses, nothing is shown.
  void publish(const RunState& state);

 private:
  Fd file_;
  std::uint64_t writes_ = 0;
};

// The other side. nullopt: no such process, no gatewhy, or not ours to look into.
[[nodiscard]] std::optional<RunState> readRunState(pid_t pid);
// The processes that run on this file and are not about to stop.
[[nodiscard]] std::vector<pid_t> daemonsOf(const std::string& config);

// For comparing: absolute, without "." and "..".
[[nodiscard]] std::string absolutePath(const std::string& path);
// Whether both name one file now; where one is not there, whether they are spelt alike.
[[nodiscard]] bool sameFile(const std::string& a, const std::string& b);

}  // namespace gatewhy
