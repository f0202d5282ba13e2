// SPDX-License-Identifier: Apache-2.0
// Certificates of listeners that are renewed while sessions are made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "proxy/net/tls_context.h"
#include "tests/support/revocation.h"
#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

using ::testing::HasSubstr;

Identity siteIdentity(const std::string& name, std::chrono::seconds not_after = std::chrono::hours(24)) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.dns_names = {name};
  spec.not_after = not_after;
  spec.not_before = std::min<std::chrono::seconds>(-std::chrono::hours(1), not_after - std::chrono::hours(1));
  return signedBy(pki().root, spec);
}

class CertificateRenewal : public ::testing::Test {
 protected:
  CertificateRenewal() {
    write("one", one_);
    write("two", siteIdentity("two.test"));
    context_ = ListenerTlsContext::create(config_).value();
  }
  void write(const std::string& name, const Identity& identity) const {
    files_.certificates(name + ".pem", {&identity});
    static_cast<void>(files_.key(name + ".key", identity));
  }
  // Two looks: files that have just changed may be half written.
  TlsRenewals renewed() const {
    const TlsRenewals first = context_->renew();
    EXPECT_TRUE(first.renewals.empty());
    return first.settling ? context_->renew() : first;
  }
  // Expiry of what is shown for a name, by the serial number of its certificate.
  std::string shownSerial(const std::string& sni) {
    TcpPair sockets = tcpPair();
    Transport ours(std::move(sockets.near));
    const SslCtxPtr client = peerClient();
    TlsPeer peer(sockets.far, client.get(), false);
    SSL_set_tlsext_host_name(peer.get(), sni.c_str());
    peer.step();
    ours.startTls(context_->newSession().value());
    EXPECT_EQ(HandshakeStatus::Done, shakeHands(ours, peer));
    return serialOf(SSL_get0_peer_certificate(peer.get()));
  }
  static std::string serialOf(const X509* certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
            static_cast<std::size_t>(ASN1_STRING_length(serial))};
  }

  PemDirectory files_;
  Identity one_ = siteIdentity("one.test");
  ListenerTls config_{.certificates = {{files_.path() + "/one.pem", files_.path() + "/one.key"},
                                       {files_.path() + "/two.pem", files_.path() + "/two.key"}}};
  std::shared_ptr<const ListenerTlsContext> context_;
};

TEST_F(CertificateRenewal, NothingHasChanged) {
  const TlsRenewals found = context_->renew();
  EXPECT_TRUE(found.renewals.empty());
  EXPECT_FALSE(found.settling);
}

TEST_F(CertificateRenewal, OfTheDefaultAndOfAnotherAreShown) {
  const std::string other = shownSerial("two.test");
  const Identity renewed_one = siteIdentity("one.test");
  write("one", renewed_one);
  const TlsRenewals found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_EQ(found.renewals[0].problem, "");
  EXPECT_EQ(found.renewals[0].file, files_.path() + "/one.pem");
  EXPECT_EQ(shownSerial("one.test"), serialOf(renewed_one.certificate.get()));
  EXPECT_EQ(shownSerial("two.test"), other) << "what has not changed stays";

  const Identity renewed_two = siteIdentity("two.test");
  write("two", renewed_two);
  ASSERT_EQ(renewed().renewals.size(), 1U);
  EXPECT_EQ(shownSerial("two.test"), serialOf(renewed_two.certificate.get()));
  EXPECT_EQ(shownSerial("one.test"), serialOf(renewed_one.certificate.get()));
  EXPECT_TRUE(context_->renew().renewals.empty());
}

TEST_F(CertificateRenewal, AKeyThatDoesNotFitIsKeptOutUntilItDoes) {
  const Identity next = siteIdentity("one.test");
  files_.certificates("one.pem", {&next});
  TlsRenewals found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_THAT(found.renewals[0].problem, HasSubstr("does not belong to the certificate"));
  EXPECT_EQ(shownSerial("one.test"), serialOf(one_.certificate.get()));
  EXPECT_TRUE(context_->certificates()[0].refused);
  EXPECT_FALSE(context_->certificates()[1].refused);
  EXPECT_TRUE(renewed().renewals.empty()) << "said once";

  write("two", siteIdentity("two.test"));
  ASSERT_EQ(renewed().renewals.size(), 1U) << "the other one does not suffer";

  static_cast<void>(files_.key("one.key", next));
  found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_EQ(found.renewals[0].problem, "");
  EXPECT_EQ(shownSerial("one.test"), serialOf(next.certificate.get()));
  EXPECT_FALSE(context_->certificates()[0].refused);
}

