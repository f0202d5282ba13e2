// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/classify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "observations.h"

namespace gatewhy {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): builders of this folder
using How = EndFault::How;

struct Example {
  std::string what;
  Observation observation;
  Cause cause;
};
using Examples = std::vector<Example>;

Examples dnsExamples() {
  return {
      {"nxdomain", resolving(DnsStatus::NxDomain), Cause::DnsNxdomain},
      {"nodata", resolving(DnsStatus::NoData), Cause::DnsNodata},
      {"servfail", resolving(DnsStatus::ServFail), Cause::DnsServfail},
      {"refused", resolving(DnsStatus::Refused), Cause::DnsRefused},
      {"formerr", resolving(DnsStatus::FormErr), Cause::DnsBadReply},
      {"notimp", resolving(DnsStatus::NotImp), Cause::DnsBadReply},
      {"bad reply", resolving(DnsStatus::BadReply), Cause::DnsBadReply},
      {"no server", resolving(DnsStatus::ServerUnreachable), Cause::DnsServerUnreachable},
      {"timeout", resolving(DnsStatus::Timeout), Cause::DnsTimeout},
      {"resolve timer", timedOut(Timer::Resolve), Cause::DnsTimeout},
      {"bad name", resolving(DnsStatus::BadName), Cause::DnsNameInvalid},
      {"local", resolving(DnsStatus::LocalFailure), Cause::DnsLocalFailure},
  };
}

Examples connectExamples() {
  return {
      {"EMFILE", connecting(ConnectCall::Socket, EMFILE), Cause::ProxyFdExhausted},
      {"ENFILE", connecting(ConnectCall::Socket, ENFILE), Cause::ProxyFdExhausted},
      {"ENOBUFS", connecting(ConnectCall::Socket, ENOBUFS), Cause::ProxyMemoryExhausted},
      {"ENOMEM", connecting(ConnectCall::Socket, ENOMEM), Cause::ProxyMemoryExhausted},
      {"no IPv6", connecting(ConnectCall::Socket, EAFNOSUPPORT), Cause::AddressFamilyUnsupported},
      {"socket() EDOM", connecting(ConnectCall::Socket, EDOM), Cause::ProxyInternalError},
      {"bind", connecting(ConnectCall::Bind, EADDRNOTAVAIL), Cause::SourceAddressUnavailable},
      {"bind, port in use", connecting(ConnectCall::Bind, EADDRINUSE), Cause::SourceAddressUnavailable},
      {"no route here", connecting(ConnectCall::Connect, ENETUNREACH), Cause::NetworkUnreachable},
      {"unreachable route", connecting(ConnectCall::Connect, EHOSTUNREACH), Cause::HostUnreachable},
      {"prohibit route", connecting(ConnectCall::Connect, EACCES), Cause::DestinationIpProhibited},
      {"local filter", connecting(ConnectCall::Connect, EPERM), Cause::LocalFirewallDenied},
      {"blackhole route", toPeer(connecting(ConnectCall::Connect, EINVAL), "192.0.2.7:80"), Cause::LocalRouteBlackhole},
      {"link-local", toPeer(connecting(ConnectCall::Connect, EINVAL), "[fe80::1]:80"), Cause::AddressFamilyUnsupported},
      {"ports gone", connecting(ConnectCall::Connect, EADDRNOTAVAIL), Cause::SourcePortsExhausted},
      {"tuple in use", connecting(ConnectCall::Connect, EADDRINUSE), Cause::SourceAddressUnavailable},
      {"refused at once", connecting(ConnectCall::Connect, ECONNREFUSED), Cause::ConnectionRefused},
      {"RST", connecting(ConnectCall::SoError, ECONNREFUSED), Cause::ConnectionRefused},
      {"reset", connecting(ConnectCall::SoError, ECONNRESET), Cause::ConnectionRefused},
      {"SYN retries over", connecting(ConnectCall::SoError, ETIMEDOUT), Cause::ConnectionTimeout},
      {"connect timer", connecting(ConnectCall::Timer, 0), Cause::ConnectionTimeout},
      {"connect timer of the exchange", timedOut(Timer::Connect), Cause::ConnectionTimeout},
      {"ARP", connecting(ConnectCall::SoError, EHOSTUNREACH), Cause::NeighborUnresolved},
      {"ENETUNREACH", connecting(ConnectCall::SoError, ENETUNREACH), Cause::NetworkUnreachable},
      {"EACCES later", connecting(ConnectCall::SoError, EACCES), Cause::ConnectionAdminProhibited},
      {"ENOPROTOOPT", connecting(ConnectCall::SoError, ENOPROTOOPT), Cause::ConnectionIcmpError},
      {"EHOSTDOWN", connecting(ConnectCall::SoError, EHOSTDOWN), Cause::ConnectionIcmpError},
      {"ENONET", connecting(ConnectCall::SoError, ENONET), Cause::ConnectionIcmpError},
      {"EDOM", connecting(ConnectCall::SoError, EDOM), Cause::ProxyInternalError},
      {"self", connecting(ConnectCall::SelfConnect, 0), Cause::SelfConnect},
      {"policy", connecting(ConnectCall::Policy, 0), Cause::DestinationIpProhibited},
      {"unix ENOENT", connectingUnix(ENOENT), Cause::UnixSocketMissing},
      {"unix ENOTDIR", connectingUnix(ENOTDIR), Cause::UnixSocketMissing},
      {"unix ECONNREFUSED", connectingUnix(ECONNREFUSED), Cause::UnixSocketRefused},
      {"unix ENOTSOCK", connectingUnix(ENOTSOCK), Cause::UnixSocketRefused},
      {"unix EPROTOTYPE", connectingUnix(EPROTOTYPE), Cause::UnixSocketRefused},
      {"unix EAGAIN", connectingUnix(EAGAIN), Cause::UnixSocketBusy},
      {"unix EACCES", connectingUnix(EACCES), Cause::UnixSocketDenied},
      {"unix EPERM", connectingUnix(EPERM), Cause::UnixSocketDenied},
  };
}

