// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/report/time_series.h"

#include <algorithm>

namespace gatewhy {
namespace {

std::int64_t floorTo(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

}  // namespace

TimeAxis TimeAxis::extend(std::int64_t second) {
  const TimeAxis before = *this;
  first_ = empty_ ? second : std::min(first_, second);
  last_ = empty_ ? second : std::max(last_, second);
  empty_ = false;
  begin_ = floorTo(first_, width_);
  while ((last_ - begin_) / width_ >= static_cast<std::int64_t>(kTimeSlots)) {
    width_ *= 2;
    begin_ = floorTo(first_, width_);
  }
  return before;
}

void TimeAxis::note(std::int64_t second) {
  first_ = std::min(first_, second);
  last_ = std::max(last_, second);
}

TimeCounts TimeAxis::moved(const TimeCounts& counts, const TimeAxis& before) const {
  TimeCounts out{};
  if (before.empty_) {
    return out;
  }
  for (std::size_t i = 0; i < kTimeSlots; ++i) {
    if (counts[i] != 0) {
      // Widths are doubled and begins are multiples of them, so that a slot falls into one.
      out[slotOf(before.begin_ + static_cast<std::int64_t>(i) * before.width_)] += counts[i];
    }
  }
  return out;
}

std::size_t TimeAxis::slotsPerColumn(std::size_t columns) const {
  const std::size_t used = empty_ ? 0 : slotOf(last_) + 1;
  return std::max<std::size_t>(1, (used + columns - 1) / std::max<std::size_t>(columns, 1));
}

std::int64_t TimeAxis::secondsPerColumn(std::size_t columns) const {
  return width_ * static_cast<std::int64_t>(slotsPerColumn(columns));
}

std::vector<std::uint64_t> TimeAxis::columns(const TimeCounts& counts, std::size_t columns) const {
  std::vector<std::uint64_t> out;
  if (empty_) {
    return out;
  }
  const std::size_t each = slotsPerColumn(columns);
  for (std::size_t i = 0; i <= slotOf(last_); ++i) {
    if (i % each == 0) {
      out.push_back(0);
    }
    out.back() += counts[i];
  }
  return out;
}

}  // namespace gatewhy
