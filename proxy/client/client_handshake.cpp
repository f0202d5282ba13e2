// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/client_handshake.h"

#include <openssl/ssl.h>

#include <string_view>
#include <utility>

#include "proxy/exchange/rate_limiter.h"

namespace gatewhy {

namespace {

TlsSession settledSession(const SSL* ssl) {
  const std::string_view version = SSL_get_version(ssl);  // "TLSv1.3"
  constexpr std::string_view kPrefix = "TLSv";
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  return {.version = std::string(version.starts_with(kPrefix) ? version.substr(kPrefix.size()) : version),
          .cipher = SSL_get_cipher_name(ssl),
          .application = std::string(reinterpret_cast<const char*>(protocol), size),
          .server_name = clientServerName(ssl),
          .resumed = SSL_session_reused(ssl) != 0};
}

}  // namespace

void ClientHandshake::onIo() {
  switch (state_) {
    case State::Silent: {
      state_ = State::Waiting;
      const bool counts = !facts_.trusted && !facts_.ip.empty();
      worker_.handshakes.enter(*this, counts ? std::optional(RateLimiter::keyOf(facts_.address)) : std::nullopt);
      return;
    }
    case State::Running:
      drive();
      return;
    case State::Waiting:
    case State::Over:
      return;
  }
}

void ClientHandshake::onHandshakePlace() {
  auto session = tls_.newSession();
  if (!session) {
    fail(session.error());
    return;
  }
  state_ = State::Running;
  began_ = worker_.loop.turnTime();
  transport_.startTls(std::move(session).value());
  facts_.tls = true;
  drive();
}

// The first in a while has an event of its own; a flood is counted.
void ClientHandshake::onHandshakeOverdue() {
  std::optional<Fault> fault;
  if (worker_.floods.note(Flood::Handshakes, facts_.ip)) {
    fault = DecisionFault{.cause = Cause::ClientHandshakeLimit,
                          .detail = "limits.handshakes",
                          .size = {},
                          .limit = worker_.generation->shared->config->limits.handshakes};
  }
  end(std::move(fault));
}

std::optional<Fault> ClientHandshake::onLate(double elapsed_ms) {
  if (state_ == State::Waiting) {
    worker_.floods.note(Flood::Handshakes, facts_.ip);
  }
  if (state_ != State::Running || transport_.handshakeFault().first_bytes.empty()) {
    return std::nullopt;  // not a byte: a client that only connected, or it never began
  }
  const auto limit = worker_.generation->shared->config->limits.client_head_timeout;
  return TimerFault{
      .timer = Timer::ClientTls, .limit_ms = static_cast<std::uint32_t>(limit.count()), .elapsed_ms = elapsed_ms};
}

void ClientHandshake::drive() {
  switch (transport_.handshake()) {
    case HandshakeStatus::WouldBlock:
      return;
    case HandshakeStatus::Done:
      done();
      return;
    case HandshakeStatus::Failed:
      fail(transport_.handshakeFault());
      return;
  }
}

void ClientHandshake::done() {
  leaveHandshakeGate();
  state_ = State::Over;
  SSL* const ssl = transport_.ssl();
  facts_.tls_session = settledSession(ssl);
  facts_.tls_session.handshake_ms = millisBetween(began_, worker_.loop.turnTime());
  facts_.wants_certificate = tls_.wantsClientCertificate();
  if (facts_.wants_certificate) {
    facts_.requires_certificate = tls_.requiresClientCertificate();
    facts_.certificate = clientCertificateFacts(ssl);
    facts_.identity = clientCertificateIdentity(ssl);
  }
  // Browsers send requests for one site on a connection to another where the
  // certificate names both (RFC 9113 section 9.1.1).
  if (facts_.wants_certificate || facts_.tls_session.application == "h2") {
    facts_.certificate_covers = [ssl](const std::string& host) { return servedCertificateCovers(ssl, host); };
  }
  owner_.onHandshakeDone();
}

void ClientHandshake::fail(TlsFault fault) {
  if (sawPlainHttp(fault)) {
    // nginx's 497: answered in the language that was spoken.
    transport_.dropTls();
    facts_.tls = false;
    end(DecisionFault{.cause = Cause::ClientPlaintextOnTls, .detail = {}, .size = {}, .limit = {}});
    return;
  }
  const bool silent = fault.handshake_bytes_received == 0 && fault.first_bytes.empty() &&
                      (fault.failure == TlsFailure::Eof || fault.failure == TlsFailure::Reset);
  if (silent) {
    end(std::nullopt);  // connect and close: a port check
  } else {
    end(std::move(fault));
  }
}

void ClientHandshake::end(std::optional<Fault> fault) {
  leaveHandshakeGate();
  state_ = State::Over;
  owner_.onHandshakeFailed(std::move(fault));
}

}  // namespace gatewhy