Examples icmpExamples() {
  Examples examples{
      {"ICMP port", icmp4(3, ECONNREFUSED), Cause::ConnectionRefusedByFirewall},
      {"ICMPv6 port", icmp6(4, ECONNREFUSED), Cause::ConnectionRefusedByFirewall},
      {"ICMPv6 no route", icmp6(0, ENETUNREACH), Cause::NetworkUnreachable},
      {"ICMPv6 address", icmp6(3, EHOSTUNREACH), Cause::HostUnreachable},
      {"ICMPv6 scope", icmp6(2, EHOSTUNREACH), Cause::HostUnreachable},
  };
  const auto add4 = [&](std::initializer_list<int> codes, int error, Cause cause) {
    for (const int code : codes) {
      examples.push_back({"ICMP 3/" + std::to_string(code), icmp4(static_cast<std::uint8_t>(code), error), cause});
    }
  };
  add4({0, 6, 11}, ENETUNREACH, Cause::NetworkUnreachable);
  add4({1, 12, 14, 15}, EHOSTUNREACH, Cause::HostUnreachable);
  add4({9}, ENETUNREACH, Cause::ConnectionAdminProhibited);
  add4({10, 13}, EHOSTUNREACH, Cause::ConnectionAdminProhibited);
  add4({2}, ENOPROTOOPT, Cause::ConnectionIcmpError);
  add4({5}, EOPNOTSUPP, Cause::ConnectionIcmpError);
  add4({7}, EHOSTDOWN, Cause::ConnectionIcmpError);
  add4({8}, ENONET, Cause::ConnectionIcmpError);
  for (const int code : {1, 5, 6}) {
    examples.push_back({"ICMPv6 1/" + std::to_string(code), icmp6(static_cast<std::uint8_t>(code), EACCES),
                        Cause::ConnectionAdminProhibited});
  }
  return examples;
}

