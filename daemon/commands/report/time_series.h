// SPDX-License-Identifier: Apache-2.0
// Counts over a time whose extent is not known beforehand, in constant memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatewhy {

inline constexpr std::size_t kTimeSlots = 128;
using TimeCounts = std::array<std::uint64_t, kTimeSlots>;

// The time axis that the series of one report share: seconds since 1970.
class TimeAxis {
 public:
  // The slot of a time that is on the axis.
  [[nodiscard]] std::size_t slotOf(std::int64_t second) const {
    return static_cast<std::size_t>((second - begin_) / width_);
  }
  [[nodiscard]] bool covers(std::int64_t second) const {
    return !empty_ && second >= begin_ && second - begin_ < width_ * static_cast<std::int64_t>(kTimeSlots);
  }
  // Widens the axis to take `second` in; every series on it must follow with
  // moved(). Returns the axis before.
  TimeAxis extend(std::int64_t second);
  // What `counts` on the axis `before` are on this one.
  [[nodiscard]] TimeCounts moved(const TimeCounts& counts, const TimeAxis& before) const;

  [[nodiscard]] bool empty() const { return empty_; }
  [[nodiscard]] std::int64_t begin() const { return begin_; }
  [[nodiscard]] std::int64_t width() const { return width_; }  // seconds per slot
  [[nodiscard]] std::int64_t first() const { return first_; }  // earliest second seen
  [[nodiscard]] std::int64_t last() const { return last_; }    // latest
  void note(std::int64_t second);                              // of a time that it covers
  // The part of `counts` that has been seen, in at most `columns` sums.
  [[nodiscard]] std::vector<std::uint64_t> columns(const TimeCounts& counts, std::size_t columns) const;
  [[nodiscard]] std::int64_t secondsPerColumn(std::size_t columns) const;

 private:
  [[nodiscard]] std::size_t slotsPerColumn(std::size_t columns) const;

  bool empty_ = true;
  std::int64_t begin_ = 0, width_ = 1;
  std::int64_t first_ = 0, last_ = 0;
};

}  // namespace gatewhy
