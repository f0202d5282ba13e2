// SPDX-License-Identifier: Apache-2.0
// A client's connection: what comes before HTTP (PROXY header, TLS), its place
// among the worker's clients, and an orderly end. HTTP is its session's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/client/client_handshake.h"
#include "proxy/client/client_session.h"
#include "proxy/client/h1_client_streams.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/net/address.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/origin/proxied_client.h"

namespace gatewhy {

class ClientConnection;

class ConnectionOwner {
 public:
  virtual void onConnectionClosed(ClientConnection& connection) = 0;  // bury it

 protected:
  ~ConnectionOwner() = default;
};

struct AcceptedClient {
  Fd fd;
  Address peer;
  bool proxy_protocol = false;
  const std::vector<Cidr>* proxy_senders = nullptr;  // who may send the header; null = anybody; read at once
  bool overloaded = false;                           // over limits.connections: to be told so
  bool redirects_to_https = false;
  Http2Config http2;
  std::shared_ptr<const ListenerTlsContext> tls;  // null = plain
};

class ClientConnection final : public Deferred,
                               public IoHandler,
                               private IdleClient,
                               private HandshakeOwner,
                               private ClientSessionHost {
 public:
  ClientConnection(WorkerContext& worker, H1ClientStreams& streams, ConnectionOwner& owner, AcceptedClient accepted);
  ~ClientConnection() override;

  void start();
  // Where its owner keeps it.
  [[nodiscard]] std::size_t place() const { return place_; }
  void setPlace(std::size_t place) { place_ = place; }
  // Drain: an idle connection gets `grace` to bring one more request.
  void drain(std::chrono::milliseconds grace);
  void abortForDrain();
  // Refuses a head that has not come to its end for `grace`: it holds memory
  // that is short. False: there is none.
  [[nodiscard]] bool refuseSlowHead(std::chrono::milliseconds grace);
  // Memory was short, and is not any more.
  void resumeAfterShortage();

 private:
  enum class State : std::uint8_t {
    ProxyHeader,
    Handshake,
    Preface,  // plain, and its first bytes will say whether it speaks HTTP/2
    Session,
    Linger,
    Closed
  };

  void onIo(bool readable, bool writable) override;
  [[nodiscard]] bool countClient();
  void readProxyHeader();
  void onProxyHeader(const ProxyHeader& header);
  [[nodiscard]] const std::shared_ptr<ProxiedClient>& proxied();
  void enter();  // what follows the PROXY header
  void openHttp1();
  void openHttp2();
  void readPreface();
  [[nodiscard]] ClientWire wire() {
    return {.link = link_, .output = output_, .clock = clock_, .quota = quota_, .facts = facts_};
  }
  void refuse(Fault fault);
  void refuseProxyHeader(std::string detail);

  // HandshakeOwner
  void onHandshakeDone() override;
  void onHandshakeFailed(std::optional<Fault> fault) override;

  // ClientSessionHost
  [[nodiscard]] std::unique_ptr<ClientStreamHandler> newExchange(ClientStream& client,
                                                                 const RequestHead& request) override;
  void onSessionIdle() override;
  void onSessionBusy() override { worker_.idle.remove(*this); }
  void onSessionOver(Farewell farewell) override;

  void onLate();
  void onOpeningLate();
  [[nodiscard]] bool giveWay() override;
  void linger();
  void onLingering(bool writable);
  void close();

  WorkerContext& worker_;
  H1ClientStreams& streams_;
  ConnectionOwner& owner_;
  std::shared_ptr<const ListenerTlsContext> tls_;  // null = plain
  Http2Config http2_;
  ClientFacts facts_;
  ClientCensus::Place counted_;             // among its address's connections
  bool proxy_sender_refused_ = false;       // its address may not send a PROXY header
  std::optional<Address> destination_;      // that its PROXY header tells
  std::shared_ptr<ProxiedClient> proxied_;  // where an origin was told of it
  State state_;
  std::size_t place_ = 0;
  std::uint64_t lingered_ = 0;  // bytes dropped
  Link link_;
  SocketOutput output_;
  ClientClock clock_;
  KeepAliveQuota quota_;
  std::unique_ptr<ClientHandshake> handshake_;  // until it is done
  std::unique_ptr<ClientSession> session_;      // from then on; dies first
};

}  // namespace gatewhy
