// SPDX-License-Identifier: Apache-2.0
#include "daemon/descriptor_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::uint64_t kOwnDescriptors = 64;     // logs, admin, pipes
constexpr std::uint64_t kWorkersDescriptors = 8;  // loop, wake-up, DNS; listeners are counted apart

}  // namespace

std::uint64_t raiseDescriptorLimit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::uint64_t descriptorsNeeded(const Config& config) {
  const std::uint64_t clients = config.limits.connections;
  std::uint64_t origins = 0;
  for (const OriginConfig& origin : config.origins) {
    const std::uint64_t each = origin.limits.connections == 0 ? clients : origin.limits.connections;
    origins += each * origin.endpoints.size();
  }
  const std::uint64_t workers = config.workers * (kWorkersDescriptors + config.listeners.size());
  return clients + std::min(origins, clients) + workers + kOwnDescriptors;
}

std::optional<std::string> descriptorShortage(const Config& config, std::uint64_t allowed) {
  const std::uint64_t needed = descriptorsNeeded(config);
  if (allowed >= needed) {
    return std::nullopt;
  }
  return fmt::format(
      "the process may open {} descriptors, and the configuration can need {}: limits.connections ({}) and the "
      "origins' limits.connections; idle clients will give way before that. Raise LimitNOFILE, or lower the limits",
      allowed, needed, config.limits.connections);
}

}  // namespace gatewhy
