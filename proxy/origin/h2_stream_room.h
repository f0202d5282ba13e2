// SPDX-License-Identifier: Apache-2.0
// The streams that a connection of HTTP/2 has still to give: up to its limit
// (RFC 9113 section 5.1.2), and none for a while where its origin refuses them
// nevertheless (RFC 9113 section 8.7). Loop thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "proxy/loop/event_loop.h"

namespace gatewhy {

class H2StreamRoom {
 public:
  // Behind two REFUSED_STREAM in a row another connection has to do for so
  // long. Some origins count a stream for a moment after its end.
  static constexpr std::chrono::milliseconds kPause{50};

  // `on_changed`: a pause has begun, or is over.
  H2StreamRoom(EventLoop& loop, std::function<void()> on_changed)
      : on_changed_(std::move(on_changed)), pause_(loop, [this] { on_changed_(); }) {}

  // So many may be opened now. Of `most` at a time, `open` are; `leased`
  // requests have a place, and some of them have still to open theirs.
  [[nodiscard]] std::uint32_t left(std::uint32_t most, std::size_t open, std::size_t leased) const {
    const std::size_t taken = std::max(open, leased);
    return pause_.armed() ? 0 : static_cast<std::uint32_t>(most - std::min<std::size_t>(most, taken));
  }

  // What the origin says of a stream: REFUSED_STREAM, or a response's head.
  void onRefused() {
    if (std::exchange(refused_, true)) {
      pause_.arm(kPause);
      on_changed_();
    }
  }
  void onAnswered() { refused_ = false; }
  // `on_changed` is not called any more.
  void stop() { pause_.cancel(); }

 private:
  const std::function<void()> on_changed_;
  bool refused_ = false;  // that was its last word
  Deadline pause_;        // while it is armed no stream is given
};

}  // namespace gatewhy
