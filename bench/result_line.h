// SPDX-License-Identifier: Apache-2.0
// What a load generator prints, as bench/harness/wrk_report.lua does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

struct LoadCounts {
  std::uint64_t answered = 0, bytes = 0, status = 0, broken = 0;
  std::vector<float> micros;  // of each answer
};

// Without a line end: more of the caller's may follow.
inline void printResult(LoadCounts& counts, double seconds) {
  std::vector<float>& micros = counts.micros;
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double share) {
    return micros.empty() ? 0.0
                          : static_cast<double>(micros[static_cast<std::size_t>(share * double(micros.size() - 1))]);
  };
  std::printf("result requests=%llu seconds=%.6f bytes=%llu p50=%.1f p99=%.1f status=%llu broken=%llu timeout=0",
              static_cast<unsigned long long>(counts.answered), seconds, static_cast<unsigned long long>(counts.bytes),
              at(0.5), at(0.99), static_cast<unsigned long long>(counts.status),
              static_cast<unsigned long long>(counts.broken));
}
