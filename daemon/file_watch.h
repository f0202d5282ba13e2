// SPDX-License-Identifier: Apache-2.0
// Files that somebody else renews while the daemon runs: certificates and keys
// of listeners, revocation lists, users. What has changed is in force without a
// reload, or refused, and an event says which. Main thread only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "diagnostics/event.h"
#include "proxy/exchange/generation.h"

namespace gatewhy {

// Of certificates and keys; read by the admin thread.
struct RenewalCounts {
  std::atomic<std::uint64_t> applied{0}, refused{0};
};

class FileWatch {
 public:
  using Say = std::function<void(LifecycleEvent event)>;
  FileWatch(RenewalCounts& counts, Say say) : counts_(counts), say_(std::move(say)) {}  // which outlive it

  // How long until look() is due; nullopt: `generation` has no such file.
  [[nodiscard]] std::optional<std::chrono::milliseconds> dueIn(const Generation& generation) const;
  // Looks at the files of `generation`, where it is time to.
  void look(const Generation& generation);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool lookAtCertificates(const Generation& generation);
  [[nodiscard]] bool lookAtUsers(const Generation& generation);
  void lookAtRevocations(const Generation& generation);

  RenewalCounts& counts_;
  Say say_;
  Clock::time_point due_ = Clock::now();
};

}  // namespace gatewhy