TEST_F(CertificateRenewal, WhatCannotServeIsRefused) {
  write("one", siteIdentity("one.test", -std::chrono::hours(1)));
  EXPECT_THAT(renewed().renewals.at(0).problem, HasSubstr("expired on"));
  files_.write("one.pem", "half a file");
  EXPECT_THAT(renewed().renewals.at(0).problem, HasSubstr("no PEM certificate"));
  ASSERT_EQ(::unlink((files_.path() + "/one.pem").c_str()), 0);
  EXPECT_THAT(renewed().renewals.at(0).problem, HasSubstr("cannot read"));
  EXPECT_EQ(shownSerial("one.test"), serialOf(one_.certificate.get()));
}

TEST_F(CertificateRenewal, AWriterThatIsNotDoneIsWaitedFor) {
  const Identity next = siteIdentity("one.test");
  files_.certificates("one.pem", {&next});
  EXPECT_TRUE(context_->renew().settling);
  static_cast<void>(files_.key("one.key", next));
  const TlsRenewals still = context_->renew();
  EXPECT_TRUE(still.settling);
  EXPECT_TRUE(still.renewals.empty());
  const TlsRenewals found = context_->renew();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_EQ(found.renewals[0].problem, "");
}

TEST_F(CertificateRenewal, AuthoritiesOfClientsAreRenewedToo) {
  const Identity other = selfSigned(authority("another authority"));
  config_.client_ca = files_.certificates("clients.pem", {&pki().root});
  context_ = ListenerTlsContext::create(config_).value();
  files_.write("clients.pem", "nothing");
  ASSERT_EQ(renewed().renewals.size(), 1U);
  files_.certificates("clients.pem", {&other});
  const TlsRenewals found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_EQ(found.renewals[0].problem, "");
  EXPECT_EQ(found.renewals[0].key, "");
  EXPECT_EQ(shownSerial("one.test"), serialOf(one_.certificate.get()));
}

TEST_F(CertificateRenewal, RevocationListsOfClientsAreRenewedToo) {
  const Identity client = siteIdentity("client.test");
  config_.client_ca = pki().root_file;
  config_.client_crl_file = files_.write("clients.crl", crlPem(pki().root, {}));
  context_ = ListenerTlsContext::create(config_).value();
  const auto verdict = [&] {
    TcpPair sockets = tcpPair();
    Transport ours(std::move(sockets.near));
    const SslCtxPtr context = peerClient();
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), client.certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), client.key.get()), 1);
    TlsPeer peer(sockets.far, context.get(), false);
    peer.step();
    ours.startTls(context_->newSession().value());
    EXPECT_EQ(HandshakeStatus::Done, shakeHands(ours, peer));
    const ClientCertificateFacts facts = clientCertificateFacts(ours.ssl());
    return facts.problems.empty() ? 0 : facts.problems.front().code;
  };
  EXPECT_EQ(verdict(), 0);
  files_.write("clients.crl", crlPem(pki().root, {&client}));
  TlsRenewals found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_EQ(found.renewals[0].kind, Renewal::Kind::RevocationLists);
  EXPECT_EQ(found.renewals[0].file, config_.client_crl_file);
  EXPECT_EQ(found.renewals[0].problem, "");
  EXPECT_EQ(verdict(), X509_V_ERR_CERT_REVOKED);
  files_.write("clients.crl", "half a file");
  found = renewed();
  ASSERT_EQ(found.renewals.size(), 1U);
  EXPECT_THAT(found.renewals[0].problem, HasSubstr("no PEM revocation list"));
  EXPECT_EQ(verdict(), X509_V_ERR_CERT_REVOKED) << "the lists of before stay in force";
}

TEST_F(CertificateRenewal, ASessionOutlivesItsCertificate) {
  auto session = context_->newSession().value();
  write("one", siteIdentity("one.test"));
  ASSERT_EQ(renewed().renewals.size(), 1U);
  context_.reset();
  EXPECT_EQ(serialOf(SSL_get_certificate(session.get())), serialOf(one_.certificate.get()));
}

}  // namespace
}  // namespace gatewhy::test
