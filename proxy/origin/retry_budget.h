// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatewhy {

// retry.budget, of one worker: every exchange earns a part of a retry, every
// retry costs one. Pure.
class RetryBudget {
 public:
  explicit RetryBudget(std::uint32_t percent) : percent_(percent) {}

  void earn() noexcept { tokens_ = std::min(kCeiling, tokens_ + percent_ / 100.0); }
  [[nodiscard]] bool spend() noexcept {
    if (percent_ >= 100) {
      return true;
    }
    if (tokens_ < 1) {
      return false;
    }
    tokens_ -= 1;
    return true;
  }

 private:
  static constexpr double kReserve = 10;  // retries that a quiet origin may spend at once
  static constexpr double kCeiling = 100;

  std::uint32_t percent_;
  double tokens_ = kReserve;
};

}  // namespace gatewhy
