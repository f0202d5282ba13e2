// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_context.h"
#include "proxy/net/client_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

#include "tests/support/revocation.h"
#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

using ::testing::HasSubstr;

CertificateConfig pemPair(const std::string& name, const Identity& identity) {
  return {pki().directory.certificates(name + ".pem", {&identity}), pki().directory.key(name + ".key", identity)};
}

Identity identityFor(const std::string& name) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.dns_names = {name};
  return signedBy(pki().root, spec);
}

class ListenerTest : public ::testing::Test {
 protected:
  // A connection of `client` to the listener.
  HandshakeStatus accept(SSL_CTX* client, const std::string& sni = "one.test") {
    sockets_ = tcpPair();
    ours_ = Transport(std::move(sockets_.near));
    peer_ = std::make_unique<TlsPeer>(sockets_.far, client, false);
    if (!sni.empty()) {
      SSL_set_tlsext_host_name(peer_->get(), sni.c_str());
    }
    peer_->step();
    ours_.startTls(ListenerTlsContext::create(config_).value()->newSession().value());
    return shakeHands(ours_, *peer_);
  }
  // What the listener says to raw bytes.
  TlsFault answerTo(std::string_view bytes) {
    sockets_ = tcpPair();
    ours_ = Transport(std::move(sockets_.near));
    ours_.startTls(ListenerTlsContext::create(config_).value()->newSession().value());
    sendRaw(sockets_.far, bytes);
    EXPECT_EQ(HandshakeStatus::Failed, finishHandshake(ours_));
    return ours_.handshakeFault();
  }
  [[nodiscard]] std::string servedName() const {
    char name[128] = "";
    X509* certificate = SSL_get0_peer_certificate(peer_->get());
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    return name;
  }

  ListenerTls config_{.certificates = {pemPair("one", identityFor("one.test")), pemPair("two", identityFor("two.test")),
                                       pemPair("wild", identityFor("*.wild.test")),
                                       pemPair("three", identityFor("three.wild.test"))}};
  TcpPair sockets_;
  Transport ours_;
  std::unique_ptr<TlsPeer> peer_;
  SslCtxPtr client_ = peerClient();
};

// CVE-2002-20001: the client's share may be noise, and costs us 120 ms.
TEST_F(ListenerTest, FiniteFieldGroupsAreNotSpoken) {
  ASSERT_EQ(1, SSL_CTX_set1_groups_list(client_.get(), "ffdhe8192:ffdhe2048"));
  EXPECT_EQ(HandshakeStatus::Failed, accept(client_.get()));
}

TEST_F(ListenerTest, GroupsAndCiphersAreTheConfigurations) {
  config_.groups = "P-384";
  config_.ciphers = "TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM+AES256";
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  EXPECT_EQ(NID_secp384r1, SSL_get_negotiated_group(peer_->get()));
  EXPECT_STREQ("TLS_CHACHA20_POLY1305_SHA256", SSL_get_cipher_name(peer_->get()));
  SSL_CTX_set_max_proto_version(client_.get(), TLS1_2_VERSION);
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  EXPECT_THAT(SSL_get_cipher_name(peer_->get()), HasSubstr("AES256-GCM"));
}

TEST_F(ListenerTest, ServerNameChoosesTheCertificate) {
  const std::vector<std::pair<std::string, std::string>> expected = {{"one.test", "one.test"},
                                                                     {"two.test", "two.test"},
                                                                     {"TWO.test", "two.test"},
                                                                     {"a.wild.test", "*.wild.test"},
                                                                     {"three.wild.test", "three.wild.test"},
                                                                     {"a.b.wild.test", "one.test"},
                                                                     {"unknown.test", "one.test"},
                                                                     {"", "one.test"}};
  for (const auto& [sni, served] : expected) {
    ASSERT_EQ(HandshakeStatus::Done, accept(client_.get(), sni)) << sni;
    EXPECT_EQ(served, servedName()) << sni;
    EXPECT_TRUE(servedCertificateCovers(ours_.ssl(), served == "*.wild.test" ? "a.wild.test" : served));
    EXPECT_FALSE(servedCertificateCovers(ours_.ssl(), "unknown.test"));
  }
}

