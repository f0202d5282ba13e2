// SPDX-License-Identifier: Apache-2.0
// The causes table as types. causes.def is the one place where a cause, its
// phase, blame, status codes, RFC 9209 type, retry safety and texts are
// written; everything else (classifier, log, Proxy-Status, explain, docs,
// tests) reads them from here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatewhy {

// Where in an exchange a failure was observed, in the order of the exchange.
// "The attempt that got furthest" compares these.
enum class Phase : std::uint8_t {
  ClientRequest,
  Routing,
  Dns,
  Connect,
  TlsHandshake,
  RequestWrite,
  ResponseHead,
  ResponseBody,
  Upgrade,
  Internal,
};

// Who must act.
enum class Blame : std::uint8_t { Client, Origin, Network, Dns, Config, Proxy, Operator, Nobody };

// Whether the request may be sent again without the origin acting on it twice.
enum class Retry : std::uint8_t {
  Never,
  BeforeAnyByte,   // nothing of the request reached an HTTP parser: any method
  IdempotentOnly,  // RFC 9110 section 9.2.2, and the body must be replayable
};

// How loud the log is about it, by whose doing it is: what somebody must act
// on is an Error, what strangers and clients do a Warn, what a configured rule
// does as it should Info.
enum class Severity : std::uint8_t { Info, Warn, Error };

// RFC 9209 section 2.3 proxy error types that gatewhy emits.
enum class ProxyError : std::uint8_t {
  None,  // no Proxy-Status error: the answer is the origin's, or none is sent
  DnsTimeout,
  DnsError,
  DestinationNotFound,
  DestinationUnavailable,
  DestinationIpProhibited,
  DestinationIpUnroutable,
  ConnectionRefused,
  ConnectionTerminated,
  ConnectionTimeout,
  ConnectionReadTimeout,
  ConnectionWriteTimeout,
  ConnectionLimitReached,
  TlsProtocolError,
  TlsCertificateError,
  TlsAlertReceived,
  HttpRequestError,
  HttpRequestDenied,
  HttpResponseIncomplete,
  HttpResponseHeaderSectionSize,
  HttpResponseHeaderSize,
  HttpResponseBodySize,
  HttpResponseTrailerSectionSize,
  HttpResponseTrailerSize,
  HttpResponseTransferCoding,
  HttpResponseContentCoding,
  HttpResponseTimeout,
  HttpUpgradeFailed,
  HttpProtocolError,
  ProxyInternalResponse,
  ProxyInternalError,
  ProxyConfigurationError,
  ProxyLoopDetected,
};

enum class Cause : std::uint8_t {
#define CAUSE(enumerator, ...) enumerator,
#include "diagnostics/causes.def"
#undef CAUSE
};

inline constexpr std::size_t kCauseCount = 0
#define CAUSE(enumerator, ...) +1  // NOLINT(bugprone-macro-parentheses)
#include "diagnostics/causes.def"
#undef CAUSE
    ;

// One row of causes.def. All strings have static storage.
struct CauseInfo {
  Cause cause;
  std::string_view name;  // snake_case, stable: log, metric, problem type, file name
  Phase phase;
  Blame blame;
  // Status sent to the client in the extended profile. 0: nothing is sent
  // (the client is gone, or the connection just closes), or the answer is the
  // origin's own.
  std::uint16_t sent_status;
  // What the event's diagnosis.status says in the extended profile; differs
  // from sent_status where nginx-like log-only codes exist (444, 495-497,
  // 499). 0: no status at all.
  std::uint16_t log_status;
  // The same under profile `standard`: RFC 9110 / RFC 9209 codes only.
  std::uint16_t standard_status;
  ProxyError proxy_error;
  Retry retry;
  std::string_view seen;         // what was observed, one plain sentence
  std::string_view who_acts;     // who must act, in words
  std::string_view check_first;  // the first thing to look at
  Severity severity;             // of an exchange that failed by it
};

// Thread-safe: the table is constant.
[[nodiscard]] const CauseInfo& info(Cause cause) noexcept;
[[nodiscard]] std::span<const CauseInfo> allCauses() noexcept;
[[nodiscard]] std::optional<Cause> causeByName(std::string_view name) noexcept;
// At most `limit` names, nearest first by edit distance; empty when nothing
// is close enough to be a plausible typo.
[[nodiscard]] std::vector<std::string_view> nearestCauseNames(std::string_view word, std::size_t limit = 3);

[[nodiscard]] std::string_view name(Cause cause) noexcept;
[[nodiscard]] std::string_view name(Phase phase) noexcept;        // "tls_handshake"
[[nodiscard]] std::string_view name(Blame blame) noexcept;        // "origin"
[[nodiscard]] std::string_view name(Retry retry) noexcept;        // "before_any_byte"
[[nodiscard]] std::string_view name(Severity severity) noexcept;  // "WARN"
[[nodiscard]] std::string_view name(ProxyError error) noexcept;   // "connection_refused"; "" for None

}  // namespace gatewhy
