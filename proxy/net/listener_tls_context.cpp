// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/net/listener_certificates.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_record.h"
#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

class ListenerTlsContextImpl final : public ListenerTlsContext {
 public:
  ListenerTlsContextImpl(std::unique_ptr<ListenerCertificates> certificates, const ListenerTls& config)
      : certificates_(std::move(certificates)),
        wants_client_certificate_(!config.client_ca.empty()),
        requires_client_certificate_(wants_client_certificate_ && config.client_certificate_required) {}

  [[nodiscard]] Result<SslPtr, TlsFault> newSession() const override {
    Result<SslPtr, TlsFault> session = certificates_->newSession();
    if (session) {
      SSL_set_accept_state(session->get());
    }
    return session;
  }
  [[nodiscard]] bool wantsClientCertificate() const override { return wants_client_certificate_; }
  [[nodiscard]] bool requiresClientCertificate() const override { return requires_client_certificate_; }
  [[nodiscard]] TlsRenewals renew() const override { return certificates_->look(); }
  [[nodiscard]] std::vector<ServedCertificate> certificates() const override { return certificates_->served(); }

 private:
  std::unique_ptr<ListenerCertificates> certificates_;
  bool wants_client_certificate_;
  bool requires_client_certificate_;
};

}  // namespace

Result<std::shared_ptr<const ListenerTlsContext>, TlsFault> ListenerTlsContext::create(const ListenerTls& config) {
  auto certificates = ListenerCertificates::load(config);
  if (!certificates) {
    return Failure{std::move(certificates).error()};
  }
  return std::shared_ptr<const ListenerTlsContext>(
      std::make_shared<const ListenerTlsContextImpl>(std::move(certificates).value(), config));
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
