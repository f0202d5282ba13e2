// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop/requested_deadline.h"

#include <algorithm>
#include <bit>

namespace gatewhy {

void RequestedDeadline::arm(TimePoint at) {
  at_ = at;
  constexpr std::uint64_t kLongestStep = std::uint64_t{1} << 30;  // twelve days
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - EventLoop::now()).count();
  const std::uint64_t step = std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(left, 1)));
  step_.arm(std::chrono::milliseconds(static_cast<std::int64_t>(std::min(step, kLongestStep))));
}

void RequestedDeadline::onStep() {
  if (EventLoop::now() >= at_) {
    on_expired_();
  } else {
    arm(at_);
  }
}

}  // namespace gatewhy
