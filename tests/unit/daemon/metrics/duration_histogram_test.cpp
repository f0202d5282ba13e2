// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/duration_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

namespace gatewhy {
namespace {

TEST(DurationHistogramTest, EmptyHasNoQuantile) {
  EXPECT_EQ(DurationHistogram().quantileMs(0.5), 0);
  EXPECT_EQ(SharedDurations().read().count(), 0U);
}

// Whatever is counted is told within 1.3 %.
TEST(DurationHistogramTest, OneSampleIsFoundAgain) {
  for (double ms = 0.0011; ms < 9e8; ms *= 1.0037) {
    DurationHistogram histogram;
    histogram.add(ms);
    for (const double q : {0.01, 0.5, 0.99, 1.0}) {
      EXPECT_NEAR(histogram.quantileMs(q), ms, 0.013 * ms);
    }
    EXPECT_EQ(histogram.sumMs(), ms);
  }
}

TEST(DurationHistogramTest, TwoSecondsAreTwoSeconds) {
  SharedDurations durations;
  for (int i = 0; i < 1000; ++i) {
    durations.observe(2000);
  }
  const DurationHistogram reading = durations.read();
  for (const double q : {0.5, 0.9, 0.99}) {
    EXPECT_GE(reading.quantileMs(q), 1975);
    EXPECT_LE(reading.quantileMs(q), 2025);
  }
}

TEST(DurationHistogramTest, WhatIsBeyondStaysAtTheEnds) {
  DurationHistogram histogram;
  histogram.add(-1);
  histogram.add(0);
  EXPECT_LT(histogram.quantileMs(1), 0.0011);
  histogram.add(1e12);
  EXPECT_GT(histogram.quantileMs(1), 9e8);
  EXPECT_EQ(histogram.count(), 3U);
}

// Prometheus: `le`. Each bound belongs to the bucket below it, and what is a little more to the next.
TEST(DurationHistogramTest, BucketsAreExact) {
  for (const double bound : kBucketBoundsMs) {
    DurationHistogram histogram;
    histogram.add(bound * 0.999);
    histogram.add(bound);
    histogram.add(bound * 1.001);
    EXPECT_EQ(histogram.countUpTo(bound), 2U) << bound;
  }
  // Against counting one by one, with all thousandths of a millisecond up to a hundred.
  DurationHistogram all;
  std::vector<double> samples;
  for (int us = 1; us <= 100000; us += 7) {
    samples.push_back(us / 1000.0);
    all.add(samples.back());
  }
  for (const double bound : kBucketBoundsMs) {
    const auto below = std::count_if(samples.begin(), samples.end(), [&](double ms) { return ms <= bound; });
    EXPECT_EQ(all.countUpTo(bound), static_cast<std::uint64_t>(below)) << bound;
  }
}

TEST(DurationHistogramTest, AddsUpAndTakesAway) {
  SharedDurations one;
  SharedDurations other;
  one.observe(1);
  other.observe(100);
  DurationHistogram sum = one.read();
  sum.merge(other.read());
  EXPECT_EQ(sum.count(), 2U);
  EXPECT_EQ(sum.sumMs(), 101);
  const DurationHistogram before = sum;
  other.observe(100);
  other.observe(5000);
  sum = one.read();
  sum.merge(other.read());
  const DurationHistogram news = sum.since(before);
  EXPECT_EQ(news.count(), 2U);
  EXPECT_EQ(news.sumMs(), 5100);
  EXPECT_NEAR(news.quantileMs(0.5), 100, 1.3);
  EXPECT_NEAR(news.quantileMs(1), 5000, 65);
}

TEST(DurationHistogramTest, ReaderMayLookAtAnyTime) {
  constexpr std::uint64_t kSamples = 20000;
  SharedDurations durations;
  std::thread reader([&] {
    for (std::uint64_t before = 0; before < kSamples;) {
      const std::uint64_t now = durations.read().count();
      EXPECT_GE(now, before) << "it only grows";
      before = now;
    }
  });
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    durations.observe(std::pow(10.0, static_cast<double>(i % 9)) / 100);
  }
  reader.join();
}

}  // namespace
}  // namespace gatewhy
