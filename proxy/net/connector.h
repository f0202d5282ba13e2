// SPDX-License-Identifier: Apache-2.0
// Resolve, connect (Happy Eyeballs, RFC 8305), TLS handshake: one fresh
// connection to one endpoint, a step each, every failure with its evidence.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/event.h"
#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"
#include "proxy/net/resolver.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"

namespace gatewhy {

// A socket and its event, which move together. The watch stops first.
struct Link {
  Transport transport;
  IoWatch watch;  // declared last: destroyed first
};

// Why one address did not work.
struct AddressFailure {
  std::string peer_address;
  Observation observation;
  Timings timings;
};

struct Connected {
  std::unique_ptr<Link> link;  // handler not set: take it over before returning to the loop
  std::string peer_address;
  DnsFacts dns;
  Timings timings;                       // resolve, connect, tls_handshake
  std::vector<AddressFailure> failures;  // addresses that failed before this one worked
  bool http2 = false;                    // that is spoken, by ALPN or prior knowledge
  // Readiness seen together with the connect or handshake: the peer already
  // spoke or closed.
  bool readable = false;
};

class ConnectObserver {
 public:
  // Exactly one of these is called, once, never from inside start(). The
  // connector may be destroyed (deferred) from inside.
  virtual void onConnected(Connected connected) = 0;
  // Never empty; the one that got furthest is last (the last one on a tie).
  virtual void onConnectFailed(std::vector<AddressFailure> failures) = 0;

 protected:
  ~ConnectObserver() = default;
};

struct ConnectTarget {
  const EndpointConfig* endpoint = nullptr;             // outlives the connector
  std::optional<Address> address = {};                  // of a host behind its name; absent: the name is resolved
  DnsFacts dns = {};                                    // of that address
  bool brief = false;                                   // the connection ends before keep-alive probes would begin
  const OriginTimeouts* timeouts = nullptr;             // outlives the connector
  const OriginTlsContext* tls = nullptr;                // https endpoints; outlives the connector
  EndpointHttp http = EndpointHttp::Http1;              // over TLS offered by ALPN, else spoken
  const std::vector<Address>* own_listeners = nullptr;  // an endpoint that resolves to one is a loop
  std::string proxy_header;                             // goes first, before TLS; "" = none
};

class Connector : public Deferred {
 public:
  [[nodiscard]] static std::unique_ptr<Connector> create(EventLoop& loop, Resolver& resolver,
                                                         const ConnectTarget& target, ConnectObserver& observer);
  // Begins. Destroying the connector at any time cancels everything it does;
  // the observer is not called after that.
  virtual void start() = 0;
  // The observer is not called any more. For who must defer the destruction:
  // until the turn ends, its sockets may still have something to say.
  virtual void cancel() = 0;
  // Where it is now, for an exchange timeout or a client abort: phase and
  // timings so far.
  [[nodiscard]] virtual Phase phase() const = 0;
  [[nodiscard]] virtual Timings timings() const = 0;
  [[nodiscard]] virtual std::string peerAddress() const = 0;  // "" before an address is tried
};

}  // namespace gatewhy