Examples tlsExamples() {
  const TlsFault asked{
      .failure = TlsFailure::AlertReceived, .alert = 40, .server_hello_seen = true, .certificate_requested = true};
  TlsFault shown = asked;
  shown.certificate_presented = true;
  TlsFault unknown_ca = shown;
  unknown_ca.alert = 48;
  TlsFault bad_certificate = asked;
  bad_certificate.alert = 42;
  TlsFault internal_error = shown;
  internal_error.alert = 80;
  TlsFault hello_then_40 = asked;
  hello_then_40.certificate_requested = false;
  return {
      {"timeout", handshaking(TlsFailure::Timeout), Cause::TlsHandshakeTimeout},
      {"hello lost", handshaking(TlsFault{.failure = TlsFailure::Timeout, .hello_acknowledged = false}),
       Cause::TlsHelloUnacknowledged},
      {"timer, hello lost",
       seen(Phase::TlsHandshake, TimerFault{.timer = Timer::TlsHandshake}, {.tls_plain_written = 517},
            {.retransmits = 3}),
       Cause::TlsHelloUnacknowledged},
      {"timer", timedOut(Timer::TlsHandshake), Cause::TlsHandshakeTimeout},
      {"eof", handshaking(TlsFailure::Eof), Cause::TlsConnectionClosed},
      {"close_notify", handshaking(TlsFailure::CloseNotify), Cause::TlsConnectionClosed},
      {"reset", handshaking(TlsFailure::Reset), Cause::TlsConnectionReset},
      {"io", handshaking(TlsFailure::Io), Cause::TlsConnectionReset},
      {"not TLS", handshaking(TlsFailure::NotTls), Cause::TlsNotSpoken},
      {"alert 40", alerted(40), Cause::TlsNoSharedParameters},
      {"alert 40, certificate asked", handshaking(asked), Cause::TlsClientCertificateRequired},
      {"alert 40, certificate shown", handshaking(shown), Cause::TlsClientCertificateRejected},
      {"alert 40 after ServerHello", handshaking(hello_then_40), Cause::TlsAlertReceived},
      {"alert 48, certificate shown", handshaking(unknown_ca), Cause::TlsClientCertificateRejected},
      {"alert 42, certificate asked", handshaking(bad_certificate), Cause::TlsClientCertificateRequired},
      {"alert 80, certificate shown", handshaking(internal_error), Cause::TlsAlertReceived},
      {"alert 70", alerted(70), Cause::TlsVersionMismatch},
      {"alert 71", alerted(71), Cause::TlsNoSharedParameters},
      {"alert 80", alerted(80), Cause::TlsAlertReceived},
      {"alert 112", alerted(112), Cause::TlsUnrecognizedName},
      {"alert 116", alerted(116), Cause::TlsClientCertificateRequired},
      {"alert 120", alerted(120), Cause::TlsAlpnMismatch},
      {"alert 200", alerted(200), Cause::TlsAlertReceived},
      {"version, local", handshaking(TlsFault{.failure = TlsFailure::Protocol, .version_unsupported = true}),
       Cause::TlsVersionMismatch},
      {"ciphers, local", handshaking(TlsFault{.failure = TlsFailure::AlertSent, .no_shared_parameters = true}),
       Cause::TlsNoSharedParameters},
      {"alert sent", handshaking(TlsFailure::AlertSent), Cause::TlsProtocolError},
      {"protocol", handshaking(TlsFailure::Protocol), Cause::TlsProtocolError},
      {"alpn", handshaking(TlsFailure::Alpn), Cause::TlsAlpnMismatch},
      {"setup", handshaking(TlsFailure::Setup), Cause::TlsSetupFailed},
      {"memory", handshaking(TlsFailure::Memory), Cause::ProxyMemoryExhausted},
      {"client side", seen(Phase::ClientRequest, TlsFault{.failure = TlsFailure::AlertReceived, .alert = 48}),
       Cause::ClientTlsFailed},
      {"client timer", timedOut(Timer::ClientTls), Cause::ClientTlsFailed},
  };
}

