// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/edge_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "config/load.h"
#include "tests/support/pki.h"

namespace gatewhy::test {
namespace {

struct EdgeCertificates {
  PemDirectory directory;
  Identity leaf = selfSigned(CertificateSpec{});
  std::string certificate = directory.certificates("leaf.pem", {&leaf});
  std::string key = directory.key("leaf.key", leaf);

  static const EdgeCertificates& get() {
    static const EdgeCertificates made_once;
    return made_once;
  }
};

// A client may be slow here without being cut.
std::string edgeConfiguration(EdgeWorld::Tls tls) {
  const EdgeCertificates& files = EdgeCertificates::get();
  const std::string listener_tls =
      tls.client ? fmt::format(", tls: {{certificates: [{{certificate: {}, key: {}}}]}}", files.certificate, files.key)
                 : "";
  return fmt::format(
      "listeners: [{{address: \"127.0.0.1:0\"{}}}]\n"
      "origins: {{origin: {{endpoints: [\"{}://127.0.0.1:9\"]{}}}}}\n"
      "limits: {{client_body_timeout: 0}}\n",
      listener_tls, tls.origin ? "https" : "http", tls.origin ? ", tls: {verify: false}" : "");
}

}  // namespace

EdgeWorld::EdgeWorld(Tls tls)
    : tls_(tls), server_context_(SSL_CTX_new(TLS_server_method())), client_context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_use_certificate(server_context_.get(), EdgeCertificates::get().leaf.certificate.get());
  SSL_CTX_use_PrivateKey(server_context_.get(), EdgeCertificates::get().leaf.key.get());
  SSL_CTX_set_num_tickets(server_context_.get(), 0);  // only those that a test asks for
  // What costs time and is not looked at here.
  for (SSL_CTX* context : {server_context_.get(), client_context_.get()}) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cert_verify_callback(
        context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }
  const LoadedConfig loaded =
      loadConfig(edgeConfiguration(tls), "edges.yaml", [](const std::string&) { return std::optional<std::string>(); });
  if (!loaded.config) {
    throw std::runtime_error(format(loaded.problems.front()));
  }
  auto generation = Generation::create(loaded.config, states_);
  if (!generation.ok()) {
    throw std::runtime_error(generation.error().reason);
  }
  makeContext(*loaded.config, std::move(generation).value());
}

void EdgeWorld::makeContext(const Config& config, GenerationPtr generation) {
  auto mine = std::make_shared<WorkerGeneration>();
  mine->shared = std::move(generation);
  mine->resolver = Resolver::create(loop_, config.dns, nullptr);
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    const OriginRuntime& runtime = mine->shared->origins[i];
    mine->pools.push_back(
        std::make_shared<OriginPool>(loop_, config.origins[i], runtime.endpoints, runtime.state, [] {}));
  }
  context_.reset(new WorkerContext(loop_, *this, counters_));
  context_->generation = std::move(mine);
}

EdgeWorld::~EdgeWorld() {
  end();
}

void EdgeWorld::begin() {
  cause_.clear();
  events_ = 0;
  client_ = std::make_unique<Peer>(kernel);
  origin_ = std::make_unique<Peer>(kernel);
  if (tls_.client) {
    client_->speakTls(client_context_.get(), false);
  }
  if (tls_.origin) {
    origin_->speakTls(server_context_.get(), true);
  }
  kernel.expectConnect(&origin_->socket);
  ConnectionOwner& owner = *this;
  connection_ =
      std::make_unique<ClientConnection>(*context_, streams_, owner,
                                         AcceptedClient{.fd = Fd(kernel.open(client_->socket)),
                                                        .peer = *Address::fromIp("192.0.2.1", 1000),
                                                        .tls = context_->generation->shared->listener_tls.front()});
  connection_->start();
}

void EdgeWorld::end() {
  if (client_ == nullptr) {
    return;
  }
  // Ends an exchange, then what lingers behind its answer.
  for (int i = 0; i < 4 && connection_ != nullptr; ++i) {
    connection_->abortForDrain();
    turn();
  }
  for (auto& pool : context_->generation->pools) {
    pool->closeParked();
  }
  turn();
  EXPECT_TRUE(connection_ == nullptr && clientClosed());
  EXPECT_TRUE(origin_->socket.fd < 0 || originClosed());
  kernel.expectConnect(nullptr);
  client_.reset();
  origin_.reset();
}

// What is kicked while kicks are served has its turn in the next one.
void EdgeWorld::turn() {
  for (int i = 0; i < 2; ++i) {
    loop_.turn();
  }
}

void EdgeWorld::settle() {
  bool moved = true;
  while (moved) {
    turn();
    moved = client_->pump();
    moved = origin_->pump() || moved;
  }
}

void EdgeWorld::clientSays(std::string_view text) {
  settle();  // shakes hands
  client_->say(text);
  settle();
}

void EdgeWorld::originSays(std::string_view text) {
  origin_->say(text);
  settle();
}

void EdgeWorld::onConnectionClosed(ClientConnection& connection) {
  EXPECT_EQ(&connection, connection_.get());
  loop_.deferDelete(std::move(connection_));
}

void EdgeWorld::onExchange(const ExchangeEvent& event) {
  ++events_;
  cause_ = event.diagnosis != nullptr ? std::string(name(event.diagnosis->cause)) : "none";
}

}  // namespace gatewhy::test
