// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/listener_certificates.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/certificate_file.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

constexpr std::string_view kHttp1 = "http/1.1";
constexpr std::string_view kHttp2 = "h2";
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

template <bool Http2>
int onAlpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
           unsigned offered_size, void* /*arg*/) {
  const auto choose = [&](std::string_view wanted) {
    for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
      if (std::string_view(reinterpret_cast<const char*>(offered + at + 1), offered[at]) == wanted) {
        *out = offered + at + 1;
        *out_size = offered[at];
        return true;
      }
    }
    return false;
  };
  const bool chosen = (Http2 && choose(kHttp2)) || choose(kHttp1);
  return chosen ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol, RFC 7301 section 3.2
}

// Puts certificate and key into the context; nullopt, or what is wrong with them.
using Install = std::function<std::optional<TlsFault>(SSL_CTX*)>;

Result<SslCtxPtr, TlsFault> contextFor(const ListenerTls& config, const ClientAuthorities* authorities,
                                       const Install& install) {
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
  if (auto fault = install(ctx)) {
    return Failure{std::move(*fault)};
  }
  if (authorities != nullptr) {
    authorities->applyTo(ctx);
  }
  // Tickets keep the state at the client; workers share no session table.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  setSessionContext(ctx, authorities);
  if (!useTicketKeys(ctx)) {
    return Failure{setupFault("TLS library")};
  }
  SSL_CTX_set_alpn_select_cb(ctx, config.http2 ? onAlpn<true> : onAlpn<false>, nullptr);
  return context;
}

Install fromFiles(const CertificateConfig& files) {
  return [&files](SSL_CTX* context) { return loadCertificate(context, files.certificate, files.key); };
}

// What another context has; nothing is read from the disk.
Install fromContext(SSL_CTX* other) {
  return [other](SSL_CTX* context) -> std::optional<TlsFault> {
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(other, &chain);
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(other), SSL_CTX_get0_privatekey(other), chain, 1) !=
        1) {
      return setupFault("TLS library");
    }
    return std::nullopt;
  };
}

SslCtxPtr anotherReference(const SslCtxPtr& context) {
  SSL_CTX_up_ref(context.get());
  return SslCtxPtr(context.get());
}

std::string reasonOf(const TlsFault& fault) {
  return fault.reason.empty() ? fault.detail : fmt::format("{}: {}", fault.detail, fault.reason);
}

// Why a changed pair is not to take the place of the one in force; "" = it may.
// Read whole, and not by OpenSSL, which would wait for the writer of a FIFO.
std::string pairComplaint(const CertificateConfig& files) {
  const auto chain = readCertificates(files.certificate);
  if (!chain) {
    return chain.error();
  }
  const auto key = readPrivateKey(files.key);
  if (!key) {
    return key.error();
  }
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    ERR_clear_error();
    return fmt::format("the key '{}' does not belong to the certificate '{}'", files.key, files.certificate);
  }
  const std::string dates = validityComplaint(*chain->front());
  return dates.empty() ? dates : fmt::format("the certificate in '{}' {}", files.certificate, dates);
}

}  // namespace

ListenerCertificates::ListenerCertificates(const ListenerTls& config)
    : config_(config), authorities_stamp_(config.client_ca), lists_stamp_(config.client_crl_file) {
  for (const CertificateConfig& files : config_.certificates) {
    pairs_.push_back(Pair{.files = files, .certificate = FileStamp(files.certificate), .key = FileStamp(files.key)});
    static_cast<void>(pairs_.back().certificate.changed());  // before it is read: what changes meanwhile is seen
    static_cast<void>(pairs_.back().key.changed());
  }
  static_cast<void>(authorities_stamp_.changed());
  static_cast<void>(lists_stamp_.changed());
}

Result<std::unique_ptr<ListenerCertificates>, TlsFault> ListenerCertificates::load(const ListenerTls& config) {
  std::unique_ptr<ListenerCertificates> made(new ListenerCertificates(config));
  if (!config.client_ca.empty()) {
    auto authorities = ClientAuthorities::load(config.client_ca, config.client_crl_file);
    if (!authorities) {
      return Failure{std::move(authorities).error()};
    }
    made->authorities_ = std::move(authorities).value();
  }
  Contexts contexts;
  for (const Pair& pair : made->pairs_) {
    auto context = contextFor(made->config_, made->authorities_.get(), fromFiles(pair.files));
    if (!context) {
      return Failure{std::move(context).error()};
    }
    contexts.push_back(std::move(context).value());
  }
  if (auto fault = made->putInForce(std::move(contexts))) {
    return Failure{std::move(*fault)};
  }
  return made;
}

