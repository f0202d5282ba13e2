// SPDX-License-Identifier: Apache-2.0
// PEM files, looked at before anything depends on them.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

struct X509Deleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, X509Deleter>;
struct CrlDeleter {
  void operator()(X509_CRL* list) const noexcept { X509_CRL_free(list); }
};
using CrlPtr = std::unique_ptr<X509_CRL, CrlDeleter>;
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

// All certificates of a file, at least one; the error names file and reason.
[[nodiscard]] Result<std::vector<X509Ptr>, std::string> readCertificates(const std::string& path);
// A key that needs a passphrase is an error: nobody is there to type it.
[[nodiscard]] Result<KeyPtr, std::string> readPrivateKey(const std::string& path);

// All revocation lists of a file, at least one.
[[nodiscard]] Result<std::vector<CrlPtr>, std::string> readRevocationLists(const std::string& path);

// "expired on 2024-05-01", "is not valid before …"; "" where it is valid now.
[[nodiscard]] std::string validityComplaint(const X509& certificate);
[[nodiscard]] std::string validityComplaint(const X509_CRL& list);
// "CN=Shop CA" (RFC 2253).
[[nodiscard]] std::string nameInWords(const X509_NAME* name);

// The DNS names and addresses it is for (subjectAltName); where it has none,
// its common name, which no client accepts but people recognise.
[[nodiscard]] std::vector<std::string> certificateNames(const X509& certificate);
// Whole days from now until it expires; negative where it has.
[[nodiscard]] long daysUntilExpiry(const X509& certificate);
// Whether clients that ask for `host`, a name or "*.name", accept it.
[[nodiscard]] bool certificateCovers(const X509& certificate, const std::string& host);

}  // namespace gatewhy
