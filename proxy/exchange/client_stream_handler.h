// SPDX-License-Identifier: Apache-2.0
// An exchange as the client's session sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/splice_pipe.h"

namespace gatewhy {

class Transport;

class ClientStreamHandler : public Deferred {
 public:
  // The two ways to begin: with a complete head, or with what is wrong.
  virtual void begin() = 0;
  virtual void reject(Observation fault) = 0;

  // Request body without its framing; `last` ends it. Of a tunnel, its bytes; the
  // last is the client's FIN.
  virtual void onBody(std::string_view data, bool last, std::string_view trailers) = 0;
  // Body of which `ahead` bytes are to come, at least kSpliceFrom, may go to the
  // origin uncopied. Ok: so much of it has; Unsupported: to be read.
  [[nodiscard]] virtual SpliceResult spliceBody(Transport& from, std::uint64_t ahead) = 0;
  // What was sent is with the client's kernel, and, once it was asked for, has
  // arrived there or never will.
  virtual void onClientDrained() = 0;
  virtual void onSettled(bool arrived) = 0;
  // The client ended its body before all that it announced had come, behind the
  // head of its answer. No more comes of it; the answer goes on.
  virtual void onShortBody(Observation seen) = 0;
  // The client failed us: reset, late, malformed or cut body.
  virtual void onClientFault(Observation fault) = 0;
  virtual void onDrainDeadline() = 0;
  // The client has sent FIN: when and in which phase matters if it turns out
  // to have gone for good.
  virtual void noteHalfClose() = 0;

  [[nodiscard]] virtual bool bodyDone() const = 0;
  [[nodiscard]] virtual bool inTunnel() const = 0;
  // Both sides speak when they like, and silence of either is no failure.
  [[nodiscard]] virtual bool dialogue() const = 0;
  [[nodiscard]] virtual bool waiting() const = 0;     // for the origin's answer
  [[nodiscard]] virtual bool responding() const = 0;  // it comes
  // Takes body or tunnel bytes now; and where it does, what one read may bring.
  [[nodiscard]] virtual bool wantsBody() const = 0;
  [[nodiscard]] virtual std::size_t bodyRoom() const = 0;
  // The client's reader is asked to wait for nothing but itself.
  // A client that expects 100 (Continue) may wait for it: then the origin is waited for.
  [[nodiscard]] virtual bool waitsForBody() const = 0;
  [[nodiscard]] virtual std::size_t buffered() const = 0;  // bytes of the request that are kept there
};

}  // namespace gatewhy
