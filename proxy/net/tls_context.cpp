// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_context.h"

#include <openssl/x509v3.h>

#include <string_view>

#include "proxy/net/ocsp_staple.h"
#include "proxy/net/revocation_lists.h"
#include "proxy/net/session_cache.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_record.h"
#include "proxy/net/tls_setup.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

// In the order of preference, each behind its length (RFC 7301 section 3.1).
std::string_view alpnOf(EndpointHttp http) {
  switch (http) {
    case EndpointHttp::Http1:
      return "\x08http/1.1";
    case EndpointHttp::Negotiated:
      return "\x02h2\x08http/1.1";
    case EndpointHttp::Http2:
      return "\x02h2";
  }
  return {};
}

std::string_view protocolNames(EndpointHttp http) {
  switch (http) {
    case EndpointHttp::Http1:
      return "http/1.1";
    case EndpointHttp::Negotiated:
      return "h2,http/1.1";
    case EndpointHttp::Http2:
      return "h2";
  }
  return {};
}

// Some servers bind a session to the protocol that it was made with: it is
// tried again only where the same is offered.
std::string cacheKey(const TlsRecord& record) {
  return record.wanted_name + ' ' + std::string(record.offered_protocols);
}

// X25519 first: its share is in the hello, the others cost a round trip. What
// origins may have, but no larger field than a handshake should cost.
constexpr const char* kOriginGroups = "X25519:P-256:P-384:P-521:X448:ffdhe2048:ffdhe3072";

void freeCache(void* /*parent*/, void* cache, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*argl*/, void* /*argp*/) {
  delete static_cast<SessionCache*>(cache);
}

// The SSL_CTX owns the cache: a connection may outlive its OriginTlsContext.
int cacheIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, freeCache);
  return index;
}

SessionCache& cacheOf(const SSL_CTX* context) {
  return *static_cast<SessionCache*>(SSL_CTX_get_ex_data(context, cacheIndex()));
}

// A copy: freeing a connection that was not shut down in order makes its own
// session unusable.
void remember(const SSL* ssl, SSL_SESSION* session) {
  const TlsRecord& record = tlsRecordOf(ssl);
  SslSessionPtr copy(record.problems.empty() ? SSL_SESSION_dup(session) : nullptr);
  if (copy != nullptr) {
    cacheOf(SSL_get_SSL_CTX(ssl)).put(cacheKey(record), std::move(copy));
  }
}

int onNewSession(SSL* ssl, SSL_SESSION* session) {
  remember(ssl, session);
  return 0;  // the reference stays OpenSSL's
}

void onInfo(const SSL* ssl, int where, int ret) {
  recordTlsInfo(ssl, where, ret);
  // Before TLS 1.3 a resumed session need not bring a new ticket.
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0 && SSL_version(ssl) < TLS1_3_VERSION && SSL_session_reused(ssl) == 1) {
    remember(ssl, SSL_get_session(ssl));
  }
}

// Refusing inside the handshake tells the origin by an alert, and no byte of
// the request, nor our own certificate, goes to an impostor.
int verifyOrigin(X509_STORE_CTX* store, void* /*arg*/) {
  return verifyAndRecord(store, OnCertificateProblem::Refuse);
}

int acceptOrigin(X509_STORE_CTX* /*store*/, void* /*arg*/) {
  return 1;
}

class OriginTlsContextImpl final : public OriginTlsContext {
 public:
  OriginTlsContextImpl(SslCtxPtr context, const OriginTls& config, std::unique_ptr<RevocationLists> lists)
      : context_(std::move(context)),
        server_name_(config.server_name),
        verify_(config.verify),
        lists_(std::move(lists)) {}

