// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace gatewhy {

// Numbers of events that have come, as ranges: few, where most come in order.
class SequenceSet {
 public:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // both inclusive

  // False: it was there already.
  bool insert(std::uint64_t number);
  void insert(std::uint64_t first, std::uint64_t last);  // whether there or not
  [[nodiscard]] bool contains(std::uint64_t number) const;
  // What lies between the first and the last and is not there.
  [[nodiscard]] std::vector<Range> gaps() const;
  [[nodiscard]] std::uint64_t first() const { return ranges_.empty() ? 0 : ranges_.begin()->first; }
  [[nodiscard]] std::uint64_t last() const { return ranges_.empty() ? 0 : ranges_.rbegin()->second; }
  // How many of a range are there.
  [[nodiscard]] std::uint64_t countIn(const Range& range) const;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // first → last
};

}  // namespace gatewhy
