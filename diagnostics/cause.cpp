// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/cause.h"

#include "diagnostics/nearest.h"

namespace gatewhy {
namespace {

// Where a row says nothing, its blame does.
constexpr Severity severityOf(Blame blame) {
  return blame == Blame::Client ? Severity::Warn : Severity::Error;
}
constexpr Severity severityOf(Blame /*blame*/, Severity own) {
  return own;
}

constexpr std::array<CauseInfo, kCauseCount> kCauseTable{{
#define CAUSE(enumerator, text, phase, blame, sent, logged, standard, error, retry, seen, who, check, ...) \
  {Cause::enumerator,                                                                                      \
   text,                                                                                                   \
   Phase::phase,                                                                                           \
   Blame::blame,                                                                                           \
   sent,                                                                                                   \
   logged,                                                                                                 \
   standard,                                                                                               \
   ProxyError::error,                                                                                      \
   Retry::retry,                                                                                           \
   seen,                                                                                                   \
   who,                                                                                                    \
   check,                                                                                                  \
   severityOf(Blame::blame __VA_OPT__(, Severity::) __VA_ARGS__)},
#include "diagnostics/causes.def"
#undef CAUSE
}};

constexpr bool rowsMatchEnumerators() {
  for (std::size_t i = 0; i < kCauseTable.size(); ++i) {
    if (static_cast<std::size_t>(kCauseTable[i].cause) != i) {
      return false;
    }
  }
  return true;
}

constexpr bool rowsFollowPhases() {
  for (std::size_t i = 1; i < kCauseTable.size(); ++i) {
    if (kCauseTable[i - 1].phase > kCauseTable[i].phase) {
      return false;
    }
  }
  return true;
}

constexpr bool namesAreUnique() {
  for (std::size_t i = 0; i < kCauseTable.size(); ++i) {
    for (std::size_t j = i + 1; j < kCauseTable.size(); ++j) {
      if (kCauseTable[i].name == kCauseTable[j].name) {
        return false;
      }
    }
  }
  return true;
}

// ConnectionRefused <-> connection_refused: an underscore before every
// capital but the first, and nothing else differs.
constexpr bool isSnakeCaseOf(std::string_view snake, std::string_view pascal) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < pascal.size(); ++i) {
    char c = pascal[i];
    if (c >= 'A' && c <= 'Z') {
      if (i > 0 && (at >= snake.size() || snake[at++] != '_')) {
        return false;
      }
      c = static_cast<char>(c - 'A' + 'a');
    }
    if (at >= snake.size() || snake[at++] != c) {
      return false;
    }
  }
  return at == snake.size();
}

constexpr bool namesMatchEnumerators() {
  bool match = true;
#define CAUSE(enumerator, text, ...) match = match && isSnakeCaseOf(text, #enumerator);
#include "diagnostics/causes.def"
#undef CAUSE
  return match;
}

static_assert(kCauseCount < 256, "Cause is a byte");
static_assert(rowsMatchEnumerators());
static_assert(rowsFollowPhases(), "causes.def is in the order of the exchange");
static_assert(namesAreUnique());
static_assert(namesMatchEnumerators());

}  // namespace

const CauseInfo& info(Cause cause) noexcept {
  return kCauseTable[static_cast<std::size_t>(cause)];
}

std::span<const CauseInfo> allCauses() noexcept {
  return kCauseTable;
}

