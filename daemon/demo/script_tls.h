// SPDX-License-Identifier: Apache-2.0
// TLS for fault scripts: small and blocking-agnostic, apart from the daemon's
// own TLS so that a bug in one is not hidden by the same bug in the other.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>

#include "daemon/demo/fault_script.h"
#include "diagnostics/result.h"

namespace gatewhy {

struct TlsIdentity {
  std::string certificate_file;  // PEM, leaf first
  std::string key_file;          // PEM
};

// Files by the names that scripts use: `tls cert=expired ca=clients`.
struct TlsFiles {
  std::map<std::string, TlsIdentity> identities;
  std::map<std::string, std::string> authorities;
  std::map<std::string, std::string> staples;  // OCSP responses, DER; outlive the sessions that send them
};

struct TlsSessionDeleter {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using TlsSessionPtr = std::unique_ptr<SSL, TlsSessionDeleter>;

// A session set up from the options of a `tls` step: cert=NAME, ca=NAME,
// verify=require|none, min=1.2, max=1.3, ciphers=LIST (TLS 1.2), alpn=a:b,
// sni=NAME (client), staple=NAME (server). The error is a sentence.
[[nodiscard]] Result<TlsSessionPtr, std::string> newTlsSession(const Step& step, const TlsFiles& files, bool server);

// What the library's error queue holds, emptied: "" where nothing.
[[nodiscard]] std::string takeTlsErrors();

}  // namespace gatewhy
