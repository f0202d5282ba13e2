// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "diagnostics/cause.h"
#include "proxy/net/client_identity.h"
#include "proxy/net/tls_context.h"

namespace gatewhy {

// What the handshake with a client settled; empty without TLS.
struct ClientTlsSession {
  std::string version;   // "1.3"
  std::string cipher;    // as OpenSSL names it: "TLS_AES_128_GCM_SHA256"
  std::string protocol;  // by ALPN: "h2"; "" where the client offered none
  bool resumed = false;
  double handshake_ms = 0;
};

// What is known of the client for as long as its connection lives.
struct ClientFacts {
  std::string ip;                          // "" for a unix socket
  std::array<std::uint8_t, 16> address{};  // the same, v4-mapped; zeros for a unix socket
  std::uint16_t port = 0;
  bool trusted = false;  // in trusted_proxies
  bool tls = false;
  bool redirects_to_https = false;  // its listener's redirect_to_https
  std::string tls_server_name;      // SNI; "" = none
  ClientTlsSession tls_session;
  CertificateIdentity identity;  // of its certificate, where it presented one
  std::optional<Cause> refused;  // accepted beyond a limit, to be told so
  bool wants_certificate = false, requires_certificate = false;
  ClientCertificateFacts certificate;
  // Whether the certificate that was served covers a host; set where the
  // client was asked for one, valid as long as its connection.
  std::function<bool(const std::string& host)> certificate_covers;
};

}  // namespace gatewhy