Examples certificateExamples() {
  Examples examples{
      {"none", badCertificate({}), Cause::TlsCertificateInvalid},
      {"issuer unknown, leaf alone", badCertificate({20, 21}, 1), Cause::TlsCertificateChainIncomplete},
      {"issuer unknown, chain", badCertificate({20}, 2), Cause::TlsCertificateUntrustedRoot},
      {"name and expiry", badCertificate({62, 10}), Cause::TlsCertificateExpired},
      {"self-signed, then expired", badCertificate({18, 10}), Cause::TlsCertificateSelfSigned},
  };
  const auto add = [&](std::initializer_list<int> codes, Cause cause) {
    for (const int code : codes) {
      examples.push_back({"X509 " + std::to_string(code), badCertificate({code}), cause});
    }
  };
  add({23}, Cause::TlsCertificateRevoked);
  add({3, 8, 11, 12, 33, 35, 44, 73}, Cause::TlsCertificateRevocationUnknown);
  add({9}, Cause::TlsCertificateNotYetValid);
  add({10}, Cause::TlsCertificateExpired);
  add({18}, Cause::TlsCertificateSelfSigned);
  add({19}, Cause::TlsCertificateUntrustedRoot);
  add({22, 24, 25, 32, 37, 47, 48, 79}, Cause::TlsCertificateInvalidChain);
  add({26}, Cause::TlsCertificateWrongUsage);
  add({62, 64}, Cause::TlsCertificateNameMismatch);
  add({66, 67, 68}, Cause::TlsCertificateWeak);
  add({7, 65}, Cause::TlsCertificateInvalid);
  const auto of_client = [&](std::initializer_list<int> codes, Cause cause) {
    for (const int code : codes) {
      Observation refused = badCertificate({code});
      refused.phase = Phase::ClientRequest;
      examples.push_back({"client's, X509 " + std::to_string(code), refused, cause});
    }
  };
  of_client({23}, Cause::ClientCertificateRevoked);
  of_client({3, 8, 11, 12}, Cause::ClientCertificateRevocationUnknown);
  of_client({10, 18, 20, 26}, Cause::ClientCertificateInvalid);
  return examples;
}

Examples lateTlsExamples() {
  TlsFault rejected = lateAlert(48);
  rejected.certificate_presented = true;
  TlsFault failure_asked = lateAlert(40);
  failure_asked.certificate_requested = true;
  const TlsFault bad_record{.failure = TlsFailure::Protocol, .reason = "decryption failed or bad record mac"};
  return {
      {"late 116", seen(Phase::ResponseHead, lateAlert(116)), Cause::TlsClientCertificateRequired},
      {"late 116 while writing", seen(Phase::RequestWrite, lateAlert(116)), Cause::TlsClientCertificateRequired},
      {"late 48", seen(Phase::ResponseHead, rejected), Cause::TlsClientCertificateRejected},
      {"late 42, none shown", seen(Phase::ResponseHead, lateAlert(42)), Cause::TlsClientCertificateRequired},
      {"late 40, asked", seen(Phase::ResponseHead, failure_asked), Cause::TlsClientCertificateRequired},
      {"late 80", seen(Phase::ResponseHead, lateAlert(80)), Cause::TlsErrorAfterHandshake},
      {"116 in the head", seen(Phase::ResponseHead, lateAlert(116), {.response_received = 5}),
       Cause::TlsErrorAfterHandshake},
      {"bad record", seen(Phase::ResponseBody, bad_record), Cause::TlsErrorAfterHandshake},
  };
}