std::optional<Cause> causeByName(std::string_view name) noexcept {
  for (const CauseInfo& row : kCauseTable) {
    if (row.name == name) {
      return row.cause;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> nearestCauseNames(std::string_view word, std::size_t limit) {
  std::vector<std::string_view> names;
  names.reserve(kCauseTable.size());
  for (const CauseInfo& row : kCauseTable) {
    names.push_back(row.name);
  }
  return nearestWords(word, names, limit);
}

std::string_view name(Cause cause) noexcept {
  return info(cause).name;
}

std::string_view name(Phase phase) noexcept {
  switch (phase) {
    case Phase::ClientRequest:
      return "client_request";
    case Phase::Routing:
      return "routing";
    case Phase::Dns:
      return "dns";
    case Phase::Connect:
      return "connect";
    case Phase::TlsHandshake:
      return "tls_handshake";
    case Phase::RequestWrite:
      return "request_write";
    case Phase::ResponseHead:
      return "response_head";
    case Phase::ResponseBody:
      return "response_body";
    case Phase::Upgrade:
      return "upgrade";
    case Phase::Internal:
      return "internal";
  }
  return {};
}

std::string_view name(Blame blame) noexcept {
  switch (blame) {
    case Blame::Client:
      return "client";
    case Blame::Origin:
      return "origin";
    case Blame::Network:
      return "network";
    case Blame::Dns:
      return "dns";
    case Blame::Config:
      return "config";
    case Blame::Proxy:
      return "proxy";
    case Blame::Operator:
      return "operator";
    case Blame::Nobody:
      return "nobody";
  }
  return {};
}

std::string_view name(Retry retry) noexcept {
  switch (retry) {
    case Retry::Never:
      return "never";
    case Retry::BeforeAnyByte:
      return "before_any_byte";
    case Retry::IdempotentOnly:
      return "idempotent_only";
  }
  return {};
}
std::string_view name(Severity severity) noexcept {
  switch (severity) {
    case Severity::Info:
      return "INFO";
    case Severity::Warn:
      return "WARN";
    case Severity::Error:
      return "ERROR";
  }
  return {};
}

std::string_view name(ProxyError error) noexcept {
  switch (error) {
    case ProxyError::None:
      return {};
    case ProxyError::DnsTimeout:
      return "dns_timeout";
    case ProxyError::DnsError:
      return "dns_error";
    case ProxyError::DestinationNotFound:
      return "destination_not_found";
    case ProxyError::DestinationUnavailable:
      return "destination_unavailable";
    case ProxyError::DestinationIpProhibited:
      return "destination_ip_prohibited";
    case ProxyError::DestinationIpUnroutable:
      return "destination_ip_unroutable";
    case ProxyError::ConnectionRefused:
      return "connection_refused";
    case ProxyError::ConnectionTerminated:
      return "connection_terminated";
    case ProxyError::ConnectionTimeout:
      return "connection_timeout";
    case ProxyError::ConnectionReadTimeout:
      return "connection_read_timeout";
    case ProxyError::ConnectionWriteTimeout:
      return "connection_write_timeout";
    case ProxyError::ConnectionLimitReached:
      return "connection_limit_reached";
    case ProxyError::TlsProtocolError:
      return "tls_protocol_error";
    case ProxyError::TlsCertificateError:
      return "tls_certificate_error";
    case ProxyError::TlsAlertReceived:
      return "tls_alert_received";
    case ProxyError::HttpRequestError:
      return "http_request_error";
    case ProxyError::HttpRequestDenied:
      return "http_request_denied";
    case ProxyError::HttpResponseIncomplete:
      return "http_response_incomplete";
    case ProxyError::HttpResponseHeaderSectionSize:
      return "http_response_header_section_size";
    case ProxyError::HttpResponseHeaderSize:
      return "http_response_header_size";
    case ProxyError::HttpResponseBodySize:
      return "http_response_body_size";
    case ProxyError::HttpResponseTrailerSectionSize:
      return "http_response_trailer_section_size";
    case ProxyError::HttpResponseTrailerSize:
      return "http_response_trailer_size";
    case ProxyError::HttpResponseTransferCoding:
      return "http_response_transfer_coding";
    case ProxyError::HttpResponseContentCoding:
      return "http_response_content_coding";
    case ProxyError::HttpResponseTimeout:
      return "http_response_timeout";
    case ProxyError::HttpUpgradeFailed:
      return "http_upgrade_failed";
    case ProxyError::HttpProtocolError:
      return "http_protocol_error";
    case ProxyError::ProxyInternalResponse:
      return "proxy_internal_response";
    case ProxyError::ProxyInternalError:
      return "proxy_internal_error";
    case ProxyError::ProxyConfigurationError:
      return "proxy_configuration_error";
    case ProxyError::ProxyLoopDetected:
      return "proxy_loop_detected";
  }
  return {};
}

}  // namespace gatewhy
