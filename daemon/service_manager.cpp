// SPDX-License-Identifier: Apache-2.0
#include "daemon/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace gatewhy {

ServiceManager::ServiceManager() : listens_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  std::uint64_t usec = 0;
  if (listens_ && sd_watchdog_enabled(0, &usec) > 0) {
    watchdog_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(usec / 3));
  }
}

void ServiceManager::ready(const std::string& status) const {
  if (listens_) {
    sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
  }
}

void ServiceManager::reloading() const {
  if (listens_) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto usec = static_cast<unsigned long long>(now.tv_sec) * 1'000'000ULL +
                      static_cast<unsigned long long>(now.tv_nsec) / 1000;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", usec);
  }
}

void ServiceManager::stopping() const {
  if (listens_) {
    sd_notify(0, "STOPPING=1");
  }
}

void ServiceManager::status(const std::string& text) const {
  if (listens_) {
    sd_notifyf(0, "STATUS=%s", text.c_str());
  }
}

void ServiceManager::alive() const {
  if (listens_) {
    sd_notify(0, "WATCHDOG=1");
  }
}

void ServiceManager::extendTimeout(std::chrono::milliseconds more) const {
  if (listens_) {
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(more).count();
    sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", static_cast<long long>(usec));
  }
}

void ServiceManager::store(const std::string& name, std::span<const int> sockets) const {
  if (listens_ && !sockets.empty()) {
    const std::string state = fmt::format("FDSTORE=1\nFDNAME={}", name);
    sd_pid_notify_with_fds(0, 0, state.c_str(), sockets.data(), static_cast<unsigned>(sockets.size()));
  }
}

void ServiceManager::forget(const std::string& name) const {
  if (listens_) {
    sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name.c_str());
  }
}

void ServiceManager::handOver(pid_t successor) {
  if (listens_) {
    sd_notifyf(0, "MAINPID=%ld", static_cast<long>(successor));
  }
  listens_ = false;
  watchdog_.reset();
}

}  // namespace gatewhy
