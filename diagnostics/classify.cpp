// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/classify.h"

#include <cerrno>

#include "diagnostics/classify_rules.h"
#include "diagnostics/peer_name.h"

namespace gatewhy {
namespace {

using How = EndFault::How;

constexpr std::string_view kH2 = "h2";  // by ALPN

// ---- DNS ---------------------------------------------------------------

Cause causeOfDns(const DnsFault& fault) noexcept {
  switch (fault.status) {
    case DnsStatus::NxDomain:
      return Cause::DnsNxdomain;
    case DnsStatus::NoData:
      return Cause::DnsNodata;
    case DnsStatus::ServFail:
      return Cause::DnsServfail;
    case DnsStatus::Refused:
      return Cause::DnsRefused;
    case DnsStatus::FormErr:
    case DnsStatus::NotImp:
    case DnsStatus::BadReply:
      return Cause::DnsBadReply;
    case DnsStatus::ServerUnreachable:
      return Cause::DnsServerUnreachable;
    case DnsStatus::Timeout:
      return Cause::DnsTimeout;
    case DnsStatus::BadName:
      return Cause::DnsNameInvalid;
    case DnsStatus::LocalFailure:
      return Cause::DnsLocalFailure;
  }
  return Cause::ProxyInternalError;
}

// ---- TLS ---------------------------------------------------------------

Cause causeOfTls(const TlsFault& fault, const Observation& seen) noexcept {
  switch (seen.phase) {
    case Phase::ClientRequest:
      return causeOfClientTls(fault);
    case Phase::Routing:
    case Phase::Dns:
    case Phase::Connect:
    case Phase::TlsHandshake:
    case Phase::Internal:
      return causeOfTlsHandshake(fault);
    case Phase::RequestWrite:
    case Phase::ResponseHead:
    case Phase::ResponseBody:
      return causeOfLateTls(fault, seen.bytes.response_received);
    case Phase::Upgrade:
      return Cause::TunnelResetByOrigin;
  }
  return Cause::ProxyInternalError;
}

// ---- bytes that are not HTTP -------------------------------------------

Cause causeOfParse(const ParseFault& fault, const Observation& seen) noexcept {
  switch (seen.phase) {
    case Phase::ClientRequest:
      return causeInRequest(fault.error);
    case Phase::RequestWrite:
    case Phase::ResponseHead:
      // A TLS server answers plain HTTP with an alert record.
      if (!seen.connection.tls && beginsWithTlsAlert(fault.excerpt)) {
        return Cause::TlsExpectedByOrigin;
      }
      return seen.connection.protocol == kH2 ? causeOfH2Message(fault) : causeInResponse(fault.error);
    case Phase::ResponseBody:
    case Phase::Upgrade:
      return seen.connection.protocol == kH2 ? causeOfH2Message(fault) : causeInResponse(fault.error);
    case Phase::Routing:
    case Phase::Dns:
    case Phase::Connect:
    case Phase::TlsHandshake:
    case Phase::Internal:
      break;  // no parser runs there
  }
  return Cause::ProxyInternalError;
}

// ---- time --------------------------------------------------------------

bool windowClosed(const Observation& seen) noexcept {
  return seen.tcp && seen.tcp->snd_wnd_known && seen.tcp->snd_wnd == 0;
}

// The peer's host has gone silent: bytes are repeated and not acknowledged,
// although its window would let them in.
bool pathIsSilent(const Observation& seen) noexcept {
  return requestUnacknowledged(seen) && seen.tcp->retransmits > 0 && !windowClosed(seen);
}

Cause causeOfSendTimer(const Observation& seen) noexcept {
  return pathIsSilent(seen) ? Cause::RequestUnacknowledged : Cause::RequestWriteTimeout;
}

Cause causeOfResponseHeadTimer(const Observation& seen) noexcept {
  if (pathIsSilent(seen)) {
    return Cause::RequestUnacknowledged;
  }
  // The client waits for 100 (Continue) and the origin for the body.
  if (seen.request.awaits_continue && seen.bytes.head_received == 0) {
    return Cause::ContinueTimeout;
  }
  if (seen.bytes.response_received > 0) {
    return Cause::ResponseHeadStalled;
  }
  // All of the request was given to the kernel, but the origin does not take
  // it: that is no slow answer.
  const bool not_read = windowClosed(seen) && seen.tcp->notsent_bytes > 0;
  return not_read ? Cause::RequestWriteTimeout : Cause::ResponseTimeout;
}

Cause causeOfTlsTimer(const Observation& seen) noexcept {
  const bool hello_lost = seen.tcp && seen.tcp->retransmits > 0 && seen.tcp->bytes_acked < seen.bytes.tls_plain_written;
  return hello_lost ? Cause::TlsHelloUnacknowledged : Cause::TlsHandshakeTimeout;
}

Cause causeOfTimer(const TimerFault& fault, const Observation& seen) noexcept {
  switch (fault.timer) {
    case Timer::Resolve:
      return Cause::DnsTimeout;
    case Timer::Connect:
      return Cause::ConnectionTimeout;
    case Timer::TlsHandshake:
      return causeOfTlsTimer(seen);
    case Timer::Send:
      return causeOfSendTimer(seen);
    case Timer::ResponseHead:
      return causeOfResponseHeadTimer(seen);
    case Timer::ResponseIdle:
      return Cause::ResponseIdleTimeout;
    case Timer::Exchange:
    case Timer::GrpcTimeout:
      return Cause::ExchangeTimeout;
    case Timer::Queue:
      return Cause::OriginQueueTimeout;
    case Timer::ClientTls:
      return Cause::ClientTlsFailed;
    case Timer::ClientHead:
      return Cause::ClientHeadTimeout;
    case Timer::ClientBody:
      return Cause::ClientBodyTimeout;
    case Timer::ClientWrite:
      return Cause::ClientWriteTimeout;
    case Timer::ClientRate:
      return Cause::ClientTooSlow;
    case Timer::Tunnel:
      return Cause::TunnelIdleTimeout;
  }
  return Cause::ProxyInternalError;
}

// ---- an end that came too early ----------------------------------------

bool isReset(const EndFault& fault) noexcept {
  return fault.how == How::Reset || (fault.how == How::Error && (fault.error == ECONNRESET || fault.error == EPIPE));
}

bool isOrderly(const EndFault& fault) noexcept {
  return fault.how == How::Fin || fault.how == How::CloseNotify || fault.how == How::TlsTruncated;
}

bool isUnreachable(int error) noexcept {
  return error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN;
}

// A close means nothing by itself: what the client had promised tells a broken
// upload and a wrong Content-Length from a client that lost patience. On HTTP/2
// END_STREAM ends a body, and a close no more than breaks it.
Cause causeOfClientEnd(const EndFault& fault, const Observation& seen) noexcept {
  const ByteFacts& bytes = seen.bytes;
  if (breaksTunnel(seen)) {
    return Cause::TunnelResetByClient;
  }
  const bool in_body = !bytes.last_line.empty() && !bytes.request_complete;
  if (!in_body) {
    return Cause::ClientClosedRequest;
  }
  const bool only_fin = (fault.how == How::Fin || fault.how == How::CloseNotify) && !fault.reset_after_fin;
  return only_fin && !bytes.stream ? Cause::ClientLengthMismatch : Cause::ClientAbortedUpload;
}

// ETIMEDOUT: TCP_USER_TIMEOUT while bytes are unacknowledged, or keep-alive
// probes when all are.
Cause causeOfDeadPath(const Observation& seen) noexcept {
  const bool unacknowledged = seen.tcp ? requestUnacknowledged(seen) : !seen.bytes.request_complete;
  return unacknowledged ? Cause::RequestUnacknowledged : Cause::OriginKeepaliveFailed;
}

// An origin that closes without reading answers our bytes with RST and has
// acknowledged none of them.
bool closedUnread(const EndFault& fault, const Observation& seen) noexcept {
  if (seen.bytes.request_written == 0) {
    return true;
  }
  if (fault.reset_after_fin) {
    // Of TLS, TCP counts the handshake too, which was acknowledged.
    return !seen.tcp ||
           (seen.connection.tls ? seen.tcp->bytes_acked < seen.bytes.tls_plain_written : seen.tcp->bytes_acked == 0);
  }
  const bool fresh_plain = !seen.connection.reused && !seen.connection.tls;
  return isReset(fault) && fresh_plain && seen.tcp && seen.tcp->bytes_acked == 0;
}

// read() or write() failed on this host, not at the peer.
Cause causeOfLocalError(int error) noexcept {
  switch (error) {
    case ENOBUFS:
    case ENOMEM:
      return Cause::ProxyMemoryExhausted;
    case EPERM:  // an output filter took the packet
      return Cause::LocalFirewallDenied;
    default:
      return Cause::ProxyInternalError;
  }
}

Cause causeOfEndBeforeResponse(const EndFault& fault, const Observation& seen) noexcept {
  if (!isReset(fault) && !isOrderly(fault)) {
    return causeOfLocalError(fault.error);
  }
  if (closedUnread(fault, seen)) {
    return Cause::ConnectionClosedBeforeRequest;
  }
  if (!seen.bytes.request_complete && (fault.on_write || seen.phase == Phase::RequestWrite)) {
    return Cause::RequestWriteReset;
  }
  return isReset(fault) ? Cause::ResetBeforeResponse : Cause::EmptyResponse;
}

Cause causeOfEndAroundHead(const EndFault& fault, const Observation& seen) noexcept {
  const bool silent = seen.bytes.response_received == 0;
  if (seen.connection.reused && silent && (isReset(fault) || isOrderly(fault))) {
    return Cause::StaleConnection;
  }
  if (fault.error == ETIMEDOUT) {
    return causeOfDeadPath(seen);
  }
  if (isUnreachable(fault.error)) {
    return Cause::RequestUnacknowledged;
  }
  return silent ? causeOfEndBeforeResponse(fault, seen) : Cause::ResponseHeadIncomplete;
}

Cause causeOfEndInBody(const EndFault& fault, const ByteFacts& bytes) noexcept {
  switch (fault.how) {
    case How::Fin:
    case How::CloseNotify:
      return Cause::ResponseBodyTruncated;
    case How::TlsTruncated:
      // Only a body that runs until the close depends on close_notify.
      return bytes.body_expected || bytes.last_line == "chunked" ? Cause::ResponseBodyTruncated
                                                                 : Cause::ResponseTlsTruncated;
    case How::Reset:
    case How::Error:
      return fault.error == ETIMEDOUT ? Cause::OriginKeepaliveFailed : Cause::ResponseBodyReset;
  }
  return Cause::ProxyInternalError;
}

Cause causeOfEnd(const EndFault& fault, const Observation& seen) noexcept {
  switch (seen.phase) {
    case Phase::ClientRequest:
      return causeOfClientEnd(fault, seen);
    case Phase::TlsHandshake:
      return isOrderly(fault) ? Cause::TlsConnectionClosed : Cause::TlsConnectionReset;
    case Phase::RequestWrite:
    case Phase::ResponseHead:
      return causeOfEndAroundHead(fault, seen);
    case Phase::ResponseBody:
      return causeOfEndInBody(fault, seen.bytes);
    case Phase::Upgrade:
      return Cause::TunnelResetByOrigin;
    case Phase::Routing:
    case Phase::Dns:
    case Phase::Connect:
    case Phase::Internal:
      break;  // no stream is open there
  }
  return Cause::ProxyInternalError;
}

// ---- a 101 that may not be passed on -----------------------------------

Cause causeOfUpgrade(const UpgradeFault& fault) noexcept {
  return fault.rule == UpgradeRule::Unsolicited ? Cause::UpgradeUnsolicited : Cause::UpgradeInvalid;
}

// One overload per alternative of Fault: a new one does not compile until it
// has a rule.
struct Rules {
  const Observation& seen;

