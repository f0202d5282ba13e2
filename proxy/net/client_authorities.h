// SPDX-License-Identifier: Apache-2.0
// Whom a listener's clients may have their certificates from (tls.client_ca),
// and which of these are revoked (tls.client_crl_file): read once, used by the
// contexts of all its certificates.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "diagnostics/observation.h"
#include "diagnostics/result.h"

namespace gatewhy {

class ClientAuthorities {
 public:
  // `crl_file`: "" = nobody is held against lists. A fault names the file.
  [[nodiscard]] static Result<std::shared_ptr<const ClientAuthorities>, TlsFault> load(const std::string& file,
                                                                                       const std::string& crl_file);
  ~ClientAuthorities();
  ClientAuthorities(const ClientAuthorities&) = delete;
  ClientAuthorities& operator=(const ClientAuthorities&) = delete;

  // Has `context` ask clients for a certificate, whose fault it records and
  // does not refuse; it holds references of its own.
  void applyTo(SSL_CTX* context) const;

 private:
  ClientAuthorities() = default;
  [[nodiscard]] std::optional<TlsFault> addLists(const std::string& file);
  X509_STORE* store_ = nullptr;
  STACK_OF(X509_NAME) * names_ = nullptr;
  friend void setSessionContext(SSL_CTX* context, const ClientAuthorities* authorities);
  // A ticket carries the verdict on its client's certificate: it counts only
  // where clients are held against the same authorities and lists.
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> digest_{};
};
using ClientAuthoritiesPtr = std::shared_ptr<const ClientAuthorities>;

// Which sessions `context` resumes; `authorities` may be null.
void setSessionContext(SSL_CTX* context, const ClientAuthorities* authorities);

}  // namespace gatewhy
