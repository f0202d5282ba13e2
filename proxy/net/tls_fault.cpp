// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_fault.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <cerrno>
#include <system_error>

#include "proxy/net/tls_record.h"

namespace gatewhy {
namespace {

std::string reasonText(unsigned long code) {
  if (code == 0) {
    return {};
  }
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* text = ERR_reason_error_string(code);  // unknown alerts have no text
  return text != nullptr ? text : fmt::format("reason {}", ERR_GET_REASON(code));
}

void setReason(TlsFault& fault, unsigned long code) {
  fault.reason = reasonText(code);
  if (ERR_SYSTEM_ERROR(code)) {
    fault.error = ERR_GET_REASON(code);
  } else {
    fault.reason_code = static_cast<unsigned long>(ERR_GET_REASON(code));
  }
}

bool saysNoSharedParameters(int reason) {
  switch (reason) {
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_NO_CIPHERS_SPECIFIED:
    case SSL_R_NO_CIPHER_MATCH:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_DIGEST_ALGORITHM:
    case SSL_R_WRONG_SIGNATURE_TYPE:  // the peer signs only in a way that we do not accept
    case SSL_R_DH_KEY_TOO_SMALL:
      return true;
    default:
      return false;
  }
}

bool saysVersion(int reason) {
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNKNOWN_SSL_VERSION:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
      return true;
    default:
      return false;
  }
}

bool isReset(int error) {
  return error == ECONNRESET || error == EPIPE;
}

// Other libraries number their reasons for themselves.
int sslReason(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
}

// Of SSL_ERROR_SSL.
TlsFailure failureOf(unsigned long code, const TlsRecord& record) {
  const int reason = sslReason(code);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return TlsFailure::Eof;
  }
  if (reason >= SSL_AD_REASON_OFFSET) {
    return TlsFailure::AlertReceived;
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED ||
      (reason == SSL_R_INVALID_STATUS_RESPONSE && !record.problems.empty())) {
    return TlsFailure::Certificate;
  }
  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
    return TlsFailure::Memory;
  }
  if (reason == SSL_R_BAD_EXTENSION && !record.selected_protocol.empty() &&
      record.offered_protocols.find(record.selected_protocol) == std::string_view::npos) {
    return TlsFailure::Alpn;
  }
  return record.alert_sent >= 0 ? TlsFailure::AlertSent : TlsFailure::Protocol;
}

TlsFailure failureOf(const SslError& error, const TlsRecord& record) {
  switch (error.kind) {
    case SSL_ERROR_ZERO_RETURN:
      return TlsFailure::CloseNotify;
    case SSL_ERROR_SSL:
      return failureOf(error.code, record);
    default:
      return isReset(error.error) ? TlsFailure::Reset : error.error == 0 ? TlsFailure::Eof : TlsFailure::Io;
  }
}

}  // namespace

unsigned long takeErrorCode() noexcept {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  return code;
}

SslError takeSslError(const SSL* ssl, int ret) noexcept {
  SslError out{.error = errno};
  out.kind = SSL_get_error(ssl, ret);
  while (const unsigned long code = ERR_get_error()) {
    // Below it lie the failures of the layers that it called.
    if (out.code == 0 || (ERR_GET_LIB(out.code) != ERR_LIB_SSL && ERR_GET_LIB(code) == ERR_LIB_SSL)) {
      out.code = code;
    }
  }
  if (out.kind != SSL_ERROR_SYSCALL) {
    out.error = 0;
  }
  return out;
}

TlsFault tlsFacts(const SSL* ssl) {
  const TlsRecord& record = tlsRecordOf(ssl);
  TlsFault fault{.alert = record.alert_received};
  fault.handshake_bytes_received = record.handshakeBytes();
  fault.last_message = record.last_message;
  fault.server_hello_seen = record.server_hello_seen;
  fault.certificate_requested = record.certificate_requested;
  fault.certificate_presented = SSL_is_server(ssl) == 0 && SSL_get_certificate(ssl) != nullptr;
  fault.first_bytes = record.first_bytes;
  fault.wanted_name = record.wanted_name;
  if (record.alert_received == SSL_AD_NO_APPLICATION_PROTOCOL) {
    fault.alpn_offered = record.offered_protocols;
  }
  // Before both hellos the version is only what we would like.
  if (record.server_hello_seen || (SSL_is_server(ssl) != 0 && SSL_get_current_cipher(ssl) != nullptr)) {
    fault.version = SSL_get_version(ssl);
  }
  return fault;
}

TlsFault handshakeFaultOf(const SSL* ssl, const SslError& error) {
  const TlsRecord& record = tlsRecordOf(ssl);
  TlsFault fault = tlsFacts(ssl);
  setReason(fault, error.code);
  fault.error = error.error != 0 ? error.error : fault.error;
  fault.failure = failureOf(error, record);
  const int reason = sslReason(error.code);
  switch (fault.failure) {
    case TlsFailure::AlertReceived:
      fault.alert = reason - SSL_AD_REASON_OFFSET;
      return fault;
    case TlsFailure::Certificate:
      fault.alert = -1;
      fault.problems = record.problems;
      fault.chain_length = record.chain_length;
      fault.chain_last_issuer = record.chain_last_issuer;
      fault.names = record.names;
      return fault;
    case TlsFailure::AlertSent:
      fault.alert = record.alert_sent;
      break;
    default:
      break;
  }
  if (!record.mayBeTls()) {
    fault.failure = TlsFailure::NotTls;
    fault.alert = -1;
    return fault;
  }
  if (error.kind == SSL_ERROR_SSL) {
    fault.no_shared_parameters = saysNoSharedParameters(reason);
    fault.version_unsupported = saysVersion(reason) || record.alert_sent == SSL_AD_PROTOCOL_VERSION;
  }
  return fault;
}

TransportFault sessionFaultOf(const SSL* ssl, const SslError& error) {
  switch (failureOf(error, tlsRecordOf(ssl))) {
    case TlsFailure::CloseNotify:
      return EndFault{.how = EndFault::How::CloseNotify};
    case TlsFailure::Eof:
      return EndFault{.how = EndFault::How::TlsTruncated};
    case TlsFailure::Reset:
      return EndFault{.how = EndFault::How::Reset, .error = error.error};
    case TlsFailure::Io:
      return EndFault{.how = EndFault::How::Error, .error = error.error};
    default:
      break;
  }
  TlsFault fault = tlsFacts(ssl);
  fault.late = true;
  setReason(fault, error.code);
  const int reason = sslReason(error.code);
  if (reason >= SSL_AD_REASON_OFFSET) {
    fault.failure = TlsFailure::AlertReceived;
    fault.alert = reason - SSL_AD_REASON_OFFSET;
  } else {
    fault.failure = ERR_GET_REASON(error.code) == ERR_R_MALLOC_FAILURE ? TlsFailure::Memory : TlsFailure::Protocol;
  }
  return fault;
}

TlsFault setupFault(std::string detail) {
  TlsFault fault{.failure = TlsFailure::Setup};
  setReason(fault, takeErrorCode());
  fault.detail = std::move(detail);
  return fault;
}

}  // namespace gatewhy
