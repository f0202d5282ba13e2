// SPDX-License-Identifier: Apache-2.0
#include "daemon/signals.h"

#include <algorithm>
#include <csignal>
#include <ctime>

namespace gatewhy {
namespace {

sigset_t heldSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void holdSignals() {
  const sigset_t held = heldSignals();
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int awaitSignal(std::optional<std::chrono::milliseconds> limit) {
  const sigset_t held = heldSignals();
  if (!limit) {
    return std::max(sigwaitinfo(&held, nullptr), 0);  // EINTR: stopped and continued
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*limit);
  const timespec time{.tv_sec = seconds.count(),
                      .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(*limit - seconds).count()};
  return std::max(sigtimedwait(&held, nullptr, &time), 0);
}

}  // namespace gatewhy
