// SPDX-License-Identifier: Apache-2.0
// The origin's certificate: every way to be unacceptable, and what is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> codes(const TlsFault& fault) {
  std::vector<int> out;
  for (const X509Problem& problem : fault.problems) {
    out.push_back(problem.code);
  }
  return out;
}

TlsFault refusalOf(SSL_CTX* server, const OriginTls& config = {}, const std::string& host = "origin.test") {
  OriginSession origin(config, host);
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(server));
  EXPECT_NE(0, origin.peer->reason());  // told by an alert, and nothing else
  TlsFault fault = origin.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::Certificate, fault.failure);
  EXPECT_EQ(host, fault.wanted_name);
  return fault;
}

// A leaf that differs from the good one, behind the good intermediate.
TlsFault refusalOfLeaf(const CertificateSpec& spec) {
  const Identity leaf = signedBy(pki().intermediate, spec);
  return refusalOf(peerServer(leaf, {&pki().intermediate}).get());
}

TEST(OriginCertificate, GoodChainIsAcceptedByNameWildcardAndAddress) {
  const SslCtxPtr server = peerServer(pki().leaf, {&pki().intermediate});
  for (const std::string host : {"origin.test", "ORIGIN.test.", "a.wild.test", "192.0.2.7", "2001:db8::7"}) {
    OriginSession origin(OriginTls{}, host);
    EXPECT_EQ(HandshakeStatus::Done, origin.with(server.get())) << host;
  }
}

TEST(OriginCertificate, SniIsANameNeverAnAddress) {
  const SslCtxPtr server = peerServer(pki().leaf, {&pki().intermediate});
  OriginSession named;
  ASSERT_EQ(HandshakeStatus::Done, named.with(server.get()));
  EXPECT_STREQ("origin.test", SSL_get_servername(named.peer->get(), TLSEXT_NAMETYPE_host_name));
  OriginSession numbered(OriginTls{}, "192.0.2.7");
  ASSERT_EQ(HandshakeStatus::Done, numbered.with(server.get()));
  EXPECT_EQ(nullptr, SSL_get_servername(numbered.peer->get(), TLSEXT_NAMETYPE_host_name));
}

TEST(OriginCertificate, ServerNameReplacesTheHost) {
  const SslCtxPtr server = peerServer(pki().leaf, {&pki().intermediate});
  OriginTls config;
  config.server_name = "origin.test";
  OriginSession origin(config, "198.51.100.1");
  ASSERT_EQ(HandshakeStatus::Done, origin.with(server.get()));
  EXPECT_STREQ("origin.test", SSL_get_servername(origin.peer->get(), TLSEXT_NAMETYPE_host_name));
}

TEST(OriginCertificate, ExpiredLeaf) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.not_before = -std::chrono::hours(48);
  spec.not_after = -std::chrono::hours(24);
  const TlsFault fault = refusalOfLeaf(spec);
  ASSERT_THAT(codes(fault), ElementsAre(X509_V_ERR_CERT_HAS_EXPIRED));
  const X509Problem& problem = fault.problems.front();
  EXPECT_EQ(0, problem.depth);
  EXPECT_EQ("certificate has expired", problem.name);
  EXPECT_EQ("CN=origin.test", problem.subject);
  EXPECT_EQ("CN=Test Intermediate", problem.issuer);
  EXPECT_THAT(problem.not_after, ::testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_LT(problem.not_before, problem.not_after);
  EXPECT_EQ(2, fault.chain_length);
  EXPECT_EQ("CN=Test Root", fault.chain_last_issuer);
  EXPECT_THAT(fault.names, ElementsAre("origin.test", "*.wild.test", "192.0.2.7", "2001:db8::7"));
}

TEST(OriginCertificate, OriginIsToldByAnAlert) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.not_after = -std::chrono::minutes(1);
  const Identity leaf = signedBy(pki().intermediate, spec);
  OriginSession origin;
  ASSERT_EQ(HandshakeStatus::Failed, origin.with(peerServer(leaf, {&pki().intermediate}).get()));
  EXPECT_EQ(SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, origin.peer->reason());
}

TEST(OriginCertificate, NotYetValid) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.not_before = std::chrono::hours(1);
  EXPECT_THAT(codes(refusalOfLeaf(spec)), ElementsAre(X509_V_ERR_CERT_NOT_YET_VALID));
}

TEST(OriginCertificate, ExpiredIntermediateIsSaidAtItsDepth) {
  CertificateSpec spec = authority("Old Intermediate");
  spec.not_after = -std::chrono::minutes(1);
  const Identity intermediate = signedBy(pki().root, spec);
  const Identity leaf = signedBy(intermediate, TestPki::leafSpec());
  const TlsFault fault = refusalOf(peerServer(leaf, {&intermediate}).get());
  ASSERT_THAT(codes(fault), ElementsAre(X509_V_ERR_CERT_HAS_EXPIRED));
  EXPECT_EQ(1, fault.problems.front().depth);
  EXPECT_EQ("CN=Old Intermediate", fault.problems.front().subject);
}

