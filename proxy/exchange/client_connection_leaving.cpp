// SPDX-License-Identifier: Apache-2.0
// The end of what a client sends while an exchange runs. A reset is plain; a
// FIN is a client that has said all and waits, or one that has left, as curl at
// Ctrl-C does. TCP tells only when it is sent something: the first
// acknowledges it, the second answers with a reset.
#include <cerrno>

#include "proxy/exchange/client_connection.h"

namespace gatewhy {
namespace {

// RFC 9110 section 15.2.1. Of the interim responses the one that every client
// skips, asked for or not.
constexpr std::string_view kProbe = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr int kMostProbes = 2;
constexpr std::chrono::milliseconds kProbeDelay{100};  // most answers are there by then
constexpr std::chrono::milliseconds kProbeAgain{10000};
constexpr std::chrono::milliseconds kSilenceAfterFin{5000};

}  // namespace

void ClientConnection::onExchangeEnded(const EndFault& end) {
  if (!exchange_) {
    close();
    return;
  }
  const bool orderly =
      end.how == EndFault::How::Fin || end.how == EndFault::How::CloseNotify || end.how == EndFault::How::TlsTruncated;
  if (!orderly || write_broken_) {
    const bool tunnel = exchange_->inTunnel();
    exchange_->onClientFault(
        tunnel ? observe(DecisionFault{.cause = Cause::TunnelResetByClient, .detail = {}, .size = {}, .limit = {}})
               : observe(EndFault{.how = EndFault::How::Reset, .error = end.error}));
    return;
  }
  half_closed_ = true;
  const bool upload = !exchange_->inTunnel() && !exchange_->bodyDone() && !exchange_->responding();
  if (!upload && !write_shut_ && connectionDead()) {
    onClientLeft(true);  // a RST shared the FIN's edge, and no other will tell of it
  } else if (exchange_->inTunnel()) {
    exchange_->onTunnelClientClosed();
  } else if (exchange_->bodyDone()) {
    watchForLeaving();
  } else if (!exchange_->responding()) {
    exchange_->onClientFault(observe(end));
  }  // else answered before the upload ended: it does not send the rest
}

// A TLS client that shuts TCP without close_notify could not be answered: for
// OpenSSL the session is broken by it. Where the request is whole nothing can
// have been cut off, and it is an end like any other.
void ClientConnection::tolerateBareFin() {
  SSL* const ssl = transport_.ssl();
  if (ssl == nullptr) {
    return;
  }
  if (exchange_ && exchange_->bodyDone() && !exchange_->inTunnel()) {
    SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  } else {
    SSL_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
}

// The request is whole and the client's sending side is shut.
void ClientConnection::watchForLeaving() {
  exchange_->noteHalfClose();
  probes_sent_ = 0;
  written_at_fin_ = written_;
  switch (worker_.generation->shared->config->limits.client_abort) {
    case ClientAbort::Finish:
      return;
    case ClientAbort::Cancel:
      onClientLeft(false);
      return;
    case ClientAbort::Probe:
      break;
  }
  if (request_->parser.head().version_minor != 0) {
    request_->leave_timer.arm(exchange_->responding() ? kSilenceAfterFin : kProbeDelay);
  }
}

void ClientConnection::onLeaveTimer() {
  if (settling_ || !exchange_ || exchange_->inTunnel()) {
    return;
  }
  if (exchange_->responding()) {
    // What was sent would have been answered with a reset.
    if (probes_sent_ == 0 && written_ == written_at_fin_ && !unsent()) {
      onClientLeft(false);
    }
    return;
  }
  if (exchange_->waiting() && probes_sent_ < kMostProbes) {
    ++probes_sent_;
    send(kProbe, false);
    request_->leave_timer.arm(kProbeAgain);
  }
}

// No answer can reach it: what the origin still works on is cancelled.
void ClientConnection::onClientLeft(bool reset) {
  if (exchange_->inTunnel()) {
    exchange_->onClientFault(
        observe(DecisionFault{.cause = Cause::TunnelResetByClient, .detail = {}, .size = {}, .limit = {}}));
  } else {
    exchange_->onClientFault(observe(EndFault{.how = EndFault::How::Fin, .reset_after_fin = reset}));
  }
}

}  // namespace gatewhy
