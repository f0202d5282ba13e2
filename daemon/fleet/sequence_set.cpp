// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/sequence_set.h"

#include <algorithm>
#include <iterator>

namespace gatewhy {

bool SequenceSet::contains(std::uint64_t number) const {
  const auto after = ranges_.upper_bound(number);
  return after != ranges_.begin() && std::prev(after)->second >= number;
}

bool SequenceSet::insert(std::uint64_t number) {
  if (contains(number)) {
    return false;
  }
  insert(number, number);
  return true;
}

void SequenceSet::insert(std::uint64_t first, std::uint64_t last) {
  auto next = ranges_.upper_bound(first);
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second + 1 >= first) {
      first = before->first;
      last = std::max(last, before->second);
      next = ranges_.erase(before);
    }
  }
  while (next != ranges_.end() && next->first <= last + 1) {
    last = std::max(last, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace(first, last);
}

std::vector<SequenceSet::Range> SequenceSet::gaps() const {
  std::vector<Range> found;
  for (auto each = ranges_.begin(); each != ranges_.end(); ++each) {
    if (const auto next = std::next(each); next != ranges_.end()) {
      found.emplace_back(each->second + 1, next->first - 1);
    }
  }
  return found;
}

std::uint64_t SequenceSet::countIn(const Range& range) const {
  std::uint64_t count = 0;
  for (const auto& [first, last] : ranges_) {
    const std::uint64_t from = std::max(first, range.first);
    const std::uint64_t to = std::min(last, range.second);
    count += to >= from ? to - from + 1 : 0;
  }
  return count;
}

}  // namespace gatewhy
