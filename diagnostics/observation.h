// SPDX-License-Identifier: Apache-2.0
// What one attempt (or the client side of an exchange) saw when it failed:
// plain values, copied at the point where the failure happened, because errno
// and the OpenSSL queue are gone a call later. No judgement here: classify()
// makes a Cause of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "diagnostics/cause.h"

namespace gatewhy {

// ---- DNS --------------------------------------------------------------

enum class DnsStatus : std::uint8_t {
  NxDomain,
  NoData,
  ServFail,
  Refused,
  FormErr,
  NotImp,
  BadReply,           // the bytes are no DNS answer to our question
  ServerUnreachable,  // no configured server could be reached
  Timeout,
  BadName,
  LocalFailure,  // memory, descriptors, cancelled
};
[[nodiscard]] std::string_view name(DnsStatus status) noexcept;  // "NXDOMAIN"

// What one DNS server answered (or did not).
struct DnsServerAnswer {
  std::string server;  // "192.0.2.1:53"
  std::string type;    // "A" or "AAAA"
  DnsStatus status = DnsStatus::Timeout;
  double elapsed_ms = 0;
};

struct DnsFault {
  DnsStatus status = DnsStatus::LocalFailure;
  std::string host;                       // the name really asked
  std::vector<std::string> searched;      // all that were, in order, where a search list made several
  int ares_status = 0;                    // c-ares number, 0 where it was our own timer
  std::optional<int> rcode;               // RFC 1035 / 6895, where a server answered
  std::optional<std::uint16_t> ede_code;  // RFC 8914 extended error
  std::string ede_text;
  std::vector<std::string> cname_chain;  // names after `host`, in order
  bool cname_loop = false;
  std::vector<DnsServerAnswer> servers;   // in the order asked
  std::optional<std::uint32_t> limit_ms;  // set where the resolve timer ended it
  double elapsed_ms = 0;
};

// Addresses are used past their TTL because DNS is out of order.
struct StaleDns {
  DnsStatus status = DnsStatus::Timeout;  // what DNS says instead
  double age_ms = 0;                      // since their TTL ended
};

// Where the addresses that were tried came from, where that is worth telling.
struct DnsFacts {
  std::string name;  // the name really asked; "" where it is the endpoint's
  std::optional<StaleDns> stale;
};

// ---- TCP connect ------------------------------------------------------

enum class ConnectCall : std::uint8_t {
  Socket,       // socket() failed
  Bind,         // bind() to a source address failed
  Connect,      // connect() itself failed: this host said no
  SoError,      // SO_ERROR after waiting: the network or the peer said no
  Timer,        // timeouts.connect ran out
  SelfConnect,  // TCP simultaneous open with ourselves
  Policy,       // the address may not be used, nothing was tried
};
[[nodiscard]] std::string_view name(ConnectCall call) noexcept;  // "connect", "SO_ERROR"

// From the socket's error queue (IP_RECVERR, ip(7)).
struct IcmpError {
  bool v6 = false;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::string sender;  // the router or host that said it
};

struct ConnectFault {
  ConnectCall call = ConnectCall::SoError;
  int error = 0;  // errno, 0 for Timer and SelfConnect
  std::optional<IcmpError> icmp;
  bool unix_socket = false;
  std::uint32_t limit_ms = 0;  // Timer
  double elapsed_ms = 0;
  std::string detail;  // Policy: which rule
};

// ---- TLS --------------------------------------------------------------

enum class TlsFailure : std::uint8_t {
  AlertReceived,
  AlertSent,    // we refused: `alert` is what we sent, `reason` why
  Eof,          // FIN without close_notify
  CloseNotify,  // orderly close where none was due
  Reset,        // ECONNRESET, EPIPE
  Io,           // another errno
  NotTls,       // the peer's first bytes are no TLS record
  Protocol,     // a local protocol error without alert
  Certificate,  // session possible, certificate not acceptable
  Alpn,         // a protocol was required and not selected
  Timeout,
  Setup,  // our own certificate, key or CA could not be used
  Memory,
};
[[nodiscard]] std::string_view name(TlsFailure failure) noexcept;

// One X509_V_ERR_* as the verify callback saw it.
struct X509Problem {
  int code = 0;                       // X509_V_ERR_*
  std::string name;                   // "certificate has expired"
  int depth = 0;                      // 0 = leaf
  std::string subject, issuer;        // RFC 2253, bounded
  std::string not_before, not_after;  // RFC 3339
  std::string serial;                 // of the certificate, hexadecimal
  // Of revocation (RFC 5280 section 5, RFC 6960); times as above:
  std::string revoked_at, revocation_reason;  // "keyCompromise"
  std::string revocation_source;              // "crl" or "ocsp"
  std::string crl_next_update;                // where a list is at fault: when it should have been renewed
};

struct TlsFault {
  TlsFailure failure = TlsFailure::Protocol;
  int alert = -1;                 // RFC 8446 section 6 number, -1 = none
  unsigned long reason_code = 0;  // ERR_GET_REASON
  std::string reason;             // ERR_reason_error_string
  int error = 0;                  // errno
  std::uint64_t handshake_bytes_received = 0;
  std::string last_message;  // last handshake message seen from the peer, "ServerHello"
  bool server_hello_seen = false;
  bool certificate_requested = false;
  bool certificate_presented = false;  // we had one to send
  bool no_shared_parameters = false;   // reason is one of OpenSSL's no-shared-cipher/group/sigalg family
  bool version_unsupported = false;    // reason is OpenSSL's unsupported-protocol family
  bool late = false;                   // arrived after our side thought the handshake was done (TLS 1.3)
  std::string first_bytes;             // first <= 32 bytes from the peer, raw
  std::string version;                 // negotiated, where known: "TLSv1.3"
  // Certificate:
  std::vector<X509Problem> problems;  // every verification error, in callback order
  int chain_length = 0;               // certificates the peer sent
  std::string chain_last_issuer;
  std::string wanted_name;
  std::vector<std::string> names;  // SANs of the leaf, bounded
  // Alpn, and alert 120:
  std::string alpn_offered;  // by us: "h2"; several with commas
  std::string alpn_chosen;   // by the peer; "" = none
  // Timeout:
  std::uint32_t limit_ms = 0;
  double elapsed_ms = 0;
  bool hello_acknowledged = true;  // TCP_INFO says the peer has our ClientHello
  std::string detail;              // Setup: which file
};

// ---- bytes that are not HTTP ------------------------------------------

enum class ParseError : std::uint8_t {
#define PARSE_ERROR(enumerator, ...) enumerator,
#include "diagnostics/parse_errors.def"
#undef PARSE_ERROR
};
[[nodiscard]] std::string_view name(ParseError error) noexcept;
[[nodiscard]] std::string_view description(ParseError error) noexcept;
[[nodiscard]] Cause causeInRequest(ParseError error) noexcept;
[[nodiscard]] Cause causeInResponse(ParseError error) noexcept;

struct ParseFault {
  ParseError error = ParseError::NotHttp;
  std::uint64_t offset = 0;  // of the offending octet, from the first byte of the head (or of the body)
  std::string excerpt;       // <= 64 raw bytes around it; escaped when written
  std::string header_name;   // where a field is at fault
  std::uint64_t size = 0;    // where a limit is at fault: what was seen …
  std::uint64_t limit = 0;   // … and what is allowed
  std::string token;         // the coding, method, expectation or status at fault
};

// ---- time, end of stream, decisions -----------------------------------

enum class Timer : std::uint8_t {
  Resolve,
  Connect,
  TlsHandshake,
  Send,
  ResponseHead,
  ResponseIdle,
  Exchange,
  Queue,
  ClientTls,
  ClientHead,
  ClientBody,
  ClientWrite,
  ClientRate,
  Tunnel,
  GrpcTimeout,
};
// The key of the configuration that moves it: "response_head". Some share one. Of
// GrpcTimeout, the field of the request that did.
[[nodiscard]] std::string_view name(Timer timer) noexcept;

struct TimerFault {
  Timer timer = Timer::Exchange;
  std::uint32_t limit_ms = 0;
  double elapsed_ms = 0;
  Phase longest_phase = Phase::Internal;  // Exchange, GrpcTimeout: where the budget went
  std::uint64_t moved = 0, due = 0;       // Timer::ClientRate: bytes in that time, and what the rate asks for
};

// How a stream ended when it should not have.
struct EndFault {
  enum class How : std::uint8_t { Fin, Reset, CloseNotify, TlsTruncated, Error };
  How how = How::Fin;
  int error = 0;                 // errno: ECONNRESET, EPIPE, ETIMEDOUT …
  bool reset_after_fin = false;  // the peer had closed before our bytes came
  bool on_write = false;         // a write said so
};
[[nodiscard]] std::string_view name(EndFault::How how) noexcept;

// Which rule of switching protocols a 101 breaks (RFC 9110 section 15.2.2,
// RFC 6455 section 4.2.2).
enum class UpgradeRule : std::uint8_t {
  Unsolicited,        // nobody asked for an upgrade
  UpgradeMissing,     // no Upgrade field
  OtherProtocol,      // not the protocol that was asked for
  ConnectionMissing,  // Connection does not name Upgrade
  AcceptMissing,      // no Sec-WebSocket-Accept
  AcceptDiffers,      // Sec-WebSocket-Accept does not answer Sec-WebSocket-Key
  NotSwitched,        // a 2xx, which an HTTP/2 client would take for a tunnel (RFC 8441 section 5)
};
[[nodiscard]] std::string_view name(UpgradeRule rule) noexcept;         // "upgrade_missing"
[[nodiscard]] std::string_view description(UpgradeRule rule) noexcept;  // "the 101 has no Upgrade"

struct UpgradeFault {
  UpgradeRule rule = UpgradeRule::Unsolicited;
  std::string given;  // the protocol that the 101 names; the request's is RequestFacts::upgrade
};

// How HTTP/2 failed, on one stream or on its connection (RFC 9113 section 5.4).
struct StreamFault {
  enum class How : std::uint8_t {
    Reset,        // the peer's RST_STREAM
    GoAway,       // the peer's GOAWAY
    Protocol,     // the peer broke the protocol: `code` is what we answered
    Flood,        // the peer makes work and does none
    Stalled,      // the peer's window stays closed
    NoSettings,   // of an origin: SETTINGS, with which it has to begin, did not come in time
    PingTimeout,  // of an origin: it did not answer a PING in time
    NoRoom,       // of an origin: its connection takes no further stream now; nothing was sent
    Misdirected,  // of an origin: it answered 421, which asks for another connection (RFC 9110 section 15.5.20)
  };
  How how = How::Protocol;
  std::uint32_t code = 0;             // RFC 9113 section 7; received of Reset and GoAway, sent of others
  std::int32_t stream = 0;            // 0 = the connection; Stalled: whose window it is
  std::int32_t last_stream = 0;       // GoAway: the last one that the peer has taken up
  std::string frame;                  // at fault, or that said so: "WINDOW_UPDATE"
  std::uint64_t offset = 0;           // of that frame, from the first byte of the connection
  std::string flood;                  // Flood: which kind, "rapid_reset"
  std::string detail;                 // what is wrong; of a GOAWAY, what the peer said
  std::uint64_t size = 0, limit = 0;  // Flood: what was counted, and what is allowed
  std::string excerpt;                // <= 32 raw bytes, where what the peer sends is no HTTP/2 at all
  std::uint32_t limit_ms = 0;         // Stalled, NoSettings, PingTimeout: the time that ran out …
  double elapsed_ms = 0;              // … and what passed
};
[[nodiscard]] std::string_view name(StreamFault::How how) noexcept;  // "protocol"

// A decision of our own: no observation could say it better than its name.
struct DecisionFault {
  Cause cause = Cause::ProxyInternalError;
  std::string detail;
  std::optional<std::uint64_t> size, limit;
  std::uint32_t retry_after_s = 0;          // when the same request would pass; 0 = not known
  std::vector<std::string> endpoints = {};  // NoHealthyEndpoint: each with the reason why it is not used
};

using Fault = std::variant<DnsFault, ConnectFault, TlsFault, ParseFault, TimerFault, EndFault, UpgradeFault,
                           StreamFault, DecisionFault>;

// ---- what surrounded it -----------------------------------------------

// TCP_INFO at the moment of failure (tcp(7)); bytes_acked without the SYN.
struct TcpSnapshot {
  std::uint8_t state = 0;
  std::uint32_t rtt_us = 0;
  std::uint32_t retransmits = 0;  // in all (tcpi_total_retrans)
  std::uint32_t unacked = 0;      // segments in flight
  std::uint32_t notsent_bytes = 0;
  std::uint64_t bytes_acked = 0;
  std::uint64_t bytes_received = 0;
  std::uint32_t snd_wnd = 0;   // 0 = the peer reads nothing
  bool snd_wnd_known = false;  // kernels before 5.4 do not say
  std::uint32_t last_ack_recv_ms = 0;
  std::uint32_t last_data_sent_ms = 0;
};

struct ConnectionFacts {
  std::string endpoint;      // as configured
  std::string peer_address;  // "192.0.2.7:8080", "[::1]:80", "unix:/run/app.sock"; empty before connect
  bool tls = false;
  bool reused = false;
  double idle_ms = 0;                        // parked before this request, where reused
  std::uint32_t requests_on_connection = 0;  // this one included
  std::string protocol;                      // with the origin, as ALPN names it: "h2", "http/1.1"; "" = not known
  std::int32_t stream = 0;                   // HTTP/2: of this request; 0 = none
  DnsFacts dns;                              // of a fresh connection
};

struct ByteFacts {
  std::uint64_t request_written = 0;    // HTTP bytes handed to the transport, this attempt
  bool request_complete = false;        // all of the request was handed over
  bool stream = false;                  // of an HTTP/2 stream, where END_STREAM ends a message and nothing else
  std::uint64_t tls_plain_written = 0;  // bytes the kernel was given, TLS records and handshake included
  std::uint64_t response_received = 0;  // HTTP bytes of the response, this attempt
  std::uint64_t body_received = 0;      // of the body at fault (response, or request on the client side)
  std::optional<std::uint64_t> body_expected;
  std::string last_line;  // last complete head line received, bounded
  // Of a response whose final head is not complete:
  std::vector<std::uint16_t> interims;  // statuses of the interim responses (1xx) that came, in order
  std::uint64_t head_received = 0;      // bytes of the final head
  std::optional<double> silent_ms;      // since the last byte of the response; absent where none came
};

// What the request asked of the origin, as long as that was open.
struct RequestFacts {
  std::string upgrade;           // the protocol that it asked to switch to; "" = none
  bool awaits_continue = false;  // it expects 100 (Continue), and neither that nor its body had come
};

// What the exchange was doing when the client failed it.
struct InterruptedFacts {
  Phase phase = Phase::ClientRequest;
  double waited_ms = 0;        // for the response head, so far
  std::uint32_t limit_ms = 0;  // timeouts.response_head; 0 = none
};

// HTTP/2: the client's flow-control window that keeps bytes of its answer here (RFC 9113 section 5.2).
struct ClosedWindow {
  enum class Of : std::uint8_t { Stream, Connection, Both };
  Of of = Of::Stream;
  double closed_ms = 0;       // for how long the answer could not pass
  std::uint64_t waiting = 0;  // bytes of it
};
[[nodiscard]] std::string_view name(ClosedWindow::Of of) noexcept;  // "connection"

// The login service of the route (auth.forward), where the request of which all
// the rest tells was one to it.
struct LoginFacts {
  std::string service;       // its URL without the query; "" = it was the client's own request
  std::uint16_t status = 0;  // what it answered; 0 = nothing that could be used
};

struct Observation {
  Phase phase = Phase::Internal;
  Fault fault = DecisionFault{};
  ConnectionFacts connection;
  ByteFacts bytes;
  RequestFacts request;
  LoginFacts login;
  std::optional<InterruptedFacts> interrupted;  // of faults on the client's side, where an origin was at work
  bool answer_begun = false;                    // likewise: the head of the answer had been sent
  std::optional<ClosedWindow> client_window;    // whosoever's fault it is
  std::optional<TcpSnapshot> tcp;
  double elapsed_ms = 0;  // since the phase began
};

}  // namespace gatewhy
