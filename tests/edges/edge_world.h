// SPDX-License-Identifier: Apache-2.0
// A worker's objects, from the client's connection to the event, on a fake
// kernel; and the two peers, which do what a test says when it says it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/client_connection.h"
#include "tests/edges/fake_kernel.h"

namespace gatewhy::test {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// One peer's end of a connection, plain or TLS 1.3.
class Peer {
 public:
  explicit Peer(FakeKernel& kernel) : kernel_(kernel) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void speakTls(SSL_CTX* context, bool server);
  // Takes what the product wrote, and answers where TLS has to. True: something moved.
  bool pump();
  // The next of `parts` equal parts of what TLS would send now: a handshake in pieces.
  void sendPartOfFlight(std::size_t parts);
  void say(std::string_view text);
  void sayNothing();  // a record without a byte for HTTP: a session ticket, or a client's KeyUpdate
  void closeNotify();
  void fin();
  void reset();
  void edge() { socket.pending = true; }  // one that brings nothing new

  FakeSocket socket;
  std::string heard;

 private:
  void flush();

  FakeKernel& kernel_;
  SslPtr ssl_;
  bool server_ = false;
  std::string flight_;
  std::size_t part_ = 0;
};

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
  // Without its answer to the first bytes of the handshake.
  void holdOrigin() { origin_held_ = true; }

  [[nodiscard]] Peer& client() { return *client_; }
  [[nodiscard]] Peer& origin() { return *origin_; }
  [[nodiscard]] const std::string& cause() const { return cause_; }  // of the exchange's event; "" before it
  FakeKernel kernel;

 private:
  void onConnectionClosed(ClientConnection& connection) override;
  void attach(EventLoop& /*loop*/) override {}
  void onExchange(const ExchangeEvent& event) override;
  void onLifecycle(const LifecycleEvent& /*event*/) override {}

  EventLoop loop_;
  ProxyCounters counters_;
  SharedStates states_;
  Tls tls_;
  bool origin_held_ = false;
  std::string cause_;
  SslContext server_context_, client_context_;
  std::unique_ptr<WorkerContext> context_;
  std::unique_ptr<Peer> client_, origin_;
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace gatewhy::test