  Cause operator()(const DnsFault& fault) const noexcept { return causeOfDns(fault); }
  Cause operator()(const ConnectFault& fault) const noexcept { return causeOfConnect(fault, seen.connection); }
  Cause operator()(const TlsFault& fault) const noexcept { return causeOfTls(fault, seen); }
  Cause operator()(const ParseFault& fault) const noexcept { return causeOfParse(fault, seen); }
  Cause operator()(const TimerFault& fault) const noexcept { return causeOfTimer(fault, seen); }
  Cause operator()(const EndFault& fault) const noexcept { return causeOfEnd(fault, seen); }
  Cause operator()(const UpgradeFault& fault) const noexcept { return causeOfUpgrade(fault); }
  Cause operator()(const StreamFault& fault) const noexcept { return causeOfStream(fault, seen); }
  Cause operator()(const DecisionFault& fault) const noexcept { return fault.cause; }
};

}  // namespace

bool requestUnacknowledged(const Observation& observation) noexcept {
  if (!observation.tcp) {
    return false;
  }
  const TcpSnapshot& tcp = *observation.tcp;
  const ByteFacts& bytes = observation.bytes;
  // Segments in flight alone mislead: with the route gone there are none and
  // the bytes sit unsent. On a reused connection bytes_acked counts earlier
  // requests too, so that it can only miss, not accuse.
  // Of HTTP/2 it counts packed fields and other requests: it says nothing.
  const std::uint64_t written = observation.connection.protocol == kH2 ? 0
                                : observation.connection.tls           ? bytes.tls_plain_written
                                                                       : bytes.request_written;
  return tcp.unacked > 0 || tcp.notsent_bytes > 0 || tcp.bytes_acked < written;
}

bool onlyInterims(const Observation& observation) noexcept {
  return !observation.bytes.interims.empty() && observation.bytes.head_received == 0;
}

bool headDripped(const Observation& observation) noexcept {
  const auto* timer = std::get_if<TimerFault>(&observation.fault);
  const ByteFacts& bytes = observation.bytes;
  return timer != nullptr && timer->timer == Timer::ResponseHead && bytes.head_received > 0 && bytes.silent_ms &&
         *bytes.silent_ms < timer->elapsed_ms / 2;
}

Cause classifyFault(const Observation& observation) noexcept {
  return std::visit(Rules{observation}, observation.fault);
}

Cause classify(const Observation& observation) noexcept {
  const Cause cause = classifyFault(observation);
  return observation.login.service.empty() || cause == Cause::LoginServiceDenied ? cause : Cause::LoginServiceFailed;
}

}  // namespace gatewhy
