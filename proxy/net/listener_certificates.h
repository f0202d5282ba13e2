// SPDX-License-Identifier: Apache-2.0
// The certificates that a listener shows, and their renewal while sessions are
// made: a session keeps what it began with.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <vector>

#include "config/config.h"
#include "diagnostics/result.h"
#include "proxy/net/client_authorities.h"
#include "proxy/net/file_stamp.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_setup.h"

namespace gatewhy {

class ListenerCertificates {
 public:
  // Reads every file; a fault names the first that cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<ListenerCertificates>, TlsFault> load(const ListenerTls& config);

  // Of the certificates that are in force; the name that the client asks for chooses one. Any thread.
  [[nodiscard]] Result<SslPtr, TlsFault> newSession() const;
  // ListenerTlsContext::renew(): one thread at a time.
  [[nodiscard]] TlsRenewals look();
  // In the order of the configuration. Any thread.
  [[nodiscard]] std::vector<ServedCertificate> served() const;

 private:
  // What `look` knows of a certificate and its key.
  struct Pair {
    CertificateConfig files;
    FileStamp certificate, key;
    bool settling = false;  // changed at the last look: whoever writes may not have ended
    bool refused = false;   // what is in the files is not in force; under mutex_
  };
  // One per certificate, the default first, whose table of names knows all.
  using Contexts = std::vector<SslCtxPtr>;

  explicit ListenerCertificates(const ListenerTls& config);
  [[nodiscard]] Renewal renew(std::size_t index);
  [[nodiscard]] std::string authoritiesComplaint();
  [[nodiscard]] Renewal renewAuthorities(Renewal::Kind kind, const std::string& file);
  // In force from now on where there is no fault. `changed`: the one to be replaced, and by what; past the end = none.
  [[nodiscard]] std::optional<TlsFault> replace(std::size_t changed, SslCtxPtr by);
  [[nodiscard]] std::optional<TlsFault> putInForce(Contexts contexts);

  ListenerTls config_;
  std::vector<Pair> pairs_;
  FileStamp authorities_stamp_, lists_stamp_;
  bool authorities_settling_ = false, lists_settling_ = false;
  ClientAuthoritiesPtr authorities_;  // null: no client certificate is asked for
  mutable std::mutex mutex_;
  Contexts contexts_;  // under mutex_
};

}  // namespace gatewhy
