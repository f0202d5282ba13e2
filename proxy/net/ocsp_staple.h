// SPDX-License-Identifier: Apache-2.0
// The OCSP response that a server staples to its handshake (RFC 6066 section
// 8, RFC 6960): what it says of the server's certificate.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace gatewhy {

enum class StapleVerdict : std::uint8_t {
  Good,
  Revoked,   // with a valid signature; its age does not matter then
  Unknown,   // the responder does not know the certificate
  Expired,   // past its nextUpdate, or not valid yet
  Unusable,  // not an answer about this certificate, or not signed by who may
};

struct Staple {
  StapleVerdict verdict = StapleVerdict::Unusable;
  std::string revoked_at;   // RFC 3339
  std::string reason;       // "keyCompromise"
  std::string next_update;  // RFC 3339
};

// `chain`: the verified one, leaf first; `store`: whom we trust.
[[nodiscard]] Staple readStaple(std::string_view der, STACK_OF(X509) * chain, X509_STORE* store);

// The certificate demands a staple (RFC 7633, TLS feature 5).
[[nodiscard]] bool mustStaple(const X509* certificate);

// Has sessions of the context ask for a staple and hold it against the
// certificate: a revoked one, and a missing one that the certificate demands,
// end the handshake with a problem in the session's record; what else is wrong
// with it is a finding there.
void checkStaples(SSL_CTX* context);

}  // namespace gatewhy
