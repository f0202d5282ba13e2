// SPDX-License-Identifier: Apache-2.0
// Requests that were answered before they had ended (RFC 9113 section 8.1). The
// client may be told at once to stop, by RST_STREAM(NO_ERROR), but curl before
// 8.1 loses the answer where that comes while it has a body to send. So a small
// upload may end first; what comes of it is dropped. Pure: the owner tells what
// happens, and resets what is due. Of one connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "proxy/http/h2/h2_frame.h"

namespace gatewhy {

class H2EarlyAnswers {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMostDropped = std::size_t{64} * 1024;  // bytes of one upload
  static constexpr std::size_t kMost = 16;                             // uploads at a time
  static constexpr std::chrono::seconds kPatience{5};

  [[nodiscard]] std::size_t size() const { return uploads_.size(); }
  // The answer's END_STREAM is on its way.
  void add(H2StreamId stream, Instant now) { uploads_.push_back({.stream = stream, .since = now}); }
  // So much more of it came.
  void onDropped(H2StreamId stream, std::size_t bytes);
  // It is over. False: it is none of these.
  bool remove(H2StreamId stream);
  // The next one that has had enough time or bytes, or is one too many; it is removed.
  [[nodiscard]] std::optional<H2StreamId> takeDue(Instant now);
  [[nodiscard]] std::optional<H2StreamId> takeOldest();
  // When the oldest has had its time.
  [[nodiscard]] std::optional<Instant> due() const {
    return uploads_.empty() ? std::nullopt : std::optional(uploads_.front().since + kPatience);
  }

 private:
  struct Upload {
    H2StreamId stream = 0;
    Instant since{};
    std::size_t dropped = 0;  // bytes
  };
  std::vector<Upload> uploads_;  // the oldest first
};

}  // namespace gatewhy
