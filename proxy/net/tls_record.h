// SPDX-License-Identifier: Apache-2.0
// What one TLS session saw while its handshake ran. OpenSSL's callbacks fill
// it, the faults in tls_fault.h are made of it. It lives in the SSL's ex_data
// and dies with the SSL.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/findings.h"
#include "diagnostics/observation.h"

namespace gatewhy {

struct TlsRecord {
  std::string wanted_name;             // client side: what the certificate has to cover
  std::string_view offered_protocols;  // client side, by ALPN: "h2,http/1.1"; static
  std::uint64_t bytes_received = 0;    // raw, from the socket
  std::uint64_t bytes_sent = 0;
  std::uint64_t record_bytes = 0;  // announced by record headers, alerts left out
  std::string first_bytes;         // raw, <= 32
  std::string last_message;
  bool server_hello_seen = false;
  bool certificate_requested = false;
  std::string selected_protocol;  // ALPN, as a server named it
  int alert_received = -1;        // but for close_notify
  int alert_sent = -1;
  std::vector<X509Problem> problems;  // in callback order
  int chain_length = 0;
  std::string chain_last_issuer;
  std::vector<std::string> names;  // of the leaf
  FindingSet findings;             // about the handshake, where it is none of the problems

  // Handshake bytes that are here: a header may announce more than came, and
  // read-ahead may hold what follows the handshake.
  [[nodiscard]] std::uint64_t handshakeBytes() const noexcept;
  // False once the first bytes cannot begin a TLS record (RFC 8446 section 5.1).
  [[nodiscard]] bool mayBeTls() const noexcept;
};

// False: out of memory. The handshake's messages are recorded from here on.
[[nodiscard]] bool attachTlsRecord(SSL* ssl);
// Every SSL of tls_context.h has one.
[[nodiscard]] TlsRecord& tlsRecordOf(const SSL* ssl) noexcept;

// Raw bytes and messages matter until the handshake is done; after it they
// would cost a call per record. Start after attachTlsSocket().
void startTlsTap(SSL* ssl) noexcept;
void stopTlsTap(SSL* ssl) noexcept;

// For SSL_CTX_set_info_callback: alerts in both directions.
void recordTlsInfo(const SSL* ssl, int where, int ret);

// For SSL_CTX_set_cert_verify_callback: verifies to the end whatever is
// wrong, so that the record has every problem, not just the first.
enum class OnCertificateProblem : std::uint8_t { Refuse, Continue };
int verifyAndRecord(X509_STORE_CTX* store, OnCertificateProblem then);
// What goes with a problem: the chain as it was `sent` (may be null), and the leaf's names.
void recordChain(TlsRecord& record, const STACK_OF(X509) * sent, X509* leaf);

}  // namespace gatewhy
