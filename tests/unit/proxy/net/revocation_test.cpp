// SPDX-License-Identifier: Apache-2.0
// Revoked origins: by a list of ours (tls.crl_file) and by the OCSP response
// that the origin staples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "proxy/net/tls_record.h"
#include "tests/support/revocation.h"
#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

using ::testing::MatchesRegex;

constexpr const char* kTime = "20..-..-..T..:..:..Z";

SslCtxPtr goodServer() {
  return peerServer(pki().leaf, {&pki().intermediate});
}

OriginTls withLists(const std::string& name, const std::string& pem) {
  OriginTls config;
  config.crl_file = pki().directory.write(name, pem);
  return config;
}

X509Problem refusalWith(const OriginTls& config) {
  OriginSession origin(config);
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(goodServer().get()));
  const TlsFault fault = origin.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::Certificate, fault.failure);
  EXPECT_EQ(2, fault.chain_length);
  EXPECT_EQ(1U, fault.problems.size());
  return fault.problems.empty() ? X509Problem() : fault.problems.front();
}

bool accepted(const OriginTls& config) {
  OriginSession origin(config);
  return origin.with(goodServer().get()) == HandshakeStatus::Done;
}

TEST(RevocationList, OfTheIssuerIsEnoughAndLetsGoodOnesPass) {
  EXPECT_TRUE(accepted(withLists("clean.crl", crlPem(pki().intermediate, {}))));
  EXPECT_TRUE(accepted(withLists("both.crl", crlPem(pki().intermediate, {}) + crlPem(pki().root, {}))));
}

TEST(RevocationList, RevokedWithSerialDateAndReason) {
  const X509Problem problem =
      refusalWith(withLists("revoked.crl", crlPem(pki().intermediate, {&pki().leaf}) + crlPem(pki().root, {})));
  EXPECT_EQ(X509_V_ERR_CERT_REVOKED, problem.code);
  EXPECT_EQ(0, problem.depth);
  EXPECT_THAT(problem.serial, MatchesRegex("[0-9A-F]{16}"));
  EXPECT_THAT(problem.revoked_at, MatchesRegex(kTime));
  EXPECT_EQ("keyCompromise", problem.revocation_reason);
  EXPECT_EQ("crl", problem.revocation_source);
}

TEST(RevocationList, ARevokedIntermediateIsSaidAtItsDepth) {
  const X509Problem problem = refusalWith(
      withLists("intermediate.crl", crlPem(pki().intermediate, {}) + crlPem(pki().root, {&pki().intermediate})));
  EXPECT_EQ(X509_V_ERR_CERT_REVOKED, problem.code);
  EXPECT_EQ(1, problem.depth);
}

TEST(RevocationList, ExpiredIsNotMissing) {
  const CrlSpec old{.last_update = -std::chrono::hours(48), .next_update = -std::chrono::hours(24)};
  const X509Problem expired = refusalWith(withLists("expired.crl", crlPem(pki().intermediate, {}, old)));
  EXPECT_EQ(X509_V_ERR_CRL_HAS_EXPIRED, expired.code);
  EXPECT_THAT(expired.crl_next_update, MatchesRegex(kTime));
  const X509Problem missing = refusalWith(withLists("missing.crl", crlPem(pki().root, {})));
  EXPECT_EQ(X509_V_ERR_UNABLE_TO_GET_CRL, missing.code);
  EXPECT_EQ(0, missing.depth);
  EXPECT_EQ("", missing.crl_next_update);
}

TEST(RevocationList, AFileWithoutOneIsASetUpFault) {
  const auto created = OriginTlsContext::create(withLists("none.crl", "nothing\n"));
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(TlsFailure::Setup, created.error().failure);
}

TEST(RevocationList, ANewerFileCountsForTheNextHandshake) {
  OriginTls config = withLists("renewed.crl", crlPem(pki().intermediate, {}));
  config.ca_file = pki().root_file;
  const auto context = OriginTlsContext::create(config).value();
  OriginSession before(context, "origin.test");
  EXPECT_EQ(HandshakeStatus::Done, before.with(goodServer().get()));
  EXPECT_FALSE(context->refreshRevocations()) << "nothing has changed";
  withLists("renewed.crl", crlPem(pki().intermediate, {&pki().leaf}) + crlPem(pki().root, {}));
  const auto refreshed = context->refreshRevocations();
  ASSERT_TRUE(refreshed);
  EXPECT_EQ("", refreshed->problem);
  OriginSession after(context, "origin.test");
  EXPECT_EQ(HandshakeStatus::Failed, after.with(goodServer().get()));
  EXPECT_EQ(X509_V_ERR_CERT_REVOKED, after.ours.handshakeFault().problems.front().code);
}

TEST(RevocationList, AnUnusableFileLeavesTheOldListsInForce) {
  OriginTls config = withLists("spoilt.crl", crlPem(pki().intermediate, {&pki().leaf}));
  config.ca_file = pki().root_file;
  const auto context = OriginTlsContext::create(config).value();
  withLists("spoilt.crl", "half a file");
  const auto refreshed = context->refreshRevocations();
  ASSERT_TRUE(refreshed);
  EXPECT_NE("", refreshed->problem);
  OriginSession after(context, "origin.test");
  EXPECT_EQ(HandshakeStatus::Failed, after.with(goodServer().get()));
}