  [[nodiscard]] std::optional<Refreshed> refreshRevocations() const override {
    if (lists_ == nullptr || !lists_->changed()) {
      return std::nullopt;
    }
    Refreshed refreshed{.file = lists_->file(), .problem = {}};
    if (const auto fault = lists_->load()) {
      refreshed.problem = fault->reason.empty() ? "no revocation list in it" : fault->reason;
    } else {
      cacheOf(context_.get()).clear();  // a resumed session shows no certificate
    }
    return refreshed;
  }

  [[nodiscard]] Result<SslPtr, TlsFault> newSession(const std::string& host, EndpointHttp http) const override {
    const std::string name = comparableHost(server_name_.empty() ? host : server_name_);
    Result<SslPtr, TlsFault> session = newRecordedSsl(context_.get());
    if (!session) {
      return session;
    }
    SSL* ssl = session->get();
    TlsRecord& record = tlsRecordOf(ssl);
    record.wanted_name = name;
    record.offered_protocols = protocolNames(http);
    const std::string_view alpn = alpnOf(http);
    // Alone of its kind it returns 0 for success.
    if (SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size())) != 0) {
      return Failure{setupFault("ALPN")};
    }
    const bool literal = isIpLiteral(name);
    // RFC 6066 section 3: no literals in SNI.
    if (!literal && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) {
      return Failure{setupFault("server_name " + name)};
    }
    if (verify_ && !expectName(ssl, name, literal)) {
      return Failure{setupFault("server_name " + name)};
    }
    if (lists_ != nullptr) {
      lists_->applyTo(ssl);
    }
    if (const SslSessionPtr earlier = cacheOf(context_.get()).take(cacheKey(record))) {
      SSL_set_session(ssl, earlier.get());
    }
    SSL_set_connect_state(ssl);
    return session;
  }

 private:
  static bool expectName(SSL* ssl, const std::string& name, bool literal) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    if (literal) {
      return X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(param, name.data(), name.size()) == 1;
  }

  SslCtxPtr context_;
  std::string server_name_;
  bool verify_;
  std::unique_ptr<RevocationLists> lists_;  // null: no tls.crl_file
};

}  // namespace

Result<std::shared_ptr<const OriginTlsContext>, TlsFault> OriginTlsContext::create(const OriginTls& config) {
  Result<SslCtxPtr, TlsFault> context = newTlsContext(TLS_client_method(), config.min_version);
  if (!context) {
    return Failure{std::move(context).error()};
  }
  SSL_CTX* ctx = context->get();
  if (auto fault = chooseGroups(ctx, kOriginGroups)) {
    return Failure{std::move(*fault)};
  }
  if (config.verify) {
    if (auto fault = loadRoots(ctx, config.ca_file)) {
      return Failure{std::move(*fault)};
    }
    if (!config.ca_file.empty()) {
      // Whoever names a file trusts what is in it, be it a leaf or an
      // intermediate that is no root.
      X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    }
  }
  std::unique_ptr<RevocationLists> lists;
  if (config.verify && !config.crl_file.empty()) {
    lists = std::make_unique<RevocationLists>(config.crl_file, config.ca_file);
    if (auto fault = lists->load()) {
      return Failure{std::move(*fault)};
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  if (config.verify) {
    checkStaples(ctx);
  }
  if (!config.certificate.empty()) {
    if (auto fault = loadCertificate(ctx, config.certificate, config.key)) {
      return Failure{std::move(*fault)};
    }
  }
  SSL_CTX_set_verify(ctx, config.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, config.verify ? verifyOrigin : acceptOrigin, nullptr);
  auto cache = std::make_unique<SessionCache>();
  if (SSL_CTX_set_ex_data(ctx, cacheIndex(), cache.get()) != 1) {
    return Failure{setupFault("TLS library")};
  }
  static_cast<void>(cache.release());  // freeCache's now
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, onNewSession);
  SSL_CTX_set_info_callback(ctx, onInfo);
  return std::shared_ptr<const OriginTlsContext>(
      std::make_shared<const OriginTlsContextImpl>(std::move(context).value(), config, std::move(lists)));
}

}  // namespace gatewhy
