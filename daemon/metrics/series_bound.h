// SPDX-License-Identifier: Apache-2.0
// Which series of /metrics go by their own names. Origins times endpoints
// times causes can be more than a store should take from one target; past a
// bound what is new counts under kOtherSeries instead, and the page says how
// many do. The admin thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace gatewhy {

// Lines of counters and histograms. Gauges are not among them: there is one for
// each thing that the configuration names, and what they say cannot be added up.
inline constexpr std::size_t kMostSeriesLines = 100'000;

class SeriesBound {
 public:
  explicit SeriesBound(std::size_t most = kMostSeriesLines) : most_(most) {}

  void beginPage() noexcept { folded_ = 0; }
  // `key`: a hash of the metric and its labels; `lines`: how many it has on the
  // page. What was admitted once always is, so that no counter goes back.
  [[nodiscard]] bool admit(std::uint64_t key, std::size_t lines);
  // Lines of this page that are not there by name.
  [[nodiscard]] std::size_t folded() const noexcept { return folded_; }

 private:
  const std::size_t most_;
  std::size_t used_ = 0;
  std::size_t folded_ = 0;
  std::unordered_set<std::uint64_t> admitted_;
};

}  // namespace gatewhy
