// SPDX-License-Identifier: Apache-2.0
// What a peer has said of the latest streams, also of those that are long
// forgotten: whether a client opened them, and whether the peer ended its side. A
// frame that is in flight when we reset a stream is nobody's fault; one behind
// the peer's own end is (RFC 9113 section 5.1). Pure.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proxy/http/h2/h2_frame.h"

namespace gatewhy {

class H2StreamLog {
 public:
  enum class Fault : std::uint8_t {
    Backwards,  // a stream below one that was opened before (section 5.1.1)
    Closed,     // DATA or HEADERS behind the peer's END_STREAM or RST_STREAM
  };
  // We are the client, and have opened it.
  void onOpened(H2StreamId stream) { advance(stream); }
  // Of every frame that comes, in order.
  [[nodiscard]] std::optional<Fault> onFrame(const H2FrameHead& frame);

 private:
  static constexpr std::size_t kRemembered = 256;  // the latest streams
  using Wide = std::int64_t;                       // one beyond the highest id is a number too
  static std::size_t slot(Wide id) { return static_cast<std::size_t>(id) / 2 % kRemembered; }
  void advance(Wide id);

  Wide last_ = -1;  // the highest that was opened
  std::bitset<kRemembered> opened_, ended_;
};

}  // namespace gatewhy
