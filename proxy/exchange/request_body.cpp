// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/request_body.h"

namespace gatewhy {

void RequestBody::begin(const RequestHead& head) {
  announced_ = head.body != BodyKind::None;
  whole_ = !announced_ || (head.body == BodyKind::Length && head.content_length == 0);
}

void RequestBody::end(std::string_view trailers) {
  whole_ = true;
  trailers_ = trailers;
}

void RequestBody::add(std::string_view data, bool sent_on) {
  if (dropped_) {
    return;
  }
  if (!sent_on || (copy_wanted_ && copy_.size() + data.size() <= kMostKept)) {
    copy_.append(data);
  } else {
    dropCopy();
  }
}

void RequestBody::dropCopy() {
  dropped_ = true;
  std::string().swap(copy_);  // an assignment would keep its room
}

void RequestBody::forgetUnwanted() {
  if (announced_ && !copy_wanted_) {
    dropCopy();
  }
}

std::size_t RequestBody::room(bool queued) const {
  const std::size_t most = queued ? kMostQueued : kMostKept;
  // One that waits its turn is judged by whether it is here. Behind a whole one comes what is a tunnel's.
  const bool kept = !whole_ && !dropped_ && (copy_wanted_ || queued);
  return kept && copy_.size() < most ? most - copy_.size() : 0;
}

}  // namespace gatewhy
