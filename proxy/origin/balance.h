// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "config/config.h"

namespace gatewhy {

// Chooses among the endpoints of one origin. Pure but for its own state;
// belongs to one worker.
class Balancer {
 public:
  explicit Balancer(const OriginConfig& origin);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // The index of an endpoint for which usable(index) holds: primaries first,
  // backups when no primary is usable; kNone when none is. `load(index)` is
  // the requests in flight; `key` feeds Balance::Hash.
  [[nodiscard]] std::size_t pick(const std::function<bool(std::size_t)>& usable,
                                 const std::function<std::uint32_t(std::size_t)>& load, std::uint64_t key);

 private:
  std::size_t pickAmong(const std::vector<std::size_t>& candidates,
                        const std::function<std::uint32_t(std::size_t)>& load, std::uint64_t key);
  std::size_t roundRobin(const std::vector<std::size_t>& candidates);
  std::size_t randomByWeight(const std::vector<std::size_t>& candidates);

  const OriginConfig& origin_;         // the generation that owns this also owns the config
  std::vector<std::int64_t> current_;  // smooth weighted round robin
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace gatewhy
