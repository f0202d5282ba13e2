// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_early_answers.h"

#include <algorithm>

namespace gatewhy {

void H2EarlyAnswers::onDropped(H2StreamId stream, std::size_t bytes) {
  const auto found = std::ranges::find(uploads_, stream, &Upload::stream);
  if (found != uploads_.end()) {
    found->dropped += bytes;
  }
}

bool H2EarlyAnswers::remove(H2StreamId stream) {
  return std::erase_if(uploads_, [&](const Upload& upload) { return upload.stream == stream; }) != 0;
}

std::optional<H2StreamId> H2EarlyAnswers::takeDue(Instant now) {
  const bool too_many = uploads_.size() > kMost;
  const auto due = std::ranges::find_if(uploads_, [&](const Upload& upload) {
    return too_many || upload.dropped > kMostDropped || now - upload.since >= kPatience;
  });
  if (due == uploads_.end()) {
    return std::nullopt;
  }
  const H2StreamId stream = due->stream;
  uploads_.erase(due);
  return stream;
}

std::optional<H2StreamId> H2EarlyAnswers::takeOldest() {
  if (uploads_.empty()) {
    return std::nullopt;
  }
  const H2StreamId stream = uploads_.front().stream;
  uploads_.erase(uploads_.begin());
  return stream;
}

}  // namespace gatewhy
