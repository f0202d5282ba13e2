// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "diagnostics/cause.h"
#include "diagnostics/event.h"
#include "proxy/net/client_identity.h"
#include "proxy/net/tls_context.h"
#include "proxy/origin/proxied_client.h"

namespace gatewhy {

// What is known of the client for as long as its connection lives.
struct ClientFacts {
  std::string ip;                          // "" for a unix socket
  std::array<std::uint8_t, 16> address{};  // the same, v4-mapped; zeros for a unix socket
  std::uint16_t port = 0;
  bool trusted = false;  // in trusted_proxies
  bool tls = false;
  bool redirects_to_https = false;  // its listener's redirect_to_https
  TlsSession tls_session;           // where it uses TLS, once the handshake is done
  CertificateIdentity identity;     // of its certificate, where it presented one
  std::optional<Cause> refused;     // accepted beyond a limit, to be told so
  bool wants_certificate = false, requires_certificate = false;
  ClientCertificateFacts certificate;
  // For origins that are told whose connection it is; made when first asked
  // for. Empty where nobody can be told of.
  std::function<std::shared_ptr<ProxiedClient>()> proxied;
  // Whether the certificate that was served covers a host; set where the
  // client was asked for one, valid as long as its connection.
  std::function<bool(const std::string& host)> certificate_covers;
};

}  // namespace gatewhy