Examples endExamples() {
  const EndFault fin{.how = How::Fin};
  const EndFault reset{.how = How::Reset, .error = ECONNRESET};
  const EndFault epipe{.how = How::Error, .error = EPIPE, .on_write = true};
  const EndFault dead{.how = How::Error, .error = ETIMEDOUT};
  const ByteFacts half{.request_written = 100};
  const TcpSnapshot acknowledged{.bytes_acked = 100};
  const TcpSnapshot nothing_read{.bytes_acked = 0};
  const TcpSnapshot unsent{.notsent_bytes = 20, .bytes_acked = 80};
  return {
      {"stale, FIN", reused(seen(Phase::ResponseHead, fin, requestSent())), Cause::StaleConnection},
      {"stale, RST", reused(seen(Phase::ResponseHead, reset, requestSent())), Cause::StaleConnection},
      {"stale, EPIPE", reused(seen(Phase::RequestWrite, epipe, half)), Cause::StaleConnection},
      {"reused, but it spoke", reused(seen(Phase::ResponseHead, fin, {.response_received = 9})),
       Cause::ResponseHeadIncomplete},
      {"before the request", seen(Phase::RequestWrite, reset), Cause::ConnectionClosedBeforeRequest},
      {"FIN, then RST", seen(Phase::ResponseHead, EndFault{.how = How::Fin, .reset_after_fin = true}, requestSent()),
       Cause::ConnectionClosedBeforeRequest},
      {"head read, then FIN in the upload",
       seen(Phase::RequestWrite, EndFault{.how = How::Fin, .reset_after_fin = true}, half, acknowledged),
       Cause::RequestWriteReset},
      {"RST, nothing read", seen(Phase::ResponseHead, reset, requestSent(), nothing_read),
       Cause::ConnectionClosedBeforeRequest},
      {"write broken", seen(Phase::RequestWrite, epipe, half, acknowledged), Cause::RequestWriteReset},
      {"RST", seen(Phase::ResponseHead, reset, requestSent(), acknowledged), Cause::ResetBeforeResponse},
      {"FIN", seen(Phase::ResponseHead, fin, requestSent()), Cause::EmptyResponse},
      {"close_notify", overTls(seen(Phase::ResponseHead, EndFault{.how = How::CloseNotify}, requestSent())),
       Cause::EmptyResponse},
      {"half a head", seen(Phase::ResponseHead, reset, {.response_received = 9}), Cause::ResponseHeadIncomplete},
      {"dead path, bytes out", seen(Phase::ResponseHead, dead, requestSent(), unsent), Cause::RequestUnacknowledged},
      {"dead path, all read", seen(Phase::ResponseHead, dead, requestSent(), acknowledged),
       Cause::OriginKeepaliveFailed},
      {"dead path, reused", reused(seen(Phase::ResponseHead, dead, requestSent(), acknowledged)),
       Cause::OriginKeepaliveFailed},
      {"dead path, no TCP_INFO", seen(Phase::RequestWrite, dead, half), Cause::RequestUnacknowledged},
      {"route lost", seen(Phase::ResponseHead, EndFault{.how = How::Error, .error = EHOSTUNREACH}, requestSent()),
       Cause::RequestUnacknowledged},
      {"local memory", seen(Phase::RequestWrite, EndFault{.how = How::Error, .error = ENOBUFS}, half),
       Cause::ProxyMemoryExhausted},
      {"unknown errno", seen(Phase::ResponseHead, EndFault{.how = How::Error, .error = EDOM}, requestSent()),
       Cause::ProxyInternalError},
      {"body FIN", seen(Phase::ResponseBody, fin, {.body_expected = 10}), Cause::ResponseBodyTruncated},
      {"body RST", seen(Phase::ResponseBody, reset), Cause::ResponseBodyReset},
      {"body, dead path", seen(Phase::ResponseBody, dead), Cause::OriginKeepaliveFailed},
      {"body until close", seen(Phase::ResponseBody, EndFault{.how = How::TlsTruncated}), Cause::ResponseTlsTruncated},
      {"body by length", seen(Phase::ResponseBody, EndFault{.how = How::TlsTruncated}, {.body_expected = 10}),
       Cause::ResponseBodyTruncated},
      {"chunked body", seen(Phase::ResponseBody, EndFault{.how = How::TlsTruncated}, {.last_line = "chunked"}),
       Cause::ResponseBodyTruncated},
      {"tunnel", seen(Phase::Upgrade, reset), Cause::TunnelResetByOrigin},
      {"handshake", seen(Phase::TlsHandshake, fin), Cause::TlsConnectionClosed},
      {"no stream", seen(Phase::Dns, fin), Cause::ProxyInternalError},
      {"client left", seen(Phase::ClientRequest, fin, requestSent()), Cause::ClientClosedRequest},
      {"client left in its head", seen(Phase::ClientRequest, reset), Cause::ClientClosedRequest},
      {"client FIN in its body", seen(Phase::ClientRequest, fin, {.body_expected = 9, .last_line = "A: b"}),
       Cause::ClientLengthMismatch},
      {"client RST in its body", seen(Phase::ClientRequest, reset, {.body_expected = 9, .last_line = "A: b"}),
       Cause::ClientAbortedUpload},
  };
}

