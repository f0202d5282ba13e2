// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace gatewhy {

// A histogram of durations with 16 steps per doubling: quantiles within 3 %
// from 1 µs to over an hour, in 4 KiB whatever the number of values.
class LatencySketch {
 public:
  void add(double ms) noexcept {
    const double us = ms * 1000;
    const std::uint64_t value = us >= 1 ? (us < 4e12 ? static_cast<std::uint64_t>(us) : 4'000'000'000'000U) : 1;
    ++counts_[slotOf(value)];
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  // `q` from 0 to 1; the middle of the step in which it falls, in ms. 0 where nothing was added.
  [[nodiscard]] double quantile(double q) const noexcept {
    if (count_ == 0) {
      return 0;
    }
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(count_ - 1));
    std::uint64_t seen = 0;
    std::size_t slot = 0;
    for (; slot + 1 < counts_.size(); ++slot) {
      seen += counts_[slot];
      if (seen > rank) {
        break;
      }
    }
    return (lowest(slot) + lowest(slot + 1)) / 2 / 1000;
  }

 private:
  static constexpr unsigned kSteps = 16;
  static constexpr unsigned kDoublings = 42;

  // Below kSteps every µs has its slot; above, the top five bits decide.
  static std::size_t slotOf(std::uint64_t us) noexcept {
    if (us < kSteps) {
      return us;
    }
    const auto doublings = static_cast<std::size_t>(std::bit_width(us)) - 5;  // kSteps is 2^4
    return (doublings + 1) * kSteps + ((us >> doublings) & (kSteps - 1));
  }
  static double lowest(std::size_t slot) noexcept {
    if (slot < kSteps) {
      return static_cast<double>(slot);
    }
    const std::size_t doublings = slot / kSteps - 1;
    return static_cast<double>((kSteps + slot % kSteps) << doublings);
  }

  std::array<std::uint64_t, std::size_t{kSteps} * kDoublings> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace gatewhy
