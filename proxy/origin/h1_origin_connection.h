// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "proxy/http/h1_parser.h"
#include "proxy/net/connector.h"
#include "proxy/origin/origin_connection.h"

namespace gatewhy {

// HTTP/1.1: one stream at a time.
class H1OriginConnection final : public OriginConnection, public IoHandler {
 public:
  H1OriginConnection(EventLoop& loop, const HeadLimits& limits, std::unique_ptr<Link> over);

  [[nodiscard]] std::unique_ptr<OriginStream> open(const OriginStreamSetup& setup) override;
  [[nodiscard]] std::uint32_t room() const override { return leases() == 0 && in_step ? 1 : 0; }
  [[nodiscard]] bool draining() const override { return !in_step; }
  void stop() override { link->watch.stop(); }

  // A request begins: events are `handler`'s, and the parser is ready for a head.
  void carry(const RequestHead& request, Strictness strictness, IoHandler& handler);

  std::unique_ptr<Link> link;
  bool readable = false;  // an edge came that nobody has read to its end
  bool in_step = true;    // what comes next is no part of a response that has begun
  ResponseParser parser;  // here, because its memory serves one response after the other

 private:
  bool beginIdle() override;
  void endIdle() override { link->watch.setHandler(nullptr); }
  // While parked. Where an edge brings something, the connection is closed or
  // out of step (RFC 9112 section 9.3: bytes nobody asked for are no response
  // to the next request).
  void onIo(bool readable, bool writable) override;
  // What reading brings while nothing was asked; bytes are noted.
  [[nodiscard]] bool isSilent();

  bool unsent_bounded_ = false;  // for a large request body, see boundUnsentBytes()
};

}  // namespace gatewhy