TEST(OriginCertificate, SelfSigned) {
  const TlsFault fault = refusalOf(peerServer(selfSigned(TestPki::leafSpec())).get());
  EXPECT_THAT(codes(fault), Contains(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT));
  EXPECT_EQ(1, fault.chain_length);
}

TEST(OriginCertificate, SelfSignedIsPinnedByCaFile) {
  const Identity leaf = selfSigned(TestPki::leafSpec());
  OriginTls config;
  config.ca_file = pki().directory.certificates("pinned.pem", {&leaf});
  OriginSession origin(config);
  EXPECT_EQ(HandshakeStatus::Done, origin.with(peerServer(leaf).get()));
}

TEST(OriginCertificate, UntrustedRoot) {
  const Identity root = selfSigned(authority("Other Root"));
  const Identity leaf = signedBy(root, TestPki::leafSpec());
  const TlsFault fault = refusalOf(peerServer(leaf, {&root}).get());
  EXPECT_THAT(codes(fault), Contains(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN));
  EXPECT_EQ("CN=Other Root", fault.chain_last_issuer);
}

TEST(OriginCertificate, MissingIntermediate) {
  const TlsFault fault = refusalOf(peerServer(pki().leaf).get());
  EXPECT_EQ(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, fault.problems.front().code);
  EXPECT_EQ(1, fault.chain_length);
  EXPECT_EQ("CN=Test Intermediate", fault.chain_last_issuer);
}

TEST(OriginCertificate, OtherName) {
  const TlsFault fault = refusalOf(peerServer(pki().leaf, {&pki().intermediate}).get(), {}, "other.test");
  EXPECT_THAT(codes(fault), ElementsAre(X509_V_ERR_HOSTNAME_MISMATCH));
  EXPECT_THAT(fault.names, Contains("origin.test"));
}

TEST(OriginCertificate, OtherAddress) {
  const TlsFault fault = refusalOf(peerServer(pki().leaf, {&pki().intermediate}).get(), {}, "192.0.2.8");
  EXPECT_THAT(codes(fault), ElementsAre(X509_V_ERR_IP_ADDRESS_MISMATCH));
}

TEST(OriginCertificate, WildcardIsOneWholeLabel) {
  const SslCtxPtr server = peerServer(pki().leaf, {&pki().intermediate});
  EXPECT_THAT(codes(refusalOf(server.get(), {}, "a.b.wild.test")), ElementsAre(X509_V_ERR_HOSTNAME_MISMATCH));
  EXPECT_THAT(codes(refusalOf(server.get(), {}, "wild.test")), ElementsAre(X509_V_ERR_HOSTNAME_MISMATCH));
}

TEST(OriginCertificate, CommonNameIsNoName) {
  CertificateSpec spec;
  spec.common_name = "origin.test";
  EXPECT_THAT(codes(refusalOfLeaf(spec)), ElementsAre(X509_V_ERR_HOSTNAME_MISMATCH));
}

TEST(OriginCertificate, WrongUsage) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.usage = Usage::Client;
  EXPECT_THAT(codes(refusalOfLeaf(spec)), ElementsAre(X509_V_ERR_INVALID_PURPOSE));
}

TEST(OriginCertificate, IssuerThatIsNoAuthority) {
  const Identity leaf = signedBy(pki().leaf, TestPki::leafSpec());
  const TlsFault fault = refusalOf(peerServer(leaf, {&pki().leaf, &pki().intermediate}).get());
  EXPECT_THAT(codes(fault), Contains(X509_V_ERR_INVALID_CA));
}

TEST(OriginCertificate, WeakKey) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.key = KeyType::Rsa1024;
  EXPECT_THAT(codes(refusalOfLeaf(spec)), ElementsAre(X509_V_ERR_EE_KEY_TOO_SMALL));
}

TEST(OriginCertificate, VeryWeakKey) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.key = KeyType::Rsa512;
  const Identity leaf = signedBy(pki().intermediate, spec);
  const SslCtxPtr server = peerServer(leaf, {&pki().intermediate});
  SSL_CTX_set_max_proto_version(server.get(), TLS1_2_VERSION);  // too short for TLS 1.3's signatures
  EXPECT_THAT(codes(refusalOf(server.get())), ElementsAre(X509_V_ERR_EE_KEY_TOO_SMALL));
}

