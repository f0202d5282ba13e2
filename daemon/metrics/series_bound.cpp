// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/series_bound.h"

namespace gatewhy {

bool SeriesBound::admit(std::uint64_t key, std::size_t lines) {
  if (admitted_.count(key) != 0) {
    return true;
  }
  if (used_ + lines > most_) {
    folded_ += lines;
    return false;
  }
  used_ += lines;
  admitted_.insert(key);
  return true;
}

}  // namespace gatewhy
