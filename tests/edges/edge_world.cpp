// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/edge_world.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/load.h"
#include "tests/support/pki.h"

namespace gatewhy::test {
namespace {

struct Certificates {
  PemDirectory directory;
  Identity leaf = selfSigned(CertificateSpec{});
  std::string certificate = directory.certificates("leaf.pem", {&leaf});
  std::string key = directory.key("leaf.key", leaf);

  static const Certificates& get() {
    static const Certificates made_once;
    return made_once;
  }
};

std::string configuration(EdgeWorld::Tls tls) {
  const Certificates& files = Certificates::get();
  const std::string listener_tls =
      tls.client ? fmt::format(", tls: {{certificates: [{{certificate: {}, key: {}}}]}}", files.certificate, files.key)
                 : "";
  return fmt::format(
      "listeners: [{{address: \"127.0.0.1:0\"{}}}]\n"
      "origins:\n"
      "  origin: {{endpoints: [\"{}://127.0.0.1:9\"], tls: {{verify: false}}, eject: {{failures: 1000000}}}}\n"
      "limits: {{client_body_timeout: 0}}\n",
      listener_tls, tls.origin ? "https" : "http");
}

}  // namespace

// ---- a peer -------------------------------------------------------------

Peer::~Peer() {
  kernel_.forget(socket);
}

void Peer::speakTls(SSL_CTX* context, bool server) {
  server_ = server;
  ssl_.reset(SSL_new(context));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
}

bool Peer::pump() {
  const std::string written = std::exchange(socket.out, {});
  if (ssl_ == nullptr) {
    heard += written;
    return !written.empty();
  }
  if (!written.empty()) {
    BIO_write(SSL_get_rbio(ssl_.get()), written.data(), static_cast<int>(written.size()));
  }
  char buffer[4096];
  int got = 0;
  while ((got = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0) {  // shakes hands too
    heard.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t before = socket.in.size();
  flush();
  return !written.empty() || socket.in.size() != before;
}

void Peer::flush() {
  char buffer[16384];
  int got = 0;
  while (ssl_ != nullptr && (got = BIO_read(SSL_get_wbio(ssl_.get()), buffer, sizeof buffer)) > 0) {
    socket.in.append(buffer, static_cast<std::size_t>(got));
    socket.pending = true;
  }
}

void Peer::sendPartOfFlight(std::size_t parts) {
  if (flight_.empty()) {
    pump();
    flight_ = std::exchange(socket.in, {});
  }
  const std::size_t size = flight_.size() / parts;
  socket.in += flight_.substr(size * part_++, size);
  socket.pending = true;
}

void Peer::say(std::string_view text) {
  if (ssl_ != nullptr) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
    flush();
  } else {
    socket.in += text;
  }
  socket.pending = true;
}

void Peer::sayNothing() {
  EXPECT_EQ(server_ ? SSL_new_session_ticket(ssl_.get()) : SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
  flush();
}

void Peer::closeNotify() {
  SSL_shutdown(ssl_.get());
  flush();
}

void Peer::fin() {
  socket.fin = socket.pending = true;
}

void Peer::reset() {
  socket.reset = socket.pending = true;
}

// ---- the world ----------------------------------------------------------

EdgeWorld::EdgeWorld(Tls tls) : tls_(tls) {
  server_context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(server_context_.get(), Certificates::get().leaf.certificate.get());
  SSL_CTX_use_PrivateKey(server_context_.get(), Certificates::get().leaf.key.get());
  SSL_CTX_set_num_tickets(server_context_.get(), 0);  // those that a test asks for
  client_context_.reset(SSL_CTX_new(TLS_client_method()));
  LoadedConfig loaded =
      loadConfig(configuration(tls), "edges.yaml", [](const std::string&) { return std::optional<std::string>(); });
  EXPECT_TRUE(loaded.config) << (loaded.problems.empty() ? "" : format(loaded.problems.front()));
  auto generation = Generation::create(loaded.config, states_);
  EXPECT_TRUE(generation.ok());
  auto mine = std::make_shared<WorkerGeneration>();
  mine->shared = std::move(generation).value();
  mine->resolver = Resolver::create(loop_, loaded.config->dns);
  for (std::size_t i = 0; i < loaded.config->origins.size(); ++i) {
    const OriginRuntime& runtime = mine->shared->origins[i];
    mine->pools.push_back(
        std::make_unique<OriginPool>(loop_, loaded.config->origins[i], runtime.endpoints, runtime.state, [] {}));
  }
  context_.reset(new WorkerContext{.loop = loop_,
                                   .sink = *this,
                                   .counters = counters_,
                                   .in_flight = counters_.exchanges_in_flight.newPart(),
                                   .requests = ClientRequests(loop_),
                                   .pipes = {},
                                   .ids = {},
                                   .generation = std::move(mine),
                                   .scratch = {}});
}

EdgeWorld::~EdgeWorld() {
  end();
}

void EdgeWorld::begin() {
  cause_.clear();
  origin_held_ = false;
  client_ = std::make_unique<Peer>(kernel);
  origin_ = std::make_unique<Peer>(kernel);
  if (tls_.client) {
    client_->speakTls(client_context_.get(), false);
  }
  if (tls_.origin) {
    origin_->speakTls(server_context_.get(), true);
  }
  kernel.expectConnect(origin_->socket);
  ConnectionOwner& owner = *this;
  connection_ =
      std::make_unique<ClientConnection>(*context_, owner,
                                         AcceptedClient{.fd = Fd(kernel.open(client_->socket)),
                                                        .peer = *Address::fromIp("192.0.2.1", 1000),
                                                        .tls = context_->generation->shared->listener_tls.front()});
  connection_->start();
}

void EdgeWorld::end() {
  if (client_ == nullptr) {
    return;
  }
  for (int i = 0; i < 4 && connection_ != nullptr; ++i) {
    connection_->abortForDrain();
    turn();
  }
  for (auto& pool : context_->generation->pools) {
    pool->closeParked();
  }
  [[maybe_unused]] const FakeSocket* unused = kernel.takeNext();
  turn();
  EXPECT_TRUE(connection_ == nullptr && client_->socket.closed);
  EXPECT_TRUE(origin_->socket.fd < 0 || origin_->socket.closed);
  client_.reset();
  origin_.reset();
}

// Kicks may lead to kicks, and what is buried dies a turn later.
void EdgeWorld::turn() {
  for (int i = 0; i < 3; ++i) {
    loop_.turn();
  }
}

void EdgeWorld::settle() {
  bool moved = true;
  while (moved) {
    turn();
    moved = client_->pump();
    moved = (!origin_held_ && origin_->pump()) || moved;
  }
}

void EdgeWorld::onConnectionClosed(ClientConnection& connection) {
  EXPECT_EQ(&connection, connection_.get());
  loop_.deferDelete(std::move(connection_));
}

void EdgeWorld::onExchange(const ExchangeEvent& event) {
  cause_ = event.diagnosis != nullptr ? std::string(name(event.diagnosis->cause)) : "none";
}

}  // namespace gatewhy::test