Observation expectingContinue(ByteFacts bytes) {
  Observation waiting = seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead}, std::move(bytes));
  waiting.request.awaits_continue = true;
  return waiting;
}

Examples timerExamples() {
  const auto waiting = [](Timer timer, ByteFacts bytes, TcpSnapshot tcp) {
    return seen(Phase::ResponseHead, TimerFault{.timer = timer}, std::move(bytes), tcp);
  };
  const TcpSnapshot closed_window{.notsent_bytes = 500, .bytes_acked = 50, .snd_wnd = 0, .snd_wnd_known = true};
  const TcpSnapshot lost{.retransmits = 4, .unacked = 1, .bytes_acked = 50, .snd_wnd = 900, .snd_wnd_known = true};
  const TcpSnapshot acknowledged{.retransmits = 4, .bytes_acked = 100, .snd_wnd = 900, .snd_wnd_known = true};
  return {
      {"send, window closed", waiting(Timer::Send, {.request_written = 1000}, closed_window),
       Cause::RequestWriteTimeout},
      {"send, lost", waiting(Timer::Send, {.request_written = 1000}, lost), Cause::RequestUnacknowledged},
      {"send, no TCP_INFO", timedOut(Timer::Send), Cause::RequestWriteTimeout},
      {"head, acknowledged", waiting(Timer::ResponseHead, requestSent(100), acknowledged), Cause::ResponseTimeout},
      {"head, lost", waiting(Timer::ResponseHead, requestSent(100), lost), Cause::RequestUnacknowledged},
      {"head, not read", waiting(Timer::ResponseHead, requestSent(1000), closed_window), Cause::RequestWriteTimeout},
      {"head, no TCP_INFO", timedOut(Timer::ResponseHead), Cause::ResponseTimeout},
      {"head, begun", waiting(Timer::ResponseHead, {.request_complete = true, .response_received = 3}, acknowledged),
       Cause::ResponseHeadStalled},
      {"head, 100 (Continue) owed", expectingContinue({}), Cause::ContinueTimeout},
      {"head, 100 (Continue) owed after 102", expectingContinue({.response_received = 30, .interims = {102}}),
       Cause::ContinueTimeout},
      {"head, 100 (Continue) owed, and a final head begun",
       expectingContinue({.response_received = 9, .head_received = 9}), Cause::ResponseHeadStalled},
      {"upgrade, unsolicited", seen(Phase::Upgrade, UpgradeFault{}), Cause::UpgradeUnsolicited},
      {"upgrade, invalid", seen(Phase::Upgrade, UpgradeFault{.rule = UpgradeRule::AcceptDiffers}),
       Cause::UpgradeInvalid},
      {"stream, reset", seen(Phase::ClientRequest, StreamFault{.how = StreamFault::How::Reset}),
       Cause::ClientClosedRequest},
      {"stream, reset in the body",
       seen(Phase::ClientRequest, StreamFault{.how = StreamFault::How::Reset}, {.last_line = "A: b"}),
       Cause::ClientAbortedUpload},
      {"stream, GOAWAY", seen(Phase::ClientRequest, StreamFault{.how = StreamFault::How::GoAway}),
       Cause::ClientClosedRequest},
      {"stream, protocol", seen(Phase::ClientRequest, StreamFault{}), Cause::ClientH2Error},
      {"stream, flood", seen(Phase::ClientRequest, StreamFault{.how = StreamFault::How::Flood}), Cause::ClientH2Error},
      {"stream, stalled", seen(Phase::ClientRequest, StreamFault{.how = StreamFault::How::Stalled}),
       Cause::ClientWriteTimeout},
      {"body", timedOut(Timer::ResponseIdle), Cause::ResponseIdleTimeout},
      {"exchange", timedOut(Timer::Exchange), Cause::ExchangeTimeout},
      {"queue", timedOut(Timer::Queue), Cause::OriginQueueTimeout},
      {"client head", timedOut(Timer::ClientHead), Cause::ClientHeadTimeout},
      {"client body", timedOut(Timer::ClientBody), Cause::ClientBodyTimeout},
      {"client write", timedOut(Timer::ClientWrite), Cause::ClientWriteTimeout},
      {"client rate", timedOut(Timer::ClientRate), Cause::ClientTooSlow},
      {"tunnel", timedOut(Timer::Tunnel), Cause::TunnelIdleTimeout},
  };
}

