// SPDX-License-Identifier: Apache-2.0
// A worker's objects, from the client's connection to the event, on a fake
// kernel, and the two peers of one exchange.
#pragma once

#include <memory>
#include <string>

#include "proxy/client/client_connection.h"
#include "proxy/client/h1_client_streams.h"
#include "proxy/net/tls_setup.h"
#include "tests/edges/fake_kernel.h"
#include "tests/edges/peer.h"

namespace gatewhy::test {

class EdgeWorld final : private ConnectionOwner, private EventSink {
 public:
  struct Tls {
    bool origin = false;
    bool client = false;
  };
  explicit EdgeWorld(Tls tls);
  ~EdgeWorld() override;

  // A client that has connected, and an origin that will take a connection.
  void begin();
  void end();  // and everything is closed
  void turn();
  void settle();  // until nothing moves by itself any more
  void clientSays(std::string_view text);
  void originSays(std::string_view text);

  [[nodiscard]] Peer& client() { return *client_; }
  [[nodiscard]] Peer& origin() { return *origin_; }
  [[nodiscard]] bool originClosed() const { return origin_->socket.closed; }
  [[nodiscard]] bool clientClosed() const { return client_->socket.closed; }
  [[nodiscard]] const std::string& cause() const { return cause_; }  // of the exchange's event; "" before it
  [[nodiscard]] std::size_t events() const { return events_; }       // since begin()
  FakeKernel kernel;

 private:
  void makeContext(const Config& config, GenerationPtr generation);
  void onConnectionClosed(ClientConnection& connection) override;
  void attach(EventLoop& /*loop*/) override {}
  void onExchange(const ExchangeEvent& event) override;
  void onLifecycle(const LifecycleEvent& /*event*/) override {}

  EventLoop loop_;
  ProxyCounters counters_;
  SharedStates states_;
  Tls tls_;
  std::string cause_;
  std::size_t events_ = 0;
  H1ClientStreams streams_{loop_};
  SslCtxPtr server_context_, client_context_;
  std::unique_ptr<WorkerContext> context_;
  std::unique_ptr<Peer> client_, origin_;
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace gatewhy::test
