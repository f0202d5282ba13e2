// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_setup.h"

#include <openssl/err.h>

#include "config/tls_words.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_record.h"

namespace gatewhy {
namespace {

// A daemon has nobody to ask: an encrypted key is an error, not a prompt.
int noPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*arg*/) {
  return -1;
}

}  // namespace

Result<SslCtxPtr, TlsFault> newTlsContext(const SSL_METHOD* method, const std::string& min_version) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(method));
  if (context == nullptr) {
    return Failure{setupFault("TLS library")};
  }
  SSL_CTX* ctx = context.get();
  const int version = min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(ctx, version) != 1) {
    return Failure{setupFault("min_version")};
  }
  // SSL_OP_IGNORE_UNEXPECTED_EOF stays off: with it a cut connection looks
  // like an orderly close.
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Without it a session ticket would end a read as if the socket were empty.
  SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_info_callback(ctx, recordTlsInfo);
  SSL_CTX_set_default_passwd_cb(ctx, noPassphrase);
  return context;
}

std::optional<TlsFault> chooseGroups(SSL_CTX* context, const std::string& groups) {
  ERR_clear_error();
  if (SSL_CTX_set1_groups_list(context, groups.c_str()) != 1) {
    return setupFault("tls.groups");
  }
  return std::nullopt;
}

std::optional<TlsFault> chooseCiphers(SSL_CTX* context, const std::string& ciphers) {
  const TlsCipherWords words = splitCiphers(ciphers);
  ERR_clear_error();
  if ((!words.list.empty() && SSL_CTX_set_cipher_list(context, words.list.c_str()) != 1) ||
      (!words.suites.empty() && SSL_CTX_set_ciphersuites(context, words.suites.c_str()) != 1)) {
    return setupFault("tls.ciphers");
  }
  return std::nullopt;
}

std::optional<TlsFault> loadCertificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return setupFault(certificate);
  }
  // Loading the key compares it with the certificate.
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return setupFault(key);
  }
  return std::nullopt;
}

std::optional<TlsFault> loadRoots(SSL_CTX* context, const std::string& file) {
  return loadRoots(SSL_CTX_get_cert_store(context), file);
}

std::optional<TlsFault> loadRoots(X509_STORE* store, const std::string& file) {
  ERR_clear_error();
  if (!file.empty()) {
    return X509_STORE_load_file(store, file.c_str()) == 1 ? std::nullopt : std::optional(setupFault(file));
  }
  // Not X509_STORE_set_default_paths(): its third place, the store, reads the
  // whole directory at each issuer that is not found.
  X509_LOOKUP* in_file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  X509_LOOKUP* in_directory = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
  if (in_file == nullptr || in_directory == nullptr) {
    return setupFault("the system's certificate authorities");
  }
  // Either may be missing, as in the library's own call.
  X509_LOOKUP_load_file(in_file, nullptr, X509_FILETYPE_DEFAULT);
  X509_LOOKUP_add_dir(in_directory, nullptr, X509_FILETYPE_DEFAULT);
  ERR_clear_error();
  return std::nullopt;
}

Result<SslPtr, TlsFault> newRecordedSsl(SSL_CTX* context) {
  ERR_clear_error();
  SslPtr ssl(SSL_new(context));
  if (ssl == nullptr || !attachTlsRecord(ssl.get())) {
    TlsFault fault = setupFault("TLS session");
    fault.failure = TlsFailure::Memory;
    return Failure{std::move(fault)};
  }
  return ssl;
}

}  // namespace gatewhy