Examples parseExamples() {
  const ParseFault alert{.error = ParseError::NotHttp, .excerpt = std::string("\x15\x03\x01\x00\x02\x02\x46", 7)};
  Examples examples{
      {"TLS alert on plain", seen(Phase::ResponseHead, alert), Cause::TlsExpectedByOrigin},
      {"TLS alert inside TLS", overTls(seen(Phase::ResponseHead, alert)), Cause::ResponseNotHttp},
      {"no parser there", seen(Phase::Connect, alert), Cause::ProxyInternalError},
  };
#define PARSE_ERROR(enumerator, text, request, response, description)                                      \
  examples.push_back(                                                                                      \
      {"request: " text, seen(Phase::ClientRequest, ParseFault{ParseError::enumerator}), Cause::request}); \
  examples.push_back(                                                                                      \
      {"response: " text, seen(Phase::ResponseHead, ParseFault{ParseError::enumerator}), Cause::response});
#include "diagnostics/parse_errors.def"
#undef PARSE_ERROR
  return examples;
}

// One for each cause; classify_h2_test.cpp has all.
Examples h2Examples() {
  const auto by_origin = [](Phase phase, StreamFault fault) { return seen(phase, std::move(fault)); };
  const auto fault = [](StreamFault::How how, std::uint32_t code) { return StreamFault{.how = how, .code = code}; };
  Observation trailer = seen(Phase::ResponseBody, ParseFault{.error = ParseError::TrailerInvalid});
  trailer.connection.protocol = "h2";
  return {
      {"window", by_origin(Phase::RequestWrite, fault(StreamFault::How::Stalled, 8)), Cause::H2FlowControlStalled},
      {"GOAWAY", by_origin(Phase::RequestWrite, fault(StreamFault::How::GoAway, 0)), Cause::H2GoawayClean},
      {"GOAWAY, error", by_origin(Phase::ResponseBody, fault(StreamFault::How::GoAway, 2)), Cause::H2GoawayError},
      {"REFUSED_STREAM", by_origin(Phase::ResponseHead, fault(StreamFault::How::Reset, 7)), Cause::H2RefusedStream},
      {"RST_STREAM", by_origin(Phase::ResponseHead, fault(StreamFault::How::Reset, 2)), Cause::H2StreamReset},
      {"HTTP/1.1", by_origin(Phase::ResponseHead, fault(StreamFault::How::Reset, 13)), Cause::H2Http11Required},
      {"frame", by_origin(Phase::ResponseHead, fault(StreamFault::How::Protocol, 1)), Cause::H2ProtocolError},
      {"trailer", trailer, Cause::H2TrailersMalformed},
  };
}

