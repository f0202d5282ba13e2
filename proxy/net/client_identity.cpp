// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/client_identity.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "diagnostics/octets.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {

std::string clientServerName(const SSL* ssl) {
  const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::string_view name = sent == nullptr ? "" : sent;
  // OpenSSL refuses NUL only, and the name goes into fields and logs.
  const bool is_host = std::all_of(name.begin(), name.end(), [](char c) {
    return octets::isAlpha(c) || octets::isDigit(c) || c == '-' || c == '.' || c == '_';
  });
  return is_host ? std::string(name) : std::string();
}

CertificateIdentity clientCertificateIdentity(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) {
    return {};
  }
  CertificateIdentity identity{.subject = nameText(X509_get_subject_name(certificate)), .fingerprint = {}};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1) {
    identity.fingerprint = fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
  }
  return identity;
}

}  // namespace gatewhy