std::optional<TlsFault> ListenerCertificates::putInForce(Contexts contexts) {
  if (contexts.empty()) {
    return TlsFault{.failure = TlsFailure::Setup, .reason = "no certificate is configured"};
  }
  SSL_CTX* const first = contexts.front().get();
  auto table = std::make_unique<NameTable>();
  table->add(first);
  for (std::size_t i = 1; i < contexts.size(); ++i) {
    table->addOwned(anotherReference(contexts[i]));
  }
  if (SSL_CTX_set_ex_data(first, tableIndex(), table.get()) != 1) {
    return setupFault("TLS library");
  }
  SSL_CTX_set_tlsext_servername_arg(first, table.release());  // freeTable's now
  SSL_CTX_set_tlsext_servername_callback(first, onServerName);
  const std::lock_guard lock(mutex_);
  contexts_.swap(contexts);
  return std::nullopt;
}

Result<SslPtr, TlsFault> ListenerCertificates::newSession() const {
  const std::lock_guard lock(mutex_);
  return newRecordedSsl(contexts_.front().get());
}

// ---- renewal ------------------------------------------------------------

TlsRenewals ListenerCertificates::look() {
  TlsRenewals found;
  const auto settled = [&found](bool changed, bool& settling) {
    const bool ready = settling && !changed;
    settling = changed;
    found.settling = found.settling || changed;
    return ready;
  };
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const bool certificate = pairs_[i].certificate.changed();
    const bool key = pairs_[i].key.changed();
    if (settled(certificate || key, pairs_[i].settling)) {
      found.renewals.push_back(renew(i));
    }
  }
  if (!config_.client_ca.empty() && settled(authorities_stamp_.changed(), authorities_settling_)) {
    found.renewals.push_back(renewAuthorities(Renewal::Kind::Authorities, config_.client_ca));
  }
  const bool lists = !config_.client_ca.empty() && !config_.client_crl_file.empty();
  if (lists && settled(lists_stamp_.changed(), lists_settling_)) {
    found.renewals.push_back(renewAuthorities(Renewal::Kind::RevocationLists, config_.client_crl_file));
  }
  return found;
}

Renewal ListenerCertificates::renew(std::size_t index) {
  Pair& pair = pairs_[index];
  Renewal renewal{.file = pair.files.certificate, .key = pair.files.key, .problem = pairComplaint(pair.files)};
  if (renewal.problem.empty()) {
    auto context = contextFor(config_, authorities_.get(), fromFiles(pair.files));
    const auto fault = context ? replace(index, std::move(context).value()) : std::optional(std::move(context).error());
    renewal.problem = fault ? reasonOf(*fault) : std::string();
  }
  const std::lock_guard lock(mutex_);
  pair.refused = !renewal.problem.empty();
  return renewal;
}

// Puts the authorities of clients and their lists in force; "", or why those of
// before stay. One store holds both.
std::string ListenerCertificates::authoritiesComplaint() {
  if (const auto read = readCertificates(config_.client_ca); !read) {
    return read.error();
  }
  auto authorities = ClientAuthorities::load(config_.client_ca, config_.client_crl_file);
  if (!authorities) {
    return reasonOf(authorities.error());
  }
  ClientAuthoritiesPtr before = std::exchange(authorities_, std::move(authorities).value());
  if (const auto fault = replace(pairs_.size(), nullptr)) {
    authorities_ = std::move(before);
    return reasonOf(*fault);
  }
  return {};
}

Renewal ListenerCertificates::renewAuthorities(Renewal::Kind kind, const std::string& file) {
  return {.kind = kind, .file = file, .key = {}, .problem = authoritiesComplaint()};
}

// Every context is made again, from what the old ones hold: the default's has
// the table of names, and all ask clients by the same authorities.
std::optional<TlsFault> ListenerCertificates::replace(std::size_t changed, SslCtxPtr by) {
  Contexts contexts;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    if (i == changed) {
      contexts.push_back(std::move(by));
      continue;
    }
    auto context = contextFor(config_, authorities_.get(), fromContext(contexts_[i].get()));  // written by this thread
    if (!context) {
      return std::move(context).error();
    }
    contexts.push_back(std::move(context).value());
  }
  return putInForce(std::move(contexts));
}

std::vector<ServedCertificate> ListenerCertificates::served() const {
  const std::lock_guard lock(mutex_);
  std::vector<ServedCertificate> all;
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    X509* const leaf = SSL_CTX_get0_certificate(contexts_[i].get());
    all.push_back({.file = pairs_[i].files.certificate,
                   .subject = nameText(X509_get_subject_name(leaf)),
                   .names = dnsNames(leaf),
                   .term = termOf(leaf),
                   .refused = pairs_[i].refused});
  }
  return all;
}

}  // namespace gatewhy
