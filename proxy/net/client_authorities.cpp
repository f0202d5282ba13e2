// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/client_authorities.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <utility>

#include "config/certificate_file.h"
#include "config/file_text.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_record.h"
#include "proxy/net/tls_setup.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostAuthorities = 16UL * 1024 * 1024;

int verifyClient(X509_STORE_CTX* store, void* /*arg*/) {
  return verifyAndRecord(store, OnCertificateProblem::Continue);
}

std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> digestOf(const std::string& text) {
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> digest{};
  static_assert(digest.size() == 32);
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

TlsFault unusable(const std::string& file, std::string reason) {
  TlsFault fault{.failure = TlsFailure::Setup};
  fault.reason = std::move(reason);
  fault.detail = file;
  return fault;
}

}  // namespace

std::optional<TlsFault> ClientAuthorities::addLists(const std::string& file) {
  const auto lists = readRevocationLists(file);
  if (!lists) {
    return unusable(file, lists.error());
  }
  for (const CrlPtr& list : *lists) {
    if (X509_STORE_add_crl(store_, list.get()) != 1) {
      return setupFault(file);
    }
  }
  X509_STORE_set_flags(store_, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return std::nullopt;
}

Result<std::shared_ptr<const ClientAuthorities>, TlsFault> ClientAuthorities::load(const std::string& file,
                                                                                   const std::string& crl_file) {
  const std::shared_ptr<ClientAuthorities> made(new ClientAuthorities());
  made->store_ = X509_STORE_new();
  if (made->store_ == nullptr) {
    return Failure{setupFault(file)};
  }
  if (auto fault = loadRoots(made->store_, file)) {
    return Failure{std::move(*fault)};
  }
  made->names_ = SSL_load_client_CA_file(file.c_str());
  if (made->names_ == nullptr) {
    return Failure{setupFault(file)};
  }
  std::string read;
  for (const std::string& part : {file, crl_file}) {
    if (part.empty()) {
      continue;
    }
    const auto text = readTextFile(part, kMostAuthorities);
    if (!text) {
      return Failure{unusable(part, text.error())};
    }
    read += *text;
  }
  made->digest_ = digestOf(read);
  if (!crl_file.empty()) {
    if (auto fault = made->addLists(crl_file)) {
      return Failure{std::move(*fault)};
    }
  }
  return ClientAuthoritiesPtr(made);
}

ClientAuthorities::~ClientAuthorities() {
  X509_STORE_free(store_);
  sk_X509_NAME_pop_free(names_, X509_NAME_free);
}

void ClientAuthorities::applyTo(SSL_CTX* context) const {
  SSL_CTX_set1_cert_store(context, store_);
  SSL_CTX_set_client_CA_list(context, SSL_dup_CA_list(names_));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verifyClient, nullptr);
}

void setSessionContext(SSL_CTX* context, const ClientAuthorities* authorities) {
  const auto digest = authorities == nullptr ? digestOf({}) : authorities->digest_;
  SSL_CTX_set_session_id_context(context, digest.data(), digest.size());
}

}  // namespace gatewhy
