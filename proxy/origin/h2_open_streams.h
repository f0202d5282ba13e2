// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "proxy/http/h2/h2_frame.h"

namespace gatewhy {

// The streams that are open on one connection, by their ids. Ids only grow (RFC
// 9113 section 5.1.1), so that the order in which streams are opened is theirs.
// Whoever adds a stream removes it before it goes. One thread.
template <typename Stream>
class H2OpenStreams {
 public:
  void add(H2StreamId id, Stream& stream) { streams_.push_back({id, &stream}); }
  // False: there is none.
  bool remove(H2StreamId id) {
    const auto found = above(id - 1);
    if (found == streams_.end() || found->id != id) {
      return false;
    }
    streams_.erase(found);
    return true;
  }
  // Null: there is none.
  [[nodiscard]] Stream* find(H2StreamId id) {
    const auto found = above(id - 1);
    return found == streams_.end() || found->id != id ? nullptr : found->stream;
  }
  [[nodiscard]] bool empty() const { return streams_.empty(); }
  // Calls `each` with every stream that is open now and still is when its turn
  // comes: any of them may end others, or open new ones.
  template <typename Each>
  void forEach(Each each) {
    const H2StreamId newest = streams_.empty() ? 0 : streams_.back().id;
    H2StreamId last = 0;
    for (auto next = above(last); next != streams_.end() && next->id <= newest; next = above(last)) {
      last = next->id;
      each(*next->stream);
    }
  }

 private:
  struct Open {
    H2StreamId id;
    Stream* stream;
  };
  // The first above `id`.
  [[nodiscard]] auto above(H2StreamId id) {
    return std::upper_bound(streams_.begin(), streams_.end(), id,
                            [](H2StreamId least, const Open& open) { return least < open.id; });
  }

  std::vector<Open> streams_;
};

}  // namespace gatewhy
