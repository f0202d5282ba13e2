// SPDX-License-Identifier: Apache-2.0
// What has come of a request's body, and the copy of it that is kept: while
// nobody takes the body yet, and from then on where another try could need it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/message.h"

namespace gatewhy {

class RequestBody {
 public:
  // Bytes: bodies up to this size can be sent a second time,
  static constexpr std::size_t kMostKept = 64UL * 1024;
  // and so much is read of one whose request waits for a connection.
  static constexpr std::size_t kMostQueued = 16UL * 1024;

  void begin(const RequestHead& head);
  // More of it, without its framing. `sent_on`: somebody takes it at once.
  void add(std::string_view data, bool sent_on);
  void end(std::string_view trailers);

  // Whether another try could need the copy.
  void wantCopy(bool wanted) { copy_wanted_ = wanted; }
  [[nodiscard]] bool copyWanted() const { return copy_wanted_; }
  // There will be no other try.
  void dropCopy();
  // Likewise, where no copy is wanted; what was kept has been sent on.
  void forgetUnwanted();
  // What came is not all here any more: it cannot be sent again.
  [[nodiscard]] bool incomplete() const { return dropped_; }
  [[nodiscard]] const std::string& copy() const { return copy_; }
  // Bytes that may still be kept while nobody takes the body; `queued`: its
  // request waits for a connection.
  [[nodiscard]] std::size_t room(bool queued) const;

  [[nodiscard]] bool whole() const { return whole_; }                      // nothing is still to come
  [[nodiscard]] bool endsContent() const { return whole_ && announced_; }  // and its end is to be sent
  [[nodiscard]] bool announced() const { return announced_; }              // there is one, if an empty one
  [[nodiscard]] const std::string& trailers() const { return trailers_; }

 private:
  std::string copy_;
  std::string trailers_;
  bool announced_ = false;
  bool whole_ = false;
  bool copy_wanted_ = false;
  bool dropped_ = false;
};

}  // namespace gatewhy
