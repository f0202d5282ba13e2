// SPDX-License-Identifier: Apache-2.0
// Handshakes that end without a session, seen from our side as the client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

// A peer that answers our ClientHello with bytes of the test's choice.
class RawPeer : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(HandshakeStatus::WouldBlock, origin_.ours.handshake());
    waitReadable(origin_.sockets.far.get());
    char hello[4096];
    ASSERT_GT(::recv(origin_.sockets.far.get(), hello, sizeof(hello), 0), 0);
  }
  TlsFault failAfter(std::string_view bytes) {
    sendRaw(origin_.sockets.far, bytes);
    return fail();
  }
  TlsFault fail() {
    EXPECT_EQ(HandshakeStatus::Failed, finishHandshake(origin_.ours));
    return origin_.ours.handshakeFault();
  }

  OriginSession origin_;
};

TEST_F(RawPeer, EveryAlertKeepsItsNumber) {
  for (const int alert : {40, 70, 80, 112, 116, 120, 200}) {
    OriginSession origin;
    ASSERT_EQ(HandshakeStatus::WouldBlock, origin.ours.handshake());
    sendRaw(origin.sockets.far, alertRecord(alert));
    ASSERT_EQ(HandshakeStatus::Failed, finishHandshake(origin.ours));
    const TlsFault fault = origin.ours.handshakeFault();
    EXPECT_EQ(TlsFailure::AlertReceived, fault.failure) << alert;
    EXPECT_EQ(alert, fault.alert);
    EXPECT_EQ(1000UL + static_cast<unsigned>(alert), fault.reason_code);
    EXPECT_FALSE(fault.reason.empty());
    EXPECT_EQ(0U, fault.handshake_bytes_received);
    EXPECT_FALSE(fault.server_hello_seen);
    EXPECT_FALSE(fault.late);
    EXPECT_EQ("", fault.version);
  }
}

TEST_F(RawPeer, FinIsEof) {
  origin_.sockets.far.reset();
  const TlsFault fault = fail();
  EXPECT_EQ(TlsFailure::Eof, fault.failure);
  EXPECT_EQ(static_cast<unsigned long>(SSL_R_UNEXPECTED_EOF_WHILE_READING), fault.reason_code);
  EXPECT_EQ(-1, fault.alert);
}

TEST_F(RawPeer, CloseNotifyIsNotEof) {
  const TlsFault fault = failAfter(std::string_view("\x15\x03\x03\x00\x02\x01\x00", 7));
  EXPECT_EQ(TlsFailure::CloseNotify, fault.failure);
  EXPECT_EQ(-1, fault.alert);
}

TEST_F(RawPeer, ResetKeepsItsErrno) {
  resetPeer(origin_.sockets.far);
  const TlsFault fault = fail();
  EXPECT_EQ(TlsFailure::Reset, fault.failure);
  EXPECT_EQ(ECONNRESET, fault.error);
}

TEST_F(RawPeer, WarningAlertBeforeFinIsKept) {
  sendRaw(origin_.sockets.far, std::string_view("\x15\x03\x03\x00\x02\x01\x70", 7));
  origin_.sockets.far.reset();
  const TlsFault fault = fail();
  EXPECT_EQ(112, fault.alert);
}

TEST_F(RawPeer, PlainHttpIsNotTls) {
  const TlsFault fault = failAfter("HTTP/1.1 400 Bad Request\r\nServer: plain\r\n\r\n");
  EXPECT_EQ(TlsFailure::NotTls, fault.failure);
  EXPECT_EQ("HTTP/1.1 400 Bad Request\r\nServer", fault.first_bytes);
  EXPECT_EQ(0U, fault.handshake_bytes_received);
  EXPECT_FALSE(fault.version_unsupported);
}

TEST_F(RawPeer, SshBannerIsNotTls) {
  const TlsFault fault = failAfter("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(TlsFailure::NotTls, fault.failure);
  EXPECT_EQ("SSH-2.0-OpenSSH_9.2\r\n", fault.first_bytes);
}

TEST_F(RawPeer, ThreeForeignBytesAndFinAreNotTls) {
  sendRaw(origin_.sockets.far, "220");
  origin_.sockets.far.reset();
  const TlsFault fault = fail();
  EXPECT_EQ(TlsFailure::NotTls, fault.failure);
  EXPECT_EQ("220", fault.first_bytes);
}

TEST_F(RawPeer, GarbageInsideARecordIsOurAlert) {
  const TlsFault fault = failAfter(std::string_view("\x16\x03\x03\x00\x04\x63\x00\x00\x00", 9));
  EXPECT_EQ(TlsFailure::AlertSent, fault.failure);
  EXPECT_EQ(10, fault.alert);  // unexpected_message
  EXPECT_EQ(9U, fault.handshake_bytes_received);
}

TEST_F(RawPeer, TimeoutTellsWhatWasSeen) {
  sendRaw(origin_.sockets.far, std::string_view("\x16\x03\x03\x00\x60\x02\x00", 7));
  waitBytes(origin_.ours.fd(), 7);
  ASSERT_EQ(HandshakeStatus::WouldBlock, origin_.ours.handshake());
  const TlsFault fault = origin_.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::Timeout, fault.failure);
  EXPECT_EQ(7U, fault.handshake_bytes_received);
  EXPECT_TRUE(fault.hello_acknowledged);
  EXPECT_EQ("origin.test", fault.wanted_name);
}

