// SPDX-License-Identifier: Apache-2.0
#include "tests/support/daemon_process.h"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>

namespace gatewhy::test {

using nlohmann::json;

Result<std::unique_ptr<DaemonProcess>, std::string> DaemonProcess::start(const std::string& config_file,
                                                                         ChildOptions options) {
  std::unique_ptr<DaemonProcess> daemon(new DaemonProcess);
  options.arguments.insert(options.arguments.end(), {GATEWHY_BINARY, "run", "-c", config_file});
  DaemonProcess* const raw = daemon.get();
  auto child = ChildProcess::start(
      options, [raw](const std::string& line) { raw->onLine(line); }, [raw] { raw->onEnd(); });
  if (!child) {
    return Failure{child.error()};
  }
  daemon->child_ = std::move(child).value();
  const auto started = daemon->waitFor([](const json& event) { return event.value("event", "") == "start"; });
  if (!started) {
    return Failure{"gatewhy did not start: " + daemon->standardError()};
  }
  daemon->listeners_ = started->value("listeners", std::vector<std::string>());
  daemon->admin_ = started->value("admin", "");
  return daemon;
}

void DaemonProcess::onLine(const std::string& line) {
  json event = json::parse(line, nullptr, false);
  const std::lock_guard lock(mutex_);
  if (event.is_object()) {
    events_.push_back(std::move(event));
  } else {
    stray_.push_back(line);
  }
  changed_.notify_all();
}

void DaemonProcess::onEnd() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::vector<json> DaemonProcess::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::vector<std::string> DaemonProcess::strayLines() const {
  const std::lock_guard lock(mutex_);
  return stray_;
}

std::optional<json> DaemonProcess::waitFor(const Predicate& predicate) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::size_t seen = 0;
  while (true) {
    for (; seen < events_.size(); ++seen) {
      if (predicate(events_[seen])) {
        return events_[seen];
      }
    }
    const bool late = ended_ || changed_.wait_until(lock, until) == std::cv_status::timeout;
    if (late && seen == events_.size()) {
      return std::nullopt;
    }
  }
}

std::optional<int> DaemonProcess::stop() {
  child_->signal(SIGTERM);
  return child_->wait();
}

}  // namespace gatewhy::test
