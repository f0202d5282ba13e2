// SPDX-License-Identifier: Apache-2.0
// The real gatewhy binary: started on a configuration, read through its events,
// stopped by a signal.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diagnostics/result.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {

// `log.destination` must be stdout: events come through a pipe, so that a test
// waits for them and never sleeps.
class DaemonProcess {
 public:
  using Predicate = std::function<bool(const nlohmann::json& event)>;

  // `options.arguments` go in front of the daemon's: a program that becomes it. Returns once the daemon has said
  // `start`.
  [[nodiscard]] static Result<std::unique_ptr<DaemonProcess>, std::string> start(const std::string& config_file,
                                                                                 ChildOptions options = {});

  // "127.0.0.1:43211", in the order of the configuration.
  [[nodiscard]] const std::vector<std::string>& listeners() const { return listeners_; }
  [[nodiscard]] const std::string& adminAddress() const { return admin_; }  // "" where the start event has none
  [[nodiscard]] pid_t pid() const { return child_->pid(); }

  [[nodiscard]] std::vector<nlohmann::json> events() const;
  // The first event, past or to come, for which the predicate holds; nullopt
  // after kPatience or when the daemon has ended.
  [[nodiscard]] std::optional<nlohmann::json> waitFor(const Predicate& predicate);
  // Lines of standard output that are no JSON object: always a fault.
  [[nodiscard]] std::vector<std::string> strayLines() const;

  void signal(int number) { child_->signal(number); }
  // SIGTERM, then the exit status (see ChildProcess::wait). Idempotent.
  std::optional<int> stop();
  [[nodiscard]] std::string standardError() const { return child_->standardError(); }

 private:
  DaemonProcess() = default;
  void onLine(const std::string& line);
  void onEnd();

  std::unique_ptr<ChildProcess> child_;
  std::vector<std::string> listeners_;
  std::string admin_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<nlohmann::json> events_;  // guarded by mutex_
  std::vector<std::string> stray_;      // guarded by mutex_
  bool ended_ = false;                  // guarded by mutex_
};

}  // namespace gatewhy::test
