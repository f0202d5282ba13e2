// SPDX-License-Identifier: Apache-2.0
// The revocation lists that an origin's certificates are held against
// (tls.crl_file), and their renewal while sessions are made.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "diagnostics/observation.h"
#include "proxy/net/file_stamp.h"

namespace gatewhy {

class RevocationLists {
 public:
  // `ca_file` as in loadRoots(): a store holds both, authorities and lists.
  RevocationLists(std::string file, std::string ca_file);

  // Reads the file; on a fault what was read before stays in force.
  [[nodiscard]] std::optional<TlsFault> load();
  // Since the last call, or since it was made. One thread at a time.
  [[nodiscard]] bool changed() { return stamp_.changed(); }
  [[nodiscard]] const std::string& file() const { return file_; }
  // The lists of the last load, for the life of the session. Any thread.
  void applyTo(SSL* ssl) const;

 private:
  struct StoreDeleter {
    void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  };
  using StorePtr = std::unique_ptr<X509_STORE, StoreDeleter>;

  std::string file_, ca_file_;
  FileStamp stamp_;
  mutable std::mutex mutex_;
  StorePtr store_;  // under mutex_; sessions hold references of their own
};

}  // namespace gatewhy
