// SPDX-License-Identifier: Apache-2.0
// A program that prints the port which it listens on, and then what it has to say.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "tests/support/child_process.h"

namespace gatewhy::test {

// Runs until it is destroyed.
class PortPrinter {
 public:
  explicit PortPrinter(const ChildOptions& options);

  // Waits for it; "", with a failure noted, where the program ends without.
  [[nodiscard]] std::string port();
  // Such a line, by now or within kPatience.
  [[nodiscard]] bool awaitLine(const std::string& line);

 private:
  std::mutex mutex_;
  std::condition_variable said_;
  std::map<std::string, int> lines_;  // guarded by mutex_, as are port_ and ended_
  std::string port_;
  bool ended_ = false;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace gatewhy::test
