// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_record.h"
#include "proxy/net/tls_setup.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

constexpr std::string_view kProtocol = "http/1.1";
// Forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
// Our order counts: AES-128 with SHA-256 first, as its key schedule costs a
// good deal less than SHA-384's; a client that puts ChaCha20 first gets it.
constexpr const char* kCiphers = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
// A hello costs the client random bytes and us an exchange: with ffdhe8192,
// among OpenSSL's defaults, 120 ms of it (CVE-2002-20001). These: at most 1 ms.
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// A full handshake's; a resumed one brings one anyway (RFC 8446 section 4.6.1).
constexpr std::size_t kTickets = 1;

// The certificates behind a listener's first one and the names of all.
class NameTable {
 public:
  void add(SSL_CTX* context) {
    for (const std::string& name : dnsNames(SSL_CTX_get0_certificate(context))) {
      by_name_.emplace(name, context);  // the first certificate keeps the name
    }
  }
  void addOwned(SslCtxPtr context) {
    add(context.get());
    others_.push_back(std::move(context));
  }
  // Null: no certificate has it. A wildcard stands for one label.
  [[nodiscard]] SSL_CTX* find(const std::string& host) const {
    if (const auto exact = by_name_.find(host); exact != by_name_.end()) {
      return exact->second;
    }
    const std::size_t dot = host.find('.');
    if (dot == std::string::npos) {
      return nullptr;
    }
    const auto wildcard = by_name_.find("*" + host.substr(dot));
    return wildcard == by_name_.end() ? nullptr : wildcard->second;
  }

 private:
  std::vector<SslCtxPtr> others_;
  std::map<std::string, SSL_CTX*> by_name_;
};

void freeTable(void* /*parent*/, void* table, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*argl*/, void* /*argp*/) {
  delete static_cast<NameTable*>(table);
}

// The first SSL_CTX owns the table: a handshake may outlive its listener.
int tableIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, freeTable);
  return index;
}

int onServerName(SSL* ssl, int* /*alert*/, void* table) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_CTX* context = name == nullptr ? nullptr : static_cast<const NameTable*>(table)->find(comparableHost(name));
  if (context != nullptr) {
    SSL_set_SSL_CTX(ssl, context);
  }
  return SSL_TLSEXT_ERR_OK;  // an unknown name gets the default certificate
}

int onAlpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
           unsigned offered_size, void* /*arg*/) {
  for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
    const std::string_view protocol(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (protocol == kProtocol) {
      *out = offered + at + 1;
      *out_size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol, RFC 7301 section 3.2
}

int verifyClient(X509_STORE_CTX* store, void* /*arg*/) {
  return verifyAndRecord(store, OnCertificateProblem::Continue);
}

std::optional<TlsFault> askForClientCertificate(SSL_CTX* context, const std::string& ca_file) {
  if (auto fault = loadRoots(context, ca_file)) {
    return fault;
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_file.c_str());
  if (names == nullptr) {
    return setupFault(ca_file);
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verifyClient, nullptr);
  return std::nullopt;
}

using Digest = std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH>;

// A ticket carries the verdict on its client's certificate: it counts only
// where clients are held against the same authorities.
Digest sessionContext(const ListenerTls& config) {
  std::ifstream file(config.client_ca, std::ios::binary);
  const std::string authorities((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Digest digest{};
  static_assert(digest.size() == 32);
  EVP_Digest(authorities.data(), authorities.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

Result<SslCtxPtr, TlsFault> contextFor(const ListenerTls& config, const CertificateConfig& certificate) {
  Result<SslCtxPtr, TlsFault> context = newTlsContext(TLS_server_method(), config.min_version);
  if (!context) {
    return context;
  }
  SSL_CTX* ctx = context->get();
  if (SSL_CTX_set_cipher_list(ctx, kCiphers) != 1 || SSL_CTX_set_ciphersuites(ctx, kSuites) != 1) {
    return Failure{setupFault("cipher list")};
  }
  if (auto fault = chooseCiphers(ctx, config.ciphers)) {
    return Failure{std::move(*fault)};
  }
  if (auto fault = chooseGroups(ctx, config.groups.empty() ? kGroups : config.groups)) {
    return Failure{std::move(*fault)};
  }
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_num_tickets(ctx, kTickets);
  if (auto fault = loadCertificate(ctx, certificate.certificate, certificate.key)) {
    return Failure{std::move(*fault)};
  }
  if (!config.client_ca.empty()) {
    if (auto fault = askForClientCertificate(ctx, config.client_ca)) {
      return Failure{std::move(*fault)};
    }
  }
  // Tickets keep the state at the client; workers share no session table.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  const Digest session_context = sessionContext(config);
  SSL_CTX_set_session_id_context(ctx, session_context.data(), session_context.size());
  if (!useTicketKeys(ctx)) {
    return Failure{setupFault("TLS library")};
  }
  SSL_CTX_set_alpn_select_cb(ctx, onAlpn, nullptr);
  return context;
}

class ListenerTlsContextImpl final : public ListenerTlsContext {
 public:
  ListenerTlsContextImpl(SslCtxPtr context, const ListenerTls& config)
      : context_(std::move(context)),
        wants_client_certificate_(!config.client_ca.empty()),
        requires_client_certificate_(wants_client_certificate_ && config.client_certificate_required) {}

  [[nodiscard]] Result<SslPtr, TlsFault> newSession() const override {
    Result<SslPtr, TlsFault> session = newRecordedSsl(context_.get());
    if (session) {
      SSL_set_accept_state(session->get());
    }
    return session;
  }
  [[nodiscard]] bool wantsClientCertificate() const override { return wants_client_certificate_; }
  [[nodiscard]] bool requiresClientCertificate() const override { return requires_client_certificate_; }

 private:
  SslCtxPtr context_;  // of the default certificate
  bool wants_client_certificate_;
  bool requires_client_certificate_;
};

}  // namespace

Result<std::shared_ptr<const ListenerTlsContext>, TlsFault> ListenerTlsContext::create(const ListenerTls& config) {
  SslCtxPtr first;
  auto table = std::make_unique<NameTable>();
  for (const CertificateConfig& certificate : config.certificates) {
    Result<SslCtxPtr, TlsFault> context = contextFor(config, certificate);
    if (!context) {
      return Failure{std::move(context).error()};
    }
    if (first == nullptr) {
      first = std::move(context).value();
      table->add(first.get());
    } else {
      table->addOwned(std::move(context).value());
    }
  }
  if (first == nullptr) {
    return Failure{TlsFault{.failure = TlsFailure::Setup, .reason = "no certificate is configured"}};
  }
  if (SSL_CTX_set_ex_data(first.get(), tableIndex(), table.get()) != 1) {
    return Failure{setupFault("TLS library")};
  }
  SSL_CTX_set_tlsext_servername_arg(first.get(), table.release());  // freeTable's now
  SSL_CTX_set_tlsext_servername_callback(first.get(), onServerName);
  return std::shared_ptr<const ListenerTlsContext>(
      std::make_shared<const ListenerTlsContextImpl>(std::move(first), config));
}

ClientCertificateFacts clientCertificateFacts(const SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) {
    return {};
  }
  ClientCertificateFacts facts{.presented = true, .problems = tlsRecordOf(ssl).problems};
  if (SSL_session_reused(ssl) == 0) {
    return facts;
  }
  // A ticket carries the first verdict, but not the time that has passed.
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    facts.problems.push_back(problemOf(certificate, static_cast<int>(verdict), 0));
  } else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
    facts.problems.push_back(problemOf(certificate, X509_V_ERR_CERT_HAS_EXPIRED, 0));
  }
  return facts;
}

bool servedCertificateCovers(const SSL* ssl, const std::string& host) {
  X509* certificate = SSL_get_certificate(ssl);
  return certificate != nullptr && certificateCovers(certificate, host);
}

bool sawPlainHttp(const TlsFault& fault) {
  if (fault.failure != TlsFailure::NotTls) {
    return false;
  }
  const std::string_view bytes = fault.first_bytes;
  const std::size_t method = bytes.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
  return method != std::string_view::npos && method >= 3 && bytes[method] == ' ';
}

}  // namespace gatewhy
