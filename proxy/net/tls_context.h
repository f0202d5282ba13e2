// SPDX-License-Identifier: Apache-2.0
// SSL_CTX factories. A context is immutable after create() and shared by all
// workers; sessions belong to one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/result.h"
#include "proxy/net/certificate_term.h"
#include "proxy/net/transport.h"

namespace gatewhy {

// TLS towards an origin.
class OriginTlsContext {
 public:
  // TlsFault{Setup} names the file that could not be used.
  [[nodiscard]] static Result<std::shared_ptr<const OriginTlsContext>, TlsFault> create(const OriginTls& config);
  virtual ~OriginTlsContext() = default;
  // A session in connect state for `host` (endpoint host; tls.server_name
  // overrides it): SNI unless an IP literal, name or IP verification, a record
  // of alerts in both directions, handshake messages, first bytes and every
  // verification error. ALPN offers the versions of `http`.
  [[nodiscard]] virtual Result<SslPtr, TlsFault> newSession(const std::string& host, EndpointHttp http) const = 0;

  // Reads tls.crl_file again where it has changed: sessions from now on are
  // held against what is in it. nullopt: nothing has changed, or there is no
  // such file. Reads the disk: not on a worker's thread; any other.
  struct Refreshed {
    std::string file;
    std::string problem;  // "" = taken; else the old lists stay in force
  };
  [[nodiscard]] virtual std::optional<Refreshed> refreshRevocations() const = 0;
};

// A listener's certificate that is in force.
struct ServedCertificate {
  std::string file, subject;  // RFC 2253
  std::vector<std::string> names;
  CertificateTerm term;
  bool refused = false;  // its files have changed, and what is in them cannot be used
};

// Files of a listener that have changed, and what became of it.
struct Renewal {
  enum class Kind : std::uint8_t { Certificate, Authorities, RevocationLists };  // the latter two of clients
  Kind kind = Kind::Certificate;
  std::string file, key;  // a key only of a certificate
  std::string problem;    // "" = in force; else what was before stays
};
struct TlsRenewals {
  std::vector<Renewal> renewals;
  bool settling = false;  // something has just changed: it is read at the next look where it changes no more
};

// What a listener's client showed; valid after the handshake.
struct ClientCertificateFacts {
  bool presented = false;
  std::vector<X509Problem> problems;  // empty = accepted
};

// TLS towards clients.
class ListenerTlsContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const ListenerTlsContext>, TlsFault> create(const ListenerTls& config);
  virtual ~ListenerTlsContext() = default;
  [[nodiscard]] virtual Result<SslPtr, TlsFault> newSession() const = 0;  // accept state
  [[nodiscard]] virtual bool wantsClientCertificate() const = 0;
  [[nodiscard]] virtual bool requiresClientCertificate() const = 0;
  // Looks whether certificates, keys, client_ca or client_crl_file have changed,
  // each pair by itself: sessions from now on have what is in them. Reads the disk: not on
  // a worker's thread; one thread at a time.
  [[nodiscard]] virtual TlsRenewals renew() const = 0;
  // In the order of the configuration. Any thread.
  [[nodiscard]] virtual std::vector<ServedCertificate> certificates() const = 0;
};
// A client certificate that fails verification does not end the handshake:
// the request is answered (495/496) with these facts.
[[nodiscard]] ClientCertificateFacts clientCertificateFacts(const SSL* ssl);
// True where the certificate that this listener served to `ssl` covers `host`
// (RFC 9110 section 7.4: otherwise the request is misdirected).
[[nodiscard]] bool servedCertificateCovers(const SSL* ssl, const std::string& host);
// True where the failed handshake met a plain HTTP request.
[[nodiscard]] bool sawPlainHttp(const TlsFault& fault);

}  // namespace gatewhy