TEST_F(ListenerTest, SessionMayOutliveTheContext) {
  // accept() drops the context right after newSession(): the handshake above
  // all ran without it. Here with the certificate that is not the default.
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get(), "two.test"));
  peer_->write("GET");
  EXPECT_EQ("GET", readText(ours_));
}

TEST_F(ListenerTest, ServedCertificateCoversAddressesToo) {
  config_.certificates = {pemPair("leaf", pki().leaf)};
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  EXPECT_TRUE(servedCertificateCovers(ours_.ssl(), "192.0.2.7"));
  EXPECT_TRUE(servedCertificateCovers(ours_.ssl(), "2001:db8::7"));
  EXPECT_TRUE(servedCertificateCovers(ours_.ssl(), "Origin.Test"));
  EXPECT_FALSE(servedCertificateCovers(ours_.ssl(), "192.0.2.8"));
}

TEST_F(ListenerTest, AlpnSelectsHttp2WhereItIsOn) {
  for (const bool on : {true, false}) {
    config_.http2 = on;
    SSL_CTX_set_alpn_protos(client_.get(), reinterpret_cast<const unsigned char*>("\x08http/1.1\x02h2"), 12);
    ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(peer_->get(), &protocol, &size);
    EXPECT_EQ(on ? "h2" : "http/1.1", std::string(reinterpret_cast<const char*>(protocol), size));
  }
}

