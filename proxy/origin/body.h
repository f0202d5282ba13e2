// SPDX-License-Identifier: Apache-2.0
// The two ends of one direction of an exchange. A client's stream is one of
// each, and so is an origin's; between them is a Relay (proxy/exchange/relay.h).
// Loop thread only.
#pragma once

#include <string_view>

#include "proxy/net/splice_pipe.h"

namespace gatewhy {

class BodySink {
 public:
  // Content, or bytes of a tunnel. All of it is taken: what the peer does not
  // take yet is kept. May be kept until flush().
  virtual void sendData(std::string_view data) = 0;
  // The last of it, and what ends it: behind content trailers ("Name: value\r\n"
  // each), behind a tunnel's bytes the end of that direction. Sends all.
  virtual void sendEnd(std::string_view data, std::string_view trailers) = 0;
  virtual void flush() = 0;
  // A pipe whose content flush() sends behind what was queued before; to be
  // filled only while nothing blocks. Null where bytes have to be copied.
  [[nodiscard]] virtual SplicePipe* splicePipe() { return nullptr; }
  // The peer takes no more for now. Whoever relays is told when it does again.
  [[nodiscard]] virtual bool sendBlocked() const = 0;

 protected:
  ~BodySink() = default;
};

class BodySource {
 public:
  // The sink takes bytes again: those that wait, and those that come.
  virtual void resumeBody() = 0;

 protected:
  ~BodySource() = default;
};

}  // namespace gatewhy
