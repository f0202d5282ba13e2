// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/revocation_lists.h"

#include <openssl/err.h>

#include <utility>

#include "config/certificate_file.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_setup.h"

namespace gatewhy {

RevocationLists::RevocationLists(std::string file, std::string ca_file)
    : file_(std::move(file)), ca_file_(std::move(ca_file)), stamp_(file_) {
  static_cast<void>(stamp_.changed());
}

std::optional<TlsFault> RevocationLists::load() {
  const auto lists = readRevocationLists(file_);
  if (!lists) {
    TlsFault fault{.failure = TlsFailure::Setup};
    fault.reason = lists.error();
    fault.detail = file_;
    return fault;
  }
  StorePtr fresh(X509_STORE_new());
  if (fresh == nullptr) {
    return setupFault(file_);
  }
  if (auto fault = loadRoots(fresh.get(), ca_file_)) {
    return fault;
  }
  for (const CrlPtr& list : *lists) {
    if (X509_STORE_add_crl(fresh.get(), list.get()) != 1) {
      return setupFault(file_);
    }
  }
  const std::lock_guard lock(mutex_);
  store_ = std::move(fresh);
  return std::nullopt;
}

void RevocationLists::applyTo(SSL* ssl) const {
  const std::lock_guard lock(mutex_);
  SSL_set1_verify_cert_store(ssl, store_.get());
}

}  // namespace gatewhy
