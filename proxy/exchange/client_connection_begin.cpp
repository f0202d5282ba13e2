// SPDX-License-Identifier: Apache-2.0
// What comes before HTTP: the PROXY header and the TLS handshake.
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "proxy/exchange/client_address.h"
#include "proxy/exchange/client_connection.h"
#include "proxy/exchange/rate_limiter.h"
#include "proxy/net/proxy_protocol.h"

namespace gatewhy {
namespace {

constexpr std::uint32_t kAnsweredBeyondLimit = 8;  // connections of one client

}  // namespace

void ClientConnection::start() {
  // Behind a balancer the header says who it is.
  if ((state_ != State::ProxyHeader && !countClient()) || !watch_.start(worker_.loop, transport_.fd(), this)) {
    close();
    return;
  }
  if (state_ == State::ProxyHeader && proxy_sender_refused_) {
    rejectConnection(observe(DecisionFault{.cause = Cause::ClientProxyHeaderInvalid,
                                           .detail = "proxy_protocol.from does not list " + facts_.ip,
                                           .size = {},
                                           .limit = {}}));
    return;
  }
  read_timer_kind_ = Timer::ClientHead;
  read_timer_since_ = worker_.loop.turnTime();
  read_timer_.arm(worker_.generation->shared->config->limits.client_head_timeout);
  if (state_ != State::ProxyHeader && tls_) {
    state_ = State::Handshake;  // begins with the client's first byte
  }
  beIdle();
}

// False: it is beyond what one client may have, and is to be closed unheard. A
// few are answered, so that whoever runs the client learns why.
bool ClientConnection::countClient() {
  const std::uint32_t limit = worker_.generation->shared->config->limits.connections_per_client;
  if (limit == 0 || facts_.trusted || facts_.ip.empty() || isLoopbackAddress(facts_.address)) {
    return true;
  }
  const std::uint64_t key = RateLimiter::keyOf(facts_.address);
  counted_ = worker_.counters.census.take(ClientCensus::Kind::Connection, key, limit);
  if (!counted_.held()) {
    counted_ = worker_.counters.census.take(ClientCensus::Kind::Connection, key, limit + kAnsweredBeyondLimit);
    facts_.refused = Cause::ClientConnectionLimit;
  }
  if (!counted_.held()) {
    worker_.floods.note(Flood::ConnectionsOfOne, facts_.ip);
  }
  return counted_.held();
}

void ClientConnection::readProxyHeader() {
  std::array<char, kProxyHeaderLimit> bytes{};
  // Peeked, so that not a byte of what follows is taken from TLS.
  const ssize_t size = ::recv(transport_.fd(), bytes.data(), bytes.size(), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (size <= 0) {
    close();  // nobody spoke: a health check by connect and close
    return;
  }
  ProxyHeader header = parseProxyHeader({bytes.data(), static_cast<std::size_t>(size)});
  if (header.status == ProxyHeader::Status::NeedMore) {
    if (watch_.peerClosed()) {
      header.problem = "the connection ended inside the header";
    } else {
      return;
    }
  }
  if (header.status != ProxyHeader::Status::Done) {
    rejectConnection(observe(DecisionFault{
        .cause = Cause::ClientProxyHeaderInvalid, .detail = std::move(header.problem), .size = {}, .limit = {}}));
    return;
  }
  [[maybe_unused]] const auto taken = ::recv(transport_.fd(), bytes.data(), header.consumed, 0);
  if (header.source) {
    facts_.ip = header.source->ip();
    facts_.port = header.source->port();
    facts_.address = header.source->bytes();
    // Who speaks HTTP is the source; the balancer only passed its bytes on.
    facts_.trusted = isTrusted(*header.source, worker_.generation->shared->config->trusted_proxies);
    if (!countClient()) {
      close();
      return;
    }
  }
  state_ = State::Head;
  readable_ = true;
  if (tls_) {
    state_ = State::Handshake;
    enterHandshake();
  } else {
    pump();
  }
}

// The client has spoken. Before that it costs no more than any idle client,
// and while it waits for a place its hello stays in the kernel.
void ClientConnection::enterHandshake() {
  beBusy();
  const bool counts = !facts_.trusted && !facts_.ip.empty();
  worker_.handshakes.enter(*this, counts ? std::optional(RateLimiter::keyOf(facts_.address)) : std::nullopt);
}

void ClientConnection::onHandshakePlace() {
  beginTls();
  if (transport_.tls()) {
    driveHandshake();
  }
}

// The first in a while has an event of its own; a flood is counted.
void ClientConnection::onHandshakeOverdue() {
  leaveHandshakeGate();
  if (worker_.floods.note(Flood::Handshakes, facts_.ip)) {
    rejectConnection(observe(DecisionFault{.cause = Cause::ClientHandshakeLimit,
                                           .detail = "limits.handshakes",
                                           .size = {},
                                           .limit = worker_.generation->shared->config->limits.handshakes}));
  } else {
    close();
  }
}

void ClientConnection::beginTls() {
  auto session = tls_->newSession();
  if (!session) {
    onHandshakeFailed(session.error());
    return;
  }
  transport_.startTls(std::move(session).value());
  facts_.tls = true;
}

void ClientConnection::driveHandshake() {
  if (!transport_.tls()) {
    if (!waitsForHandshake()) {
      enterHandshake();
    }
    return;
  }
  switch (transport_.handshake()) {
    case HandshakeStatus::WouldBlock:
      return;
    case HandshakeStatus::Done:
      onHandshakeDone();
      return;
    case HandshakeStatus::Failed:
      onHandshakeFailed(transport_.handshakeFault());
      return;
  }
}

void ClientConnection::onHandshakeDone() {
  leaveHandshakeGate();
  state_ = State::Head;
  beIdle();
  facts_.tls_server_name = clientServerName(transport_.ssl());
  facts_.wants_certificate = tls_->wantsClientCertificate();
  if (facts_.wants_certificate) {
    facts_.requires_certificate = tls_->requiresClientCertificate();
    facts_.certificate = clientCertificateFacts(transport_.ssl());
    facts_.identity = clientCertificateIdentity(transport_.ssl());
    facts_.certificate_covers = [ssl = transport_.ssl()](const std::string& host) {
      return servedCertificateCovers(ssl, host);
    };
  }
  readable_ = true;
  pump();
}

void ClientConnection::onHandshakeFailed(TlsFault fault) {
  leaveHandshakeGate();
  if (sawPlainHttp(fault)) {
    // nginx's 497: answered in the language that was spoken.
    transport_.dropTls();
    facts_.tls = false;
    rejectConnection(
        observe(DecisionFault{.cause = Cause::ClientPlaintextOnTls, .detail = {}, .size = {}, .limit = {}}));
    return;
  }
  const bool silent = fault.handshake_bytes_received == 0 && fault.first_bytes.empty() &&
                      (fault.failure == TlsFailure::Eof || fault.failure == TlsFailure::Reset);
  if (silent) {
    close();  // connect and close: a port check
    return;
  }
  rejectConnection(observe(std::move(fault)));
}

}  // namespace gatewhy
