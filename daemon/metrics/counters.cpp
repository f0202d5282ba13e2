// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/counters.h"

#include <numeric>

namespace gatewhy {

void HistogramReading::add(const HistogramReading& other) noexcept {
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    buckets[i] += other.buckets[i];
  }
  sum_ms += other.sum_ms;
}

HistogramReading HistogramReading::since(const HistogramReading& earlier) const noexcept {
  HistogramReading difference;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    difference.buckets[i] = buckets[i] - std::min(buckets[i], earlier.buckets[i]);
  }
  difference.sum_ms = std::max(0.0, sum_ms - earlier.sum_ms);
  return difference;
}

std::uint64_t HistogramReading::count() const noexcept {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

double HistogramReading::quantileMs(double q) const noexcept {
  const double rank = q * static_cast<double>(count());
  double before = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && before + here >= rank) {
      const double low = i == 0 ? 0 : kBucketBoundsMs[i - 1];
      if (i == kBucketBoundsMs.size()) {
        return low;  // beyond the last bound: at least this
      }
      return low + (kBucketBoundsMs[i] - low) * std::max(0.0, rank - before) / here;
    }
    before += here;
  }
  return 0;
}

HistogramReading Histogram::read() const noexcept {
  HistogramReading reading;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    reading.buckets[i] = buckets_[i].value();
  }
  reading.sum_ms = sum_ms_.load(std::memory_order_relaxed);
  return reading;
}

}  // namespace gatewhy