TEST_F(ListenerTest, ClientWithoutACommonProtocolIsRefused) {
  config_.http2 = false;
  SSL_CTX_set_alpn_protos(client_.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  ASSERT_EQ(HandshakeStatus::Failed, accept(client_.get()));
  EXPECT_EQ(TlsFailure::AlertSent, ours_.handshakeFault().failure);
  EXPECT_EQ(120, ours_.handshakeFault().alert);
}

TEST_F(ListenerTest, OldClientIsRefusedByVersion) {
  SSL_CTX_set_max_proto_version(client_.get(), TLS1_2_VERSION);
  config_.min_version = "1.3";
  ASSERT_EQ(HandshakeStatus::Failed, accept(client_.get()));
  const TlsFault fault = ours_.handshakeFault();
  EXPECT_EQ(TlsFailure::AlertSent, fault.failure);
  EXPECT_EQ(70, fault.alert);
  EXPECT_TRUE(fault.version_unsupported);
}

TEST_F(ListenerTest, NoSharedCipherIsSaid) {
  SSL_CTX_set_max_proto_version(client_.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(client_.get(), "AES128-SHA");
  ASSERT_EQ(HandshakeStatus::Failed, accept(client_.get()));
  const TlsFault fault = ours_.handshakeFault();
  EXPECT_EQ(TlsFailure::AlertSent, fault.failure);
  EXPECT_EQ(40, fault.alert);
  EXPECT_TRUE(fault.no_shared_parameters);
}

TEST_F(ListenerTest, DistrustfulClientSaysWhy) {
  SSL_CTX_set_verify(client_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_max_proto_version(client_.get(), TLS1_2_VERSION);
  ASSERT_EQ(HandshakeStatus::Failed, accept(client_.get()));
  EXPECT_EQ(TlsFailure::AlertReceived, ours_.handshakeFault().failure);
  EXPECT_EQ(48, ours_.handshakeFault().alert);
}

TEST_F(ListenerTest, PlainHttpIsRecognizedAndCanBeAnswered) {
  for (const std::string_view request : {"GET / HTTP/1.1\r\n\r\n", "DELETE /x HTTP/1.1\r\n\r\n",
                                         "CONNECT a:1 HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    const TlsFault fault = answerTo(request);
    EXPECT_EQ(TlsFailure::NotTls, fault.failure);
    EXPECT_TRUE(sawPlainHttp(fault)) << request;
    ours_.dropTls();
    ASSERT_EQ(IoStatus::Ok, ours_.write("HTTP/1.1 400 Bad Request\r\n\r\n", 28).status);
    waitBytes(sockets_.far.get(), 28);
    char answer[64] = "";
    EXPECT_EQ(28, ::recv(sockets_.far.get(), answer, sizeof(answer), 0));  // and no alert in front of it
  }
}

TEST_F(ListenerTest, OtherBytesAreNoHttp) {
  EXPECT_FALSE(sawPlainHttp(answerTo("SSH-2.0-OpenSSH_9.2\r\n")));
  EXPECT_FALSE(sawPlainHttp(answerTo(std::string_view("\0\0\0\0\0\0\0\0", 8))));
  EXPECT_FALSE(sawPlainHttp(answerTo(alertRecord(40))));
}

class ClientCertificate : public ListenerTest {
 protected:
  void SetUp() override { config_.client_ca = pki().root_file; }
  static void present(SSL_CTX* client, const Identity& identity) {
    ASSERT_EQ(1, SSL_CTX_use_certificate(client, identity.certificate.get()));
    ASSERT_EQ(1, SSL_CTX_use_PrivateKey(client, identity.key.get()));
  }
};

TEST_F(ClientCertificate, WantedAndRequiredFollowTheConfiguration) {
  EXPECT_TRUE(ListenerTlsContext::create(config_).value()->requiresClientCertificate());
  config_.client_certificate_required = false;
  EXPECT_TRUE(ListenerTlsContext::create(config_).value()->wantsClientCertificate());
  EXPECT_FALSE(ListenerTlsContext::create(config_).value()->requiresClientCertificate());
  config_.client_ca.clear();
  EXPECT_FALSE(ListenerTlsContext::create(config_).value()->wantsClientCertificate());
}

TEST_F(ClientCertificate, GoodOneIsAccepted) {
  present(client_.get(), identityFor("client.test"));
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get(), "two.test"));
  const ClientCertificateFacts facts = clientCertificateFacts(ours_.ssl());
  EXPECT_TRUE(facts.presented);
  EXPECT_TRUE(facts.problems.empty());
}

TEST_F(ClientCertificate, MissingOneDoesNotEndTheHandshake) {
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  EXPECT_FALSE(clientCertificateFacts(ours_.ssl()).presented);
}

TEST_F(ClientCertificate, BadOneDoesNotEndTheHandshake) {
  CertificateSpec spec;
  spec.common_name = "client.test";
  spec.not_after = -std::chrono::minutes(1);
  present(client_.get(), signedBy(pki().root, spec));
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  const ClientCertificateFacts facts = clientCertificateFacts(ours_.ssl());
  EXPECT_TRUE(facts.presented);
  ASSERT_EQ(1U, facts.problems.size());
  EXPECT_EQ(X509_V_ERR_CERT_HAS_EXPIRED, facts.problems.front().code);
  EXPECT_EQ("CN=client.test", facts.problems.front().subject);
}

TEST_F(ClientCertificate, ServerCertificateIsNoClientCertificate) {
  CertificateSpec spec;
  spec.usage = Usage::Server;
  present(client_.get(), signedBy(pki().root, spec));
  ASSERT_EQ(HandshakeStatus::Done, accept(client_.get()));
  ASSERT_FALSE(clientCertificateFacts(ours_.ssl()).problems.empty());
  EXPECT_EQ(X509_V_ERR_INVALID_PURPOSE, clientCertificateFacts(ours_.ssl()).problems.front().code);
}

class ClientRevocation : public ClientCertificate {
 protected:
  void holdAgainst(const std::string& lists) { config_.client_crl_file = pki().directory.write("clients.crl", lists); }
  [[nodiscard]] X509Problem problem() {
    EXPECT_EQ(HandshakeStatus::Done, accept(client_.get()));
    const ClientCertificateFacts facts = clientCertificateFacts(ours_.ssl());
    EXPECT_TRUE(facts.presented);
    return facts.problems.empty() ? X509Problem() : facts.problems.front();
  }

  Identity mine_ = identityFor("client.test");
};

TEST_F(ClientRevocation, WhoIsOnNobodysListPasses) {
  present(client_.get(), mine_);
  const Identity other = identityFor("client.test");
  holdAgainst(crlPem(pki().root, {&other}));
  EXPECT_EQ(0, problem().code);
}

TEST_F(ClientRevocation, ARevokedOneIsToldWithSerialDateAndReason) {
  present(client_.get(), mine_);
  holdAgainst(crlPem(pki().root, {&mine_}));
  const X509Problem revoked = problem();
  EXPECT_EQ(X509_V_ERR_CERT_REVOKED, revoked.code);
  EXPECT_FALSE(revoked.serial.empty());
  EXPECT_FALSE(revoked.revoked_at.empty());
  EXPECT_EQ("keyCompromise", revoked.revocation_reason);
  EXPECT_EQ("crl", revoked.revocation_source);
}

TEST_F(ClientRevocation, AnExpiredListIsNotAMissingOne) {
  present(client_.get(), mine_);
  const CrlSpec old{.last_update = -std::chrono::hours(48), .next_update = -std::chrono::hours(24)};
  holdAgainst(crlPem(pki().root, {}, old));
  const X509Problem expired = problem();
  EXPECT_EQ(X509_V_ERR_CRL_HAS_EXPIRED, expired.code);
  EXPECT_FALSE(expired.crl_next_update.empty());
}

TEST_F(ClientRevocation, NorIsAMissingListAnExpiredOne) {
  present(client_.get(), mine_);
  holdAgainst(crlPem(selfSigned(authority("elsewhere")), {}));
  const X509Problem missing = problem();
  EXPECT_EQ(X509_V_ERR_UNABLE_TO_GET_CRL, missing.code);
  EXPECT_EQ("", missing.crl_next_update);
}

TEST_F(ClientCertificate, ResumptionKeepsTheVerdict) {
  present(client_.get(), selfSigned(TestPki::leafSpec()));
  const auto context = ListenerTlsContext::create(config_).value();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(client_.get(), version);
    SslSessionPtr session;
    for (const bool resumed : {false, true}) {
      TcpPair sockets = tcpPair();
      Transport ours(std::move(sockets.near));
      TlsPeer peer(sockets.far, client_.get(), false);
      if (session != nullptr) {
        SSL_set_session(peer.get(), session.get());
      }
      peer.step();
      ours.startTls(context->newSession().value());
      ASSERT_EQ(HandshakeStatus::Done, shakeHands(ours, peer));
      EXPECT_EQ(resumed ? 1 : 0, SSL_session_reused(ours.ssl())) << version;
      const ClientCertificateFacts facts = clientCertificateFacts(ours.ssl());
      EXPECT_TRUE(facts.presented);
      ASSERT_EQ(1U, facts.problems.size()) << version << resumed;
      EXPECT_EQ(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, facts.problems.front().code);
      ASSERT_EQ(IoStatus::Ok, ours.write("x", 1).status);
      EXPECT_EQ("x", peer.read());  // and the tickets before it
      SSL_shutdown(peer.get());
      session.reset(SSL_get1_session(peer.get()));
    }
  }
}

// A context made anew is what a reload makes.
TEST_F(ClientCertificate, ATicketOutlivesAReloadButNotItsAuthorities) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    config_.client_ca = pki().root_file;
    SSL_CTX_set_max_proto_version(client_.get(), version);
    SslSessionPtr session;
    const auto resumes = [&] {
      TcpPair sockets = tcpPair();
      Transport ours(std::move(sockets.near));
      TlsPeer peer(sockets.far, client_.get(), false);
      if (session != nullptr) {
        SSL_set_session(peer.get(), session.get());
      }
      peer.step();
      ours.startTls(ListenerTlsContext::create(config_).value()->newSession().value());
      EXPECT_EQ(HandshakeStatus::Done, shakeHands(ours, peer));
      EXPECT_EQ(IoStatus::Ok, ours.write("x", 1).status);
      EXPECT_EQ("x", peer.read());  // and the tickets before it
      SSL_shutdown(peer.get());
      session.reset(SSL_get1_session(peer.get()));
      return SSL_session_reused(ours.ssl()) == 1;
    };
    EXPECT_FALSE(resumes());
    EXPECT_TRUE(resumes()) << version;
    config_.client_ca = pki().directory.certificates("others.pem", {&pki().root, &pki().intermediate});
    EXPECT_FALSE(resumes()) << version;
    EXPECT_TRUE(resumes()) << version;
    config_.client_crl_file = pki().directory.write("tickets.crl", crlPem(pki().root, {}));
    EXPECT_FALSE(resumes()) << "a ticket from before the lists, " << version;
    EXPECT_TRUE(resumes()) << version;
    const CrlSpec next{.last_update = -std::chrono::minutes(1)};
    pki().directory.write("tickets.crl", crlPem(pki().root, {}, next));
    EXPECT_FALSE(resumes()) << "a ticket from before the list's renewal, " << version;
    config_.client_crl_file.clear();
    config_.client_ca.clear();
    EXPECT_FALSE(resumes()) << version;
  }
}

