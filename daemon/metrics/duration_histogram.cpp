// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/duration_histogram.h"

#include <algorithm>
#include <cmath>

namespace gatewhy {
namespace {

// A decade's steps: from 1 to 2 by 1/40, to 5 by 1/20, to 10 by 1/8. The
// inverse widths are whole numbers, so that a bound is computed without a
// rounding error and belongs to the slot below it.
struct Stretch {
  double from = 0, to = 0, per_unit = 0;
  std::size_t first = 0;
};
constexpr std::array<Stretch, 3> kStretches = {{{1, 2, 40, 0}, {2, 5, 20, 40}, {5, 10, 8, 100}}};

constexpr std::array<double, kDurationDecades + 1> kDecadesMs = {1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3,
                                                                 1e4,  1e5,  1e6,  1e7, 1e8, 1e9};
// The same in µs, whole numbers: what a mantissa is divided by.
constexpr std::array<double, kDurationDecades + 1> kDecadesUs = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                                 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

// The value whose distance from both of the slot's bounds is the smallest, as a share of them.
double middleMs(DurationSlot slot) noexcept {
  const Stretch* stretch = &kStretches[0];
  for (const Stretch& one : kStretches) {
    stretch = slot.step >= one.first ? &one : stretch;
  }
  const auto step = static_cast<double>(slot.step - stretch->first);
  const double low = stretch->from + step / stretch->per_unit;
  const double high = stretch->from + (step + 1) / stretch->per_unit;
  return 2 * low * high / (low + high) * kDecadesMs[slot.decade];
}

}  // namespace

DurationSlot durationSlot(double ms) noexcept {
  const double us = ms * 1000;
  if (!(us > 1)) {
    return {};
  }
  if (us >= kDecadesUs.back()) {
    return {.decade = kDurationDecades - 1, .step = kStepsOfDecade - 1};
  }
  const auto above = std::lower_bound(kDecadesUs.begin(), kDecadesUs.end(), us) - kDecadesUs.begin();
  const std::size_t decade = static_cast<std::size_t>(above) - 1;
  const double mantissa = us / kDecadesUs[decade];  // in (1, 10]
  for (const Stretch& stretch : kStretches) {
    if (mantissa <= stretch.to) {
      const double steps = std::ceil((mantissa - stretch.from) * stretch.per_unit);
      return {.decade = decade, .step = stretch.first + static_cast<std::size_t>(std::max(steps, 1.0)) - 1};
    }
  }
  return {.decade = decade, .step = kStepsOfDecade - 1};
}

void DurationHistogram::add(double ms) {
  add(durationSlot(ms), 1);
  sum_ms_ += ms;
}

void DurationHistogram::add(DurationSlot slot, std::uint64_t samples) {
  std::vector<std::uint64_t>& steps = decades_[slot.decade];
  if (steps.empty()) {
    steps.resize(kStepsOfDecade);
  }
  steps[slot.step] += samples;
  count_ += samples;
}

void DurationHistogram::merge(const DurationHistogram& other) {
  for (std::size_t decade = 0; decade < kDurationDecades; ++decade) {
    for (std::size_t step = 0; step < other.decades_[decade].size(); ++step) {
      if (const std::uint64_t samples = other.decades_[decade][step]; samples != 0) {
        add({.decade = decade, .step = step}, samples);
      }
    }
  }
  sum_ms_ += other.sum_ms_;
}

DurationHistogram DurationHistogram::since(const DurationHistogram& earlier) const {
  DurationHistogram difference;
  for (std::size_t decade = 0; decade < kDurationDecades; ++decade) {
    const std::vector<std::uint64_t>& before = earlier.decades_[decade];
    for (std::size_t step = 0; step < decades_[decade].size(); ++step) {
      const std::uint64_t now = decades_[decade][step];
      const std::uint64_t then = before.empty() ? 0 : std::min(now, before[step]);
      if (now != then) {
        difference.add({.decade = decade, .step = step}, now - then);
      }
    }
  }
  difference.sum_ms_ = std::max(0.0, sum_ms_ - earlier.sum_ms_);
  return difference;
}

double DurationHistogram::quantileMs(double q) const noexcept {
  const auto rank = std::max(1.0, std::ceil(q * static_cast<double>(count_) - 1e-9));
  double seen = 0;
  for (std::size_t decade = 0; decade < kDurationDecades; ++decade) {
    for (std::size_t step = 0; step < decades_[decade].size(); ++step) {
      seen += static_cast<double>(decades_[decade][step]);
      if (seen >= rank) {
        return middleMs({.decade = decade, .step = step});
      }
    }
  }
  return 0;
}

std::uint64_t DurationHistogram::countUpTo(double bound_ms) const noexcept {
  const DurationSlot last = durationSlot(bound_ms);
  std::uint64_t samples = 0;
  for (std::size_t decade = 0; decade <= last.decade; ++decade) {
    const std::size_t end = decade == last.decade ? last.step + 1 : kStepsOfDecade;
    for (std::size_t step = 0; step < std::min(end, decades_[decade].size()); ++step) {
      samples += decades_[decade][step];
    }
  }
  return samples;
}

SharedDurations::~SharedDurations() {
  for (const std::atomic<Decade*>& decade : decades_) {
    const std::unique_ptr<Decade> dead(decade.load(std::memory_order_relaxed));
  }
}

void SharedDurations::observe(double ms) {
  const DurationSlot slot = durationSlot(ms);
  Decade* decade = decades_[slot.decade].load(std::memory_order_relaxed);
  if (decade == nullptr) {
    decade = std::make_unique<Decade>().release();  // this owns it
    decades_[slot.decade].store(decade, std::memory_order_release);
  }
  std::atomic<std::uint64_t>& samples = (*decade)[slot.step];
  samples.store(samples.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  sum_ms_.store(sum_ms_.load(std::memory_order_relaxed) + ms, std::memory_order_relaxed);
}

DurationHistogram SharedDurations::read() const {
  DurationHistogram reading;
  for (std::size_t decade = 0; decade < kDurationDecades; ++decade) {
    const Decade* const steps = decades_[decade].load(std::memory_order_acquire);
    for (std::size_t step = 0; steps != nullptr && step < kStepsOfDecade; ++step) {
      if (const std::uint64_t samples = (*steps)[step].load(std::memory_order_relaxed); samples != 0) {
        reading.add({.decade = decade, .step = step}, samples);
      }
    }
  }
  reading.addSum(sum_ms_.load(std::memory_order_relaxed));
  return reading;
}

}  // namespace gatewhy
