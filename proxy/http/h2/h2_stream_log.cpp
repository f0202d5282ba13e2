// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_stream_log.h"

namespace gatewhy {

void H2StreamLog::advance(Wide id) {
  if (static_cast<std::size_t>(id - last_) / 2 >= kRemembered) {
    opened_.reset();
    ended_.reset();
  } else {
    for (Wide skipped = last_ + 2; skipped <= id; skipped += 2) {
      opened_.reset(slot(skipped));
      ended_.reset(slot(skipped));
    }
  }
  last_ = id;
  opened_.set(slot(id));
}

std::optional<H2StreamLog::Fault> H2StreamLog::onFrame(const H2FrameHead& frame) {
  const bool odd = frame.stream % 2 == 1;  // a client's
  const bool message = frame.type == H2FrameType::Data || frame.type == H2FrameType::Headers;
  if (!odd || (!message && frame.type != H2FrameType::RstStream)) {
    return std::nullopt;
  }
  if (frame.stream > last_) {
    if (frame.type != H2FrameType::Headers) {
      return std::nullopt;  // of an idle stream: for nghttp2 to refuse
    }
    advance(frame.stream);
  } else if (static_cast<std::size_t>(last_ - frame.stream) / 2 >= kRemembered) {
    return std::nullopt;
  } else if (frame.type == H2FrameType::Headers && !opened_.test(slot(frame.stream))) {
    return Fault::Backwards;
  } else if (message && ended_.test(slot(frame.stream))) {
    return Fault::Closed;
  }
  if (!message || frame.has(kH2EndStream)) {
    ended_.set(slot(frame.stream));
  }
  return std::nullopt;
}

}  // namespace gatewhy
