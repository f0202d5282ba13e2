// SPDX-License-Identifier: Apache-2.0
// The one histogram of durations: what the live page, `top`, the admin API,
// /metrics and `report` show comes from it, so that they agree.
//
// Slots are decimal, 140 to a decade from 1 µs on, each at most 2.5 % wide: a
// quantile is within 1.3 % of the sample that it stands for. Every bound of
// the buckets in /metrics is a slot's bound too, so that those are exact. A
// decade takes its 1120 octets when its first sample comes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gatewhy {

inline constexpr std::size_t kDurationDecades = 12;  // 1 µs to eleven days
inline constexpr std::size_t kStepsOfDecade = 140;

// Upper bounds of the buckets in /metrics, from what a connection inside one
// machine takes to the longest timeouts in use. The last bucket has no bound.
inline constexpr std::array<double, 16> kBucketBoundsMs = {0.5, 1,   2.5,  5,    10,   25,    50,    100,
                                                           250, 500, 1000, 2500, 5000, 10000, 30000, 60000};

// Of a histogram in /metrics: its buckets, the last one without a bound, the sum and the count.
inline constexpr std::size_t kHistogramLines = kBucketBoundsMs.size() + 3;

struct DurationSlot {
  std::size_t decade = 0;
  std::size_t step = 0;
};
// Where a duration is counted: the slot (low, high] that it is in; the first or the
// last one where it is beyond them.
[[nodiscard]] DurationSlot durationSlot(double ms) noexcept;

// A set of samples that one thread has to itself: a reading, a sum of several,
// or what a report gathers.
class DurationHistogram {
 public:
  void add(double ms);
  void add(DurationSlot slot, std::uint64_t samples);
  void addSum(double ms) noexcept { sum_ms_ += ms; }
  void merge(const DurationHistogram& other);
  // What has come since an earlier reading.
  [[nodiscard]] DurationHistogram since(const DurationHistogram& earlier) const;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double sumMs() const noexcept { return sum_ms_; }
  // The nearest rank: what a share of `q` (above 0, up to 1) of the samples
  // does not exceed, in ms. 0 where there is none.
  [[nodiscard]] double quantileMs(double q) const noexcept;
  // Samples up to and with a slot's bound, such as those of kBucketBoundsMs.
  [[nodiscard]] std::uint64_t countUpTo(double bound_ms) const noexcept;

 private:
  std::array<std::vector<std::uint64_t>, kDurationDecades> decades_;  // each empty or of kStepsOfDecade
  std::uint64_t count_ = 0;
  double sum_ms_ = 0;
};

// Counted by one thread, read by any: no lock, no read-modify-write.
class SharedDurations {
 public:
  SharedDurations() = default;
  ~SharedDurations();
  SharedDurations(const SharedDurations&) = delete;
  SharedDurations& operator=(const SharedDurations&) = delete;

  void observe(double ms);
  [[nodiscard]] DurationHistogram read() const;

 private:
  using Decade = std::array<std::atomic<std::uint64_t>, kStepsOfDecade>;
  std::array<std::atomic<Decade*>, kDurationDecades> decades_{};  // owned; made by the counting thread, then constant
  std::atomic<double> sum_ms_{0};
};

}  // namespace gatewhy
