// SPDX-License-Identifier: Apache-2.0
// What a session with a client, which speaks HTTP, asks of the connection that
// carries it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "proxy/client/client_clock.h"
#include "proxy/client/keepalive_quota.h"
#include "proxy/exchange/client_stream.h"
#include "proxy/exchange/client_stream_handler.h"
#include "proxy/http/message.h"
#include "proxy/net/connector.h"
#include "proxy/net/socket_output.h"

namespace gatewhy {

// The connection's parts, which the session works with. They outlive it.
struct ClientWire {
  Link& link;
  SocketOutput& output;
  ClientClock& clock;
  KeepAliveQuota& quota;
  const ClientFacts& facts;
};

// How a connection ends behind its session.
enum class Farewell : std::uint8_t {
  Linger,  // what the client still sends is read and dropped, so that it can read the answer
  Shut,    // FIN, where TLS behind close_notify; nothing more can come
  Close,
  Reset,  // RST: the message must not look complete
};

class ClientSessionHost {
 public:
  [[nodiscard]] virtual std::unique_ptr<ClientStreamHandler> newExchange(ClientStream& client,
                                                                         const RequestHead& request) = 0;
  virtual void onSessionIdle() = 0;  // it waits for nothing but a request
  virtual void onSessionBusy() = 0;
  virtual void onSessionOver(Farewell farewell) = 0;

 protected:
  ~ClientSessionHost() = default;
};

// HTTP with one client, in one version. Its connection destroys it only after
// the callback that ended it has returned.
class ClientSession {
 public:
  virtual ~ClientSession() = default;
  virtual void onIo(bool readable, bool writable) = 0;
  virtual void onLate(ClientClock::Wait wait) = 0;
  // Drain: whoever waits for nothing but a request gets `grace` to bring one more.
  virtual void drain(std::chrono::milliseconds grace) = 0;
  virtual void abortForDrain() = 0;
  // Of a head that has not come to its end for `grace`. False: there is none.
  [[nodiscard]] virtual bool refuseSlowHead(std::chrono::milliseconds grace) = 0;
  // Memory was short, and is not any more.
  virtual void resumeAfterShortage() = 0;
  // The connection is closed.
  virtual void close() = 0;
};

}  // namespace gatewhy
