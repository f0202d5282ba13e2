// SPDX-License-Identifier: Apache-2.0
// What systemd is told (sd_notify(3)). Where no service manager listens, every
// call does nothing. Supervisor's thread only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace gatewhy {

class ServiceManager {
 public:
  ServiceManager();

  [[nodiscard]] bool listens() const noexcept { return listens_; }
  // How often alive() is wanted: a third of WatchdogSec=. Absent: no watchdog.
  [[nodiscard]] std::optional<std::chrono::milliseconds> watchdogInterval() const noexcept { return watchdog_; }

  void ready(const std::string& status) const;
  void reloading() const;
  void stopping() const;
  void status(const std::string& text) const;
  void alive() const;
  // The running start, reload or stop may take this much longer from now.
  void extendTimeout(std::chrono::milliseconds more) const;
  // Puts sockets into the descriptor store, which gives them to the process
  // that follows after a restart (FileDescriptorStoreMax=). `name` has no colon.
  void store(const std::string& name, std::span<const int> sockets) const;
  void forget(const std::string& name) const;
  // From here on `successor` is the service, and this process says nothing.
  void handOver(pid_t successor);

 private:
  bool listens_ = false;
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace gatewhy