TEST(OriginTlsSetup, NamesTheFileAndTheReason) {
  OriginTls config;
  config.ca_file = "/nonexistent/roots.pem";
  const auto missing = OriginTlsContext::create(config);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(TlsFailure::Setup, missing.error().failure);
  EXPECT_EQ("/nonexistent/roots.pem", missing.error().detail);
  EXPECT_EQ(ENOENT, missing.error().error);
  EXPECT_EQ("No such file or directory", missing.error().reason);

  config.ca_file = pki().directory.write("not.pem", "this is no certificate\n");
  const auto no_pem = OriginTlsContext::create(config);
  ASSERT_FALSE(no_pem.ok());
  EXPECT_EQ(config.ca_file, no_pem.error().detail);
  EXPECT_FALSE(no_pem.error().reason.empty());
}

TEST(OriginTlsSetup, KeyOfAnotherCertificateIsRefused) {
  OriginTls config;
  config.ca_file = pki().root_file;
  config.certificate = pemPair("alpha", identityFor("alpha.test")).certificate;
  config.key = pemPair("beta", identityFor("beta.test")).key;
  const auto created = OriginTlsContext::create(config);
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(config.key, created.error().detail);
  EXPECT_THAT(created.error().reason, HasSubstr("mismatch"));
}

TEST(OriginTlsSetup, NameTooLongForSniIsRefused) {
  OriginTls config;
  config.ca_file = pki().root_file;
  const auto session = OriginTlsContext::create(config).value()->newSession(std::string(300, 'a'), EndpointHttp::Http1);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(TlsFailure::Setup, session.error().failure);
}