class OpenSslPeer : public ::testing::Test {
 protected:
  SslCtxPtr server_ = peerServer(TestPki::get().leaf, {&TestPki::get().intermediate});
};

TEST_F(OpenSslPeer, AlpnIsOfferedAndSelected) {
  OriginSession origin;
  SSL_CTX_set_alpn_select_cb(
      server_.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned offered_size,
         void*) {
        EXPECT_EQ(std::string("\x08http/1.1"), std::string(reinterpret_cast<const char*>(offered), offered_size));
        *out = offered + 1;
        *size = 8;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  EXPECT_EQ(HandshakeStatus::Done, origin.with(server_.get()));
}

TEST_F(OpenSslPeer, ProtocolThatWasNotOfferedIsAlpnFailure) {
  OriginSession origin;
  SSL_CTX_set_alpn_select_cb(
      server_.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned, void*) {
        *out = reinterpret_cast<const unsigned char*>("h2");
        *size = 2;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(server_.get()));
  EXPECT_EQ(TlsFailure::Alpn, origin.ours.handshakeFault().failure);
}

TEST_F(OpenSslPeer, OldServerIsAVersionMismatch) {
  OriginTls config;
  config.min_version = "1.3";
  OriginSession origin(config);
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(server_.get()));
  const TlsFault fault = origin.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::AlertReceived, fault.failure);
  EXPECT_EQ(70, fault.alert);
}

TEST_F(RawPeer, OldVersionChosenByThePeerIsAVersionMismatch) {
  // A ServerHello of TLS 1.0: version, random, no session, a cipher, no compression.
  std::string hello("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01", 11);
  hello += std::string(32, 'r') + std::string("\x00\xc0\x13\x00", 4);
  const TlsFault fault = failAfter(hello);
  EXPECT_EQ(TlsFailure::AlertSent, fault.failure);
  EXPECT_TRUE(fault.version_unsupported);
  EXPECT_TRUE(fault.server_hello_seen);
  EXPECT_EQ("ServerHello", fault.last_message);
}

TEST_F(OpenSslPeer, NoSharedCipherIsAlert40WithoutAHandshakeByte) {
  OriginSession origin;
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(server_.get(), "ECDHE-RSA-AES128-SHA");  // the certificate is EC
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(server_.get()));
  const TlsFault fault = origin.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::AlertReceived, fault.failure);
  EXPECT_EQ(40, fault.alert);
  EXPECT_EQ(0U, fault.handshake_bytes_received);
}

TEST_F(OpenSslPeer, Tls12ClientCertificateRefusalComesInTheHandshake) {
  OriginSession origin;
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  EXPECT_EQ(HandshakeStatus::Failed, origin.with(server_.get()));
  const TlsFault fault = origin.ours.handshakeFault();
  EXPECT_EQ(TlsFailure::AlertReceived, fault.failure);
  EXPECT_EQ(40, fault.alert);
  EXPECT_TRUE(fault.certificate_requested);
  EXPECT_FALSE(fault.certificate_presented);
  EXPECT_TRUE(fault.server_hello_seen);
  EXPECT_EQ("ServerHelloDone", fault.last_message);
  EXPECT_GT(fault.handshake_bytes_received, 500U);
  EXPECT_EQ("TLSv1.2", fault.version);
}

TEST_F(OpenSslPeer, Tls13MissingClientCertificateIsALateAlert) {
  OriginSession origin;
  SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ASSERT_EQ(HandshakeStatus::Done, origin.with(server_.get()));
  std::string nothing;
  EXPECT_EQ(IoStatus::Ended, readNext(origin.ours, nothing).status);
  const auto& fault = std::get<TlsFault>(origin.ours.fault());
  EXPECT_EQ(TlsFailure::AlertReceived, fault.failure);
  EXPECT_EQ(116, fault.alert);
  EXPECT_TRUE(fault.late);
  EXPECT_TRUE(fault.certificate_requested);
  EXPECT_FALSE(fault.certificate_presented);
}

TEST_F(OpenSslPeer, Tls13RejectedClientCertificateIsALateAlert) {
  const Identity stranger = selfSigned(TestPki::leafSpec());
  OriginTls config;
  config.certificate = pki().directory.certificates("stranger.pem", {&stranger});
  config.key = pki().directory.key("stranger.key", stranger);
  OriginSession origin(config);
  SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ASSERT_EQ(HandshakeStatus::Done, origin.with(server_.get()));
  // The request may be written before the refusal is read, and even fail.
  EXPECT_EQ(IoStatus::Ok, origin.ours.write("GET / HTTP/1.1\r\n\r\n", 18).status);
  origin.peer.reset();
  waitReadable(origin.sockets.far.get());
  origin.sockets.far.reset();  // with the request unread: RST
  waitBroken(origin.ours.fd());
  static_cast<void>(origin.ours.write("x", 1));
  std::string nothing;
  EXPECT_EQ(IoStatus::Ended, readNext(origin.ours, nothing).status);
  const auto& fault = std::get<TlsFault>(origin.ours.fault());
  EXPECT_EQ(TlsFailure::AlertReceived, fault.failure);
  EXPECT_EQ(48, fault.alert);
  EXPECT_TRUE(fault.late);
  EXPECT_TRUE(fault.certificate_presented);
}

}  // namespace
}  // namespace gatewhy::test
