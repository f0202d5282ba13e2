// SPDX-License-Identifier: Apache-2.0
// Who a TLS client says it is, as text for what is passed on.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace gatewhy {

struct CertificateIdentity {
  std::string subject;      // RFC 2253
  std::string fingerprint;  // SHA-256, lower-case hex
};

// The name that the client asked for (SNI); "" where it asked for none.
[[nodiscard]] std::string clientServerName(const SSL* ssl);
// Of the certificate that the client presented; empty where it did not.
[[nodiscard]] CertificateIdentity clientCertificateIdentity(const SSL* ssl);

}  // namespace gatewhy