// ---- OCSP staples -------------------------------------------------------

int staple(SSL* ssl, void* response) {
  const auto& der = *static_cast<const std::string*>(response);
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(der.data(), der.size()));
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
  return SSL_TLSEXT_ERR_OK;
}

struct Stapled {
  HandshakeStatus status;
  TlsFault fault;
  FindingSet findings;
};

// The leaf's server staples `der`; "" = nothing.
Stapled shake(const Identity& leaf, std::string der, int version = TLS1_3_VERSION, bool verify = true) {
  const SslCtxPtr server = peerServer(leaf, {&pki().intermediate});
  SSL_CTX_set_max_proto_version(server.get(), version);
  if (!der.empty()) {
    SSL_CTX_set_tlsext_status_cb(server.get(), staple);
    SSL_CTX_set_tlsext_status_arg(server.get(), &der);
  }
  OriginTls config;
  config.verify = verify;
  OriginSession origin(config);
  Stapled out{.status = origin.with(server.get()), .fault = {}, .findings = {}};
  if (out.status == HandshakeStatus::Failed) {
    out.fault = origin.ours.handshakeFault();
  } else {
    out.findings = tlsRecordOf(origin.ours.ssl()).findings;
  }
  return out;
}

std::string answer(const OcspSpec& spec) {
  return ocspResponse(pki().leaf, pki().intermediate, pki().intermediate, spec);
}

FindingSet only(Finding finding) {
  FindingSet set;
  set.add(finding);
  return set;
}

TEST(OcspStaple, GoodPassesWithoutAWord) {
  const Stapled good = shake(pki().leaf, answer({}));
  EXPECT_EQ(HandshakeStatus::Done, good.status);
  EXPECT_TRUE(good.findings.empty());
}

TEST(OcspStaple, RevokedEndsTheHandshakeInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Stapled revoked = shake(pki().leaf, answer({.status = OcspStatus::Revoked}), version);
    ASSERT_EQ(HandshakeStatus::Failed, revoked.status);
    EXPECT_EQ(TlsFailure::Certificate, revoked.fault.failure);
    ASSERT_EQ(1U, revoked.fault.problems.size());
    const X509Problem& problem = revoked.fault.problems.front();
    EXPECT_EQ(X509_V_ERR_CERT_REVOKED, problem.code);
    EXPECT_EQ("ocsp", problem.revocation_source);
    EXPECT_THAT(problem.revoked_at, MatchesRegex(kTime));
    EXPECT_THAT(problem.serial, MatchesRegex("[0-9A-F]{16}"));
    EXPECT_EQ("keyCompromise", problem.revocation_reason);
  }
}

TEST(OcspStaple, WhatSaysNothingIsAFinding) {
  EXPECT_EQ(only(Finding::OcspStatusUnknown), shake(pki().leaf, answer({.status = OcspStatus::Unknown})).findings);
  const OcspSpec old{.this_update = -std::chrono::hours(48), .next_update = -std::chrono::hours(24)};
  EXPECT_EQ(only(Finding::OcspStapleExpired), shake(pki().leaf, answer(old)).findings);
  EXPECT_EQ(only(Finding::OcspStapleUnusable), shake(pki().leaf, "no OCSP at all").findings);
  const Identity other = signedBy(pki().intermediate, TestPki::leafSpec());
  EXPECT_EQ(only(Finding::OcspStapleUnusable),
            shake(pki().leaf, ocspResponse(other, pki().intermediate, pki().intermediate)).findings)
      << "about another certificate";
}

TEST(OcspStaple, OfAStrangerCannotRevoke) {
  const Identity stranger = selfSigned(authority("Stranger"));
  const Stapled forged =
      shake(pki().leaf, ocspResponse(pki().leaf, pki().intermediate, stranger, {.status = OcspStatus::Revoked}));
  EXPECT_EQ(HandshakeStatus::Done, forged.status);
  EXPECT_EQ(only(Finding::OcspStapleUnusable), forged.findings);
}

TEST(OcspStaple, ThatTheCertificateDemandsMayNotBeMissing) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.must_staple = true;
  const Identity leaf = signedBy(pki().intermediate, spec);
  const Stapled missing = shake(leaf, "");
  ASSERT_EQ(HandshakeStatus::Failed, missing.status);
  ASSERT_EQ(1U, missing.fault.problems.size());
  EXPECT_EQ(X509_V_ERR_OCSP_VERIFY_NEEDED, missing.fault.problems.front().code);
  EXPECT_EQ(HandshakeStatus::Done, shake(leaf, ocspResponse(leaf, pki().intermediate, pki().intermediate)).status);
  EXPECT_EQ(HandshakeStatus::Done, shake(pki().leaf, "").status) << "nobody demands it";
}

TEST(OcspStaple, IsNotAskedForWithoutVerification) {
  EXPECT_EQ(HandshakeStatus::Done,
            shake(pki().leaf, answer({.status = OcspStatus::Revoked}), TLS1_3_VERSION, false).status);
}

}  // namespace
}  // namespace gatewhy::test