TEST(ListenerTlsSetup, EveryBadFileIsNamed) {
  const CertificateConfig good = pemPair("good", identityFor("good.test"));
  const std::string absent = "/nonexistent/site.pem";
  const auto detailOf = [](const ListenerTls& config) {
    const auto created = ListenerTlsContext::create(config);
    EXPECT_FALSE(created.ok());
    return created.ok() ? std::string() : created.error().detail;
  };
  EXPECT_EQ(absent, detailOf({.certificates = {{absent, good.key}}}));
  EXPECT_EQ(absent, detailOf({.certificates = {good, {good.certificate, absent}}}));
  EXPECT_EQ(absent, detailOf({.certificates = {good}, .client_ca = absent}));
  EXPECT_EQ(absent, detailOf({.certificates = {good}, .client_ca = pki().root_file, .client_crl_file = absent}));
  EXPECT_EQ("", detailOf({}));
}

// It goes into fields and logs, and OpenSSL refuses nothing but NUL in it.
TEST_F(ListenerTest, AServerNameIsAHostOrNone) {
  const SslCtxPtr client = peerClient();
  for (const auto& [sent, known] : std::vector<std::pair<std::string, std::string>>{{"one.test", "one.test"},
                                                                                    {"a_b-1.Test", "a_b-1.Test"},
                                                                                    {"x\r\nX-Injected: yes", ""},
                                                                                    {"a b", ""},
                                                                                    {"\x1b[31m", ""}}) {
    ASSERT_EQ(HandshakeStatus::Done, accept(client.get(), sent)) << sent;
    EXPECT_EQ(clientServerName(ours_.ssl()), known) << sent;
  }
}

}  // namespace
}  // namespace gatewhy::test
