// SPDX-License-Identifier: Apache-2.0
// What both kinds of TLS context have in common.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "diagnostics/result.h"
#include "proxy/net/transport.h"

namespace gatewhy {

struct SslCtxDeleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, SslCtxDeleter>;

struct SslSessionDeleter {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SslSessionPtr = std::unique_ptr<SSL_SESSION, SslSessionDeleter>;

// Modes, options, versions and the record's alert callback.
[[nodiscard]] Result<SslCtxPtr, TlsFault> newTlsContext(const SSL_METHOD* method, const std::string& min_version);
// nullopt, or the fault that names the setting. In OpenSSL's words.
[[nodiscard]] std::optional<TlsFault> chooseGroups(SSL_CTX* context, const std::string& groups);
// `ciphers`: a list for TLS 1.2, suites of TLS 1.3, or both; what is not named
// stays as it is.
[[nodiscard]] std::optional<TlsFault> chooseCiphers(SSL_CTX* context, const std::string& ciphers);
// Each: nullopt, or the fault that names the file.
[[nodiscard]] std::optional<TlsFault> loadCertificate(SSL_CTX* context, const std::string& certificate,
                                                      const std::string& key);
[[nodiscard]] std::optional<TlsFault> loadRoots(SSL_CTX* context, const std::string& file);
[[nodiscard]] std::optional<TlsFault> loadRoots(X509_STORE* store, const std::string& file);
// An SSL of the context with its record.
[[nodiscard]] Result<SslPtr, TlsFault> newRecordedSsl(SSL_CTX* context);

}  // namespace gatewhy