TEST(OriginCertificate, WeakDigest) {
  CertificateSpec root_spec = authority("RSA Root");
  root_spec.key = KeyType::Rsa2048;  // ECDSA has no MD5
  const Identity root = selfSigned(root_spec);
  OriginTls config;
  config.ca_file = pki().directory.certificates("rsa-root.pem", {&root});
  for (const std::string digest : {"MD5", "SHA1"}) {
    CertificateSpec spec = authority("Weakly Signed");
    spec.digest = digest;
    const Identity intermediate = signedBy(root, spec);
    const Identity leaf = signedBy(intermediate, TestPki::leafSpec());
    const TlsFault fault = refusalOf(peerServer(leaf, {&intermediate}).get(), config);
    EXPECT_THAT(codes(fault), ElementsAre(X509_V_ERR_CA_MD_TOO_WEAK)) << digest;
    EXPECT_EQ(1, fault.problems.front().depth);
  }
}

TEST(OriginCertificate, EveryProblemIsCollected) {
  CertificateSpec spec = TestPki::leafSpec();
  spec.dns_names = {"elsewhere.test"};
  spec.not_after = -std::chrono::minutes(1);
  spec.usage = Usage::Client;
  const std::vector<int> seen = codes(refusalOfLeaf(spec));
  EXPECT_THAT(seen, Contains(X509_V_ERR_HOSTNAME_MISMATCH));
  EXPECT_THAT(seen, Contains(X509_V_ERR_CERT_HAS_EXPIRED));
  EXPECT_THAT(seen, Contains(X509_V_ERR_INVALID_PURPOSE));
}

TEST(OriginCertificate, NothingIsCheckedWithoutVerify) {
  OriginTls config;
  config.verify = false;
  OriginSession origin(config, "other.test");
  EXPECT_EQ(HandshakeStatus::Done, origin.with(peerServer(selfSigned(TestPki::leafSpec())).get()));
}

TEST(OriginCertificate, OurCertificateIsNotShownToAnImpostor) {
  OriginTls config;
  config.certificate = pki().directory.certificates("ours.pem", {&pki().leaf});
  config.key = pki().directory.key("ours.key", pki().leaf);
  OriginSession origin(config);
  const SslCtxPtr server = peerServer(selfSigned(TestPki::leafSpec()));
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER, nullptr);
  ASSERT_EQ(HandshakeStatus::Failed, origin.with(server.get()));
  EXPECT_EQ(nullptr, SSL_get0_peer_certificate(origin.peer->get()));
}

// The server's context, with what resuming needs, and one context of ours for
// several connections.
class Resumption : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    SSL_CTX_set_max_proto_version(server_.get(), GetParam());
    SSL_CTX_set_num_tickets(server_.get(), 1);
    OriginTls config;
    config.ca_file = pki().root_file;
    context_ = OriginTlsContext::create(config).value();
  }
  // True where the handshake was Done; `reused` says how.
  bool connect(const std::string& host, SSL_CTX* server, bool& reused) {
    OriginSession origin(context_, host);
    const bool done = origin.with(server) == HandshakeStatus::Done;
    reused = SSL_session_reused(origin.ours.ssl()) == 1;
    if (done) {
      origin.peer->write("x");
      EXPECT_EQ("x", readText(origin.ours));  // TLS 1.3: the tickets came before it
    }
    return done;
  }

  SslCtxPtr server_ = peerServer(pki().leaf, {&pki().intermediate});
  std::shared_ptr<const OriginTlsContext> context_;
};

TEST_P(Resumption, GoodSessionIsResumedAgainAndAgain) {
  bool reused = false;
  ASSERT_TRUE(connect("origin.test", server_.get(), reused));
  EXPECT_FALSE(reused);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(connect("origin.test", server_.get(), reused));
    EXPECT_TRUE(reused);
  }
}

TEST_P(Resumption, SessionBelongsToTheNameThatWasVerified) {
  bool reused = false;
  ASSERT_TRUE(connect("origin.test", server_.get(), reused));
  ASSERT_TRUE(connect("a.wild.test", server_.get(), reused));
  EXPECT_FALSE(reused);
  EXPECT_FALSE(connect("other.test", server_.get(), reused));
  EXPECT_FALSE(reused);
}

TEST_P(Resumption, RefusedCertificateLeavesNoSession) {
  const SslCtxPtr impostor = peerServer(selfSigned(TestPki::leafSpec()));
  SSL_CTX_set_max_proto_version(impostor.get(), GetParam());
  bool reused = false;
  EXPECT_FALSE(connect("origin.test", impostor.get(), reused));
  EXPECT_FALSE(connect("origin.test", impostor.get(), reused));
  EXPECT_FALSE(reused);
}

TEST_P(Resumption, TicketOfAnotherServerIsNoPass) {
  bool reused = false;
  ASSERT_TRUE(connect("origin.test", server_.get(), reused));
  const SslCtxPtr impostor = peerServer(selfSigned(TestPki::leafSpec()));
  SSL_CTX_set_max_proto_version(impostor.get(), GetParam());
  EXPECT_FALSE(connect("origin.test", impostor.get(), reused));
}

INSTANTIATE_TEST_SUITE_P(Versions, Resumption, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

}  // namespace
}  // namespace gatewhy::test