Examples allExamples() {
  Examples all;
  for (const auto& part : {dnsExamples(), connectExamples(), icmpExamples(), tlsExamples(), certificateExamples(),
                           lateTlsExamples(), endExamples(), timerExamples(), parseExamples(), h2Examples()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// Causes that are a decision of the gateway: no observation leads to them.
const std::set<Cause>& decisions() {
  static const std::set<Cause> causes{
      Cause::ClientMethodUnsupported,
      Cause::ClientUpgradeRequired,
      Cause::ClientMisdirected,
      Cause::ClientTargetAmbiguous,
      Cause::ClientBodyTooLarge,
      Cause::ClientLengthRequired,
      Cause::ClientIdleClosed,
      Cause::ClientPlaintextOnTls,
      Cause::ClientCertificateMissing,
      Cause::ClientProxyHeaderInvalid,
      Cause::ClientConnectionLimit,
      Cause::ClientHandshakeLimit,
      Cause::NoRoute,
      Cause::FixedResponse,
      Cause::SilentDrop,
      Cause::RequestDenied,
      Cause::RateLimited,
      Cause::ClientCredentialsMissing,
      Cause::ClientCredentialsInvalid,
      Cause::ClientLoginLimit,
      Cause::LoginQueueFull,
      Cause::LoginServiceDenied,
      Cause::LoginServiceFailed,
      Cause::ProxyLoop,
      Cause::RewriteFailed,
      Cause::NoHealthyEndpoint,
      Cause::OriginConnectionLimit,
      Cause::ResponseBeforeRequestEnd,
      Cause::HealthStatusUnexpected,
      Cause::ResponseTooManyInterim,
      Cause::ResponseUnsolicited,
      Cause::ResponseExtraData,
      Cause::ResponseBodyTooLarge,
      Cause::ResponseContentCodingError,
      Cause::UpgradeRefused,
      Cause::UpgradeNotAllowed,
      Cause::TunnelResetByClient,
      Cause::ProxyOverloaded,
      Cause::ProxyDraining,
      Cause::EndpointRemoved,
      Cause::ProxyConfigurationError,
  };
  return causes;
}

TEST(Classify, NamesTheCauseOfEveryExample) {
  for (const Example& example : allExamples()) {
    EXPECT_EQ(name(classify(example.observation)), name(example.cause)) << example.what;
  }
}

TEST(Classify, EveryCauseHasAnExampleOrIsADecision) {
  std::set<Cause> classified;
  for (const Example& example : allExamples()) {
    classified.insert(example.cause);
  }
  for (const CauseInfo& row : allCauses()) {
    const bool decided = decisions().contains(row.cause);
    EXPECT_NE(classified.contains(row.cause), decided)
        << row.name << (decided ? ": listed, but an example leads to it" : ": no example leads to it");
  }
}

TEST(Classify, ADecisionIsItsOwnCause) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_EQ(classify(seen(row.phase, DecisionFault{.cause = row.cause})), row.cause) << row.name;
  }
}

TEST(Classify, AHeadDripsWhereBytesCameInTheSecondHalfOfTheWait) {
  Observation waiting = seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead, .elapsed_ms = 1000},
                             {.response_received = 30, .head_received = 30, .silent_ms = 20});
  EXPECT_TRUE(headDripped(waiting));
  waiting.bytes.silent_ms = 900;
  EXPECT_FALSE(headDripped(waiting));
  waiting.bytes = {.response_received = 30, .interims = {103}, .silent_ms = 20};
  EXPECT_FALSE(headDripped(waiting)) << "of the head that is waited for, nothing came";
  EXPECT_TRUE(onlyInterims(waiting));
}

TEST(Classify, UnacknowledgedBytesOverTlsAreCountedAsTheKernelGotThem) {
  // 300 octets of HTTP became 900 with the handshake and the records.
  const ByteFacts bytes{.request_written = 300, .request_complete = true, .tls_plain_written = 900};
  const TcpSnapshot tcp{.retransmits = 2, .bytes_acked = 600};
  const Observation waiting = seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead}, bytes, tcp);
  EXPECT_EQ(classify(overTls(waiting)), Cause::RequestUnacknowledged);
  EXPECT_EQ(classify(waiting), Cause::ResponseTimeout);
}

}  // namespace
}  // namespace gatewhy
