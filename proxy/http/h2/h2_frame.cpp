// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_frame.h"

#include <algorithm>
#include <cstring>

namespace gatewhy {

H2FrameHead readH2FrameHead(const std::array<std::uint8_t, kH2FrameHead>& octets) noexcept {
  const auto octet = [&octets](std::size_t at) { return static_cast<std::uint32_t>(octets[at]); };
  H2FrameHead head;
  head.length = octet(0) << 16 | octet(1) << 8 | octet(2);
  head.type = static_cast<H2FrameType>(octets[3]);
  head.flags = octets[4];
  head.stream = static_cast<H2StreamId>((octet(5) & 0x7f) << 24 | octet(6) << 16 | octet(7) << 8 | octet(8));
  return head;
}

H2FrameScanner::Step H2FrameScanner::next(std::string_view bytes) {
  Step step;
  if (skip_ != 0) {
    step.taken = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
    skip_ -= step.taken;
  } else {
    step.taken = std::min(kH2FrameHead - have_, bytes.size());
    std::memcpy(octets_.data() + have_, bytes.data(), step.taken);
    have_ += step.taken;
  }
  offset_ += step.taken;
  if (have_ == kH2FrameHead) {
    have_ = 0;
    step.head = readH2FrameHead(octets_);
    skip_ = step.head->length;
    frame_at_ = offset_ - kH2FrameHead;
  }
  return step;
}

}  // namespace gatewhy
