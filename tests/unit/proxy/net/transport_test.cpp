// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "tests/unit/proxy/net/tls_peer.h"

namespace gatewhy::test {
namespace {

class PlainTransport : public ::testing::Test {
 protected:
  [[nodiscard]] const EndFault& end() const { return std::get<EndFault>(ours_.fault()); }
  IoResult read(std::size_t size = 4096) {
    buffer_.resize(size);
    return ours_.read(buffer_.data(), size);
  }

  TcpPair sockets_ = tcpPair();
  Transport ours_{std::move(sockets_.near)};
  std::string buffer_;
};

TEST_F(PlainTransport, WouldBlockWhileNothingCame) {
  const IoResult got = read();
  EXPECT_EQ(IoStatus::WouldBlock, got.status);
  EXPECT_FALSE(ours_.hasBufferedInput());
}

TEST_F(PlainTransport, ShortReadIsDrained) {
  sendRaw(sockets_.far, "hello");
  waitBytes(ours_.fd(), 5);
  const IoResult got = read();
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_EQ(5U, got.size);
  EXPECT_TRUE(got.drained);
}

TEST_F(PlainTransport, FullReadIsNotDrained) {
  sendRaw(sockets_.far, "hello");
  waitBytes(ours_.fd(), 5);
  const IoResult got = read(5);
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_FALSE(got.drained);
}

TEST_F(PlainTransport, SplicedBytesComeOutAsTheyWentIn) {
  SplicePipes pipes;
  auto pipe = pipes.take();
  ASSERT_NE(pipe, nullptr);
  EXPECT_EQ(SpliceStatus::WouldBlock, ours_.readInto(*pipe, 100).status);
  sendRaw(sockets_.far, "hello world");
  waitBytes(ours_.fd(), 11);
  const SpliceResult got = ours_.readInto(*pipe, 5);
  ASSERT_EQ(SpliceStatus::Ok, got.status);
  EXPECT_EQ(5U, got.size);
  EXPECT_EQ(5U, pipe->held());
  TcpPair client = tcpPair();
  Transport to_client(std::move(client.near));
  const SpliceResult sent = to_client.writeFrom(*pipe);
  ASSERT_EQ(SpliceStatus::Ok, sent.status);
  EXPECT_EQ(5U, sent.size);
  EXPECT_EQ(0U, pipe->held());
  waitBytes(client.far.get(), 5);
  Transport far(std::move(client.far));
  buffer_.resize(64);
  EXPECT_EQ(5U, far.read(buffer_.data(), buffer_.size()).size);
  EXPECT_EQ("hello", buffer_.substr(0, 5));
  // What is left is read as ever.
  EXPECT_EQ(6U, read().size);
  EXPECT_EQ(" world", buffer_.substr(0, 6));
}

TEST_F(PlainTransport, SpliceTellsTheEndAsReadDoes) {
  SplicePipes pipes;
  auto pipe = pipes.take();
  sockets_.far.reset();
  waitReadable(ours_.fd());
  EXPECT_EQ(SpliceStatus::Ended, ours_.readInto(*pipe, 100).status);
  EXPECT_EQ(EndFault::How::Fin, end().how);
  EXPECT_EQ(SpliceStatus::Ended, ours_.readInto(*pipe, 100).status);
  EXPECT_EQ(IoStatus::Ended, read().status);
}

TEST_F(PlainTransport, SpliceKeepsTheErrnoOfAReset) {
  SplicePipes pipes;
  auto pipe = pipes.take();
  resetPeer(sockets_.far);
  waitBroken(ours_.fd());
  EXPECT_EQ(SpliceStatus::Ended, ours_.readInto(*pipe, 100).status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(ECONNRESET, end().error);
}

TEST_F(PlainTransport, SpliceIntoABrokenSocketIsAWriteThatFailed) {
  SplicePipes pipes;
  auto pipe = pipes.take();
  TcpPair origin = tcpPair();
  Transport from_origin(std::move(origin.near));
  sendRaw(origin.far, "hello");
  waitBytes(from_origin.fd(), 5);
  ASSERT_EQ(5U, from_origin.readInto(*pipe, 5).size);
  resetPeer(sockets_.far);
  waitBroken(ours_.fd());
  EXPECT_EQ(SpliceStatus::Ended, ours_.writeFrom(*pipe).status);
  EXPECT_TRUE(end().on_write);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  std::string left;
  EXPECT_TRUE(pipe->drainTo(left));
  EXPECT_EQ("hello", left);
}

// The stock lends what it has and no more, and never one with bytes in it.
TEST(SplicePipes, ABoundedStockOfEmptyPipes) {
  SplicePipes pipes;
  auto first = pipes.take();
  ASSERT_NE(first, nullptr);
  const int end_of_first = first->readEnd();
  ASSERT_EQ(3, ::write(first->writeEnd(), "abc", 3));
  first->put(3);
  pipes.giveBack(std::move(first));
  auto second = pipes.take();
  EXPECT_EQ(0U, second->held());
  char octet = 0;
  EXPECT_EQ(-1, ::read(second->readEnd(), &octet, 1));
  EXPECT_EQ(EAGAIN, errno);
  const int end_of_second = second->readEnd();
  pipes.giveBack(std::move(second));
  auto third = pipes.take();
  EXPECT_EQ(end_of_second, third->readEnd()) << "an empty one is lent again";
  std::vector<std::unique_ptr<SplicePipe>> all;
  for (int i = 0; i < 1000; ++i) {
    auto more = pipes.take();
    if (more == nullptr) {
      break;
    }
    all.push_back(std::move(more));
  }
  EXPECT_LT(all.size(), 1000U);
  EXPECT_GT(all.size(), 10U);
  EXPECT_GE(end_of_first, 0);
}

TEST_F(PlainTransport, FinEndsTheStreamAndStaysTheEnd) {
  sockets_.far.reset();
  waitReadable(ours_.fd());
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::Fin, end().how);
  EXPECT_EQ(IoStatus::Ended, read().status);
}

TEST_F(PlainTransport, ResetKeepsItsErrno) {
  resetPeer(sockets_.far);
  waitBroken(ours_.fd());
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(ECONNRESET, end().error);
  EXPECT_FALSE(end().on_write);
}

TEST_F(PlainTransport, WriteAfterResetIsReset) {
  resetPeer(sockets_.far);
  waitBroken(ours_.fd());
  EXPECT_EQ(IoStatus::Ended, ours_.write("x", 1).status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(ECONNRESET, end().error);
  EXPECT_TRUE(end().on_write);
  EXPECT_FALSE(end().reset_after_fin);
  // The socket's error was taken by the first call; the second meets EPIPE.
  EXPECT_EQ(IoStatus::Ended, ours_.write("x", 1).status);
  EXPECT_EQ(EPIPE, end().error);
  EXPECT_FALSE(end().reset_after_fin);
}

TEST_F(PlainTransport, WriteAfterFinAndResetIsToldApart) {
  sockets_.far.reset();
  waitReadable(ours_.fd());
  ASSERT_EQ(IoStatus::Ok, ours_.write("x", 1).status);  // answered by RST
  waitBroken(ours_.fd());
  EXPECT_EQ(IoStatus::Ended, ours_.write("x", 1).status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(EPIPE, end().error);
  EXPECT_TRUE(end().reset_after_fin);
}

TEST_F(PlainTransport, WriteStopsWhenTheBuffersAreFull) {
  const std::string block(1U << 20U, 'x');
  IoResult sent;
  std::uint64_t total = 0;
  while ((sent = ours_.write(block.data(), block.size())).status == IoStatus::Ok) {
    total += sent.size;
  }
  EXPECT_EQ(IoStatus::WouldBlock, sent.status);
  EXPECT_GT(total, 0U);
  EXPECT_GT(ours_.unsentBytes(), 0);
}

TEST_F(PlainTransport, TcpInfoCountsWithoutTheSyn) {
  ASSERT_EQ(IoStatus::Ok, ours_.write("0123456789", 10).status);
  waitBytes(sockets_.far.get(), 10);
  char taken[10];
  ASSERT_EQ(10, ::recv(sockets_.far.get(), taken, sizeof(taken), 0));
  sendRaw(sockets_.far, "abc");  // which acknowledges ours
  waitBytes(ours_.fd(), 3);
  const auto info = ours_.tcpInfo();
  ASSERT_TRUE(info);
  EXPECT_EQ(10U, info->bytes_acked);
  EXPECT_EQ(3U, info->bytes_received);
  EXPECT_EQ(0U, info->retransmits);
  EXPECT_TRUE(info->snd_wnd_known);
  EXPECT_GT(info->snd_wnd, 0U);
}

TEST_F(PlainTransport, ShutdownWriteSendsFin) {
  ours_.shutdownWrite();
  waitReadable(sockets_.far.get());
  char byte = 0;
  EXPECT_EQ(0, ::recv(sockets_.far.get(), &byte, 1, 0));
  sendRaw(sockets_.far, "still heard");
  EXPECT_EQ("still heard", readText(ours_));
}

TEST_F(PlainTransport, ResetOnCloseSendsReset) {
  ours_.resetOnClose();
  ours_.close();
  EXPECT_EQ(-1, ours_.fd());
  waitReadable(sockets_.far.get());
  char byte = 0;
  EXPECT_EQ(-1, ::recv(sockets_.far.get(), &byte, 1, 0));
  EXPECT_EQ(ECONNRESET, errno);
}

TEST(UnixTransport, HasNoTcpInfo) {
  int fds[2];
  ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
  const Fd far(fds[1]);
  Transport ours{Fd(fds[0])};
  EXPECT_FALSE(ours.tcpInfo());
  sendRaw(far, "over unix");
  EXPECT_EQ("over unix", readText(ours));
}

class TlsTransport : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(HandshakeStatus::Done, origin_.with(server_.get())); }
  [[nodiscard]] const EndFault& end() const { return std::get<EndFault>(origin_.ours.fault()); }
  [[nodiscard]] const TlsFault& tlsFault() const { return std::get<TlsFault>(origin_.ours.fault()); }
  IoResult read(std::size_t size = 65536) {
    buffer_.resize(size);
    return origin_.ours.read(buffer_.data(), size);
  }

  SslCtxPtr server_ = peerServer(TestPki::get().leaf, {&TestPki::get().intermediate});
  OriginSession origin_;
  std::string buffer_;
};

TEST_F(TlsTransport, CarriesBytesBothWays) {
  ASSERT_EQ(IoStatus::Ok, origin_.ours.write("GET", 3).status);
  EXPECT_EQ("GET", origin_.peer->read());
  origin_.peer->write("200");
  EXPECT_EQ("200", readText(origin_.ours));
}

TEST_F(TlsTransport, ReadTakesAllRecordsAndSaysDrained) {
  origin_.peer->write("one");
  origin_.peer->write("two");
  waitBytes(origin_.ours.fd(), recordSize("one") + recordSize("two"));
  const IoResult got = read();
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_EQ("onetwo", buffer_.substr(0, got.size));
  EXPECT_TRUE(got.drained);
  EXPECT_FALSE(origin_.ours.hasBufferedInput());
}

TEST_F(TlsTransport, WhatReadAheadHoldsIsAnnounced) {
  origin_.peer->write("one");
  origin_.peer->write("two");
  waitBytes(origin_.ours.fd(), recordSize("one") + recordSize("two"));
  const IoResult got = read(3);
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_FALSE(got.drained);
  EXPECT_TRUE(origin_.ours.hasBufferedInput());
  EXPECT_EQ("two", readText(origin_.ours));
  EXPECT_FALSE(origin_.ours.hasBufferedInput());
}

TEST_F(TlsTransport, HalfARecordIsNoInput) {
  sendRaw(origin_.sockets.far, std::string("\x17\x03\x03\x00\x40half", 9));
  waitBytes(origin_.ours.fd(), 9);
  EXPECT_EQ(IoStatus::WouldBlock, read().status);
  EXPECT_FALSE(origin_.ours.hasBufferedInput());
}

TEST_F(TlsTransport, AnEndThatCameWithDataIsAnnounced) {
  origin_.peer->write("last words");
  SSL_shutdown(origin_.peer->get());
  waitBytes(origin_.ours.fd(), recordSize("last words") + recordSize("!0"));  // the alert is two bytes
  const IoResult got = read();
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_EQ("last words", buffer_.substr(0, got.size));
  EXPECT_FALSE(got.drained);
  EXPECT_TRUE(origin_.ours.hasBufferedInput());
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_FALSE(origin_.ours.hasBufferedInput());
  EXPECT_EQ(EndFault::How::CloseNotify, end().how);
}

TEST_F(TlsTransport, FinWithoutCloseNotifyIsTruncation) {
  origin_.sockets.far.reset();
  waitReadable(origin_.ours.fd());
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::TlsTruncated, end().how);
}

// To OpenSSL a FIN without close_notify breaks the session. Who got bytes
// before it decides first whether that matters, so as to answer.
TEST_F(TlsTransport, ABareFinBehindBytesIsToldByALaterRead) {
  origin_.peer->write("one");
  origin_.peer->write("two");
  ::shutdown(origin_.sockets.far.get(), SHUT_WR);
  waitBytes(origin_.ours.fd(), recordSize("one") + recordSize("two"));
  EXPECT_EQ(3U, read(3).size);
  const IoResult got = read();
  ASSERT_EQ(IoStatus::Ok, got.status);
  EXPECT_EQ("two", buffer_.substr(0, got.size));
  EXPECT_FALSE(got.drained);
  EXPECT_TRUE(origin_.ours.hasBufferedInput());
  SSL_set_options(origin_.ours.ssl(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::TlsTruncated, end().how) << "tolerated, and still no close_notify";
  EXPECT_FALSE(origin_.ours.hasBufferedInput());
  ASSERT_EQ(IoStatus::Ok, origin_.ours.write("bye", 3).status);
  EXPECT_EQ("bye", origin_.peer->read());
}

TEST_F(TlsTransport, ACloseNotifyIsOneWhereABareFinIsTolerated) {
  SSL_set_options(origin_.ours.ssl(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  origin_.peer->write("one");
  SSL_shutdown(origin_.peer->get());
  ::shutdown(origin_.sockets.far.get(), SHUT_WR);
  waitBytes(origin_.ours.fd(), recordSize("one") + recordSize("!0"));
  EXPECT_EQ("one", readText(origin_.ours));
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::CloseNotify, end().how);
}

TEST_F(TlsTransport, ResetIsReset) {
  resetPeer(origin_.sockets.far);
  waitBroken(origin_.ours.fd());
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(ECONNRESET, end().error);
}

TEST_F(TlsTransport, WriteAfterResetIsReset) {
  resetPeer(origin_.sockets.far);
  waitBroken(origin_.ours.fd());
  EXPECT_EQ(IoStatus::Ended, origin_.ours.write("x", 1).status);
  EXPECT_EQ(EndFault::How::Reset, end().how);
  EXPECT_EQ(ECONNRESET, end().error);
  EXPECT_TRUE(end().on_write);
}

TEST_F(TlsTransport, BadRecordMacIsALateProtocolFault) {
  sendRaw(origin_.sockets.far, std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  waitBytes(origin_.ours.fd(), 37);
  EXPECT_EQ(IoStatus::Ended, read().status);
  EXPECT_EQ(TlsFailure::Protocol, tlsFault().failure);
  EXPECT_TRUE(tlsFault().late);
  EXPECT_EQ("TLSv1.3", tlsFault().version);
  EXPECT_EQ(static_cast<unsigned long>(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC), tlsFault().reason_code);
  EXPECT_THAT(tlsFault().reason, ::testing::HasSubstr("bad record mac"));
}

TEST_F(TlsTransport, BigWriteStopsAndGoesOnWhereItStopped) {
  std::string sent_text(12U << 20U, '\0');
  for (std::size_t i = 0; i < sent_text.size(); ++i) {
    sent_text[i] = static_cast<char>('a' + i % 23);
  }
  std::string received;
  std::size_t at = 0;
  bool blocked = false;
  while (received.size() < sent_text.size()) {
    if (at < sent_text.size()) {
      const IoResult sent = origin_.ours.write(sent_text.data() + at, sent_text.size() - at);
      ASSERT_NE(IoStatus::Ended, sent.status);
      at += sent.status == IoStatus::Ok ? sent.size : 0;
      blocked |= at < sent_text.size();
    }
    received += origin_.peer->read();
  }
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(sent_text == received);
}

TEST_F(TlsTransport, GatheredPartsArriveInOrderAndWhole) {
  const std::string body(100000, 'b');
  std::string received;
  const std::string wanted = "head" + body + "tail";
  const IoResult sent = origin_.ours.writeGathered({"head", body, "", "tail"});
  ASSERT_EQ(IoStatus::Ok, sent.status);
  ASSERT_EQ(wanted.size(), sent.size);
  while (received.size() < wanted.size()) {
    const std::string more = origin_.peer->read();
    ASSERT_NE("", more);
    received += more;
  }
  EXPECT_TRUE(wanted == received);
}

TEST_F(TlsTransport, GatheredPartsThatDoNotFitGoOnWhereTheyStopped) {
  const std::string head = "head";
  std::string body(12U << 20U, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) {
    body[i] = static_cast<char>('a' + i % 23);
  }
  const IoResult first = origin_.ours.writeGathered({head, body});
  ASSERT_EQ(IoStatus::Ok, first.status);
  ASSERT_LT(first.size, head.size() + body.size());
  const std::string all = head + body;
  std::size_t at = first.size;
  std::string received;
  while (received.size() < all.size()) {
    received += origin_.peer->read();
    const IoResult sent = origin_.ours.write(all.data() + at, all.size() - at);
    ASSERT_NE(IoStatus::Ended, sent.status);
    at += sent.size;
  }
  EXPECT_TRUE(all == received);
}

TEST_F(TlsTransport, GatheredWriteAfterResetIsReset) {
  resetPeer(origin_.sockets.far);
  waitBroken(origin_.ours.fd());
  EXPECT_EQ(IoStatus::Ended, origin_.ours.writeGathered({"head", "body"}).status);
  EXPECT_EQ(ECONNRESET, end().error);
  EXPECT_TRUE(end().on_write);
}

TEST_F(TlsTransport, ShutdownWriteSendsCloseNotifyThenFin) {
  origin_.ours.shutdownWrite();
  EXPECT_EQ("", origin_.peer->read());
  EXPECT_NE(0, SSL_get_shutdown(origin_.peer->get()) & SSL_RECEIVED_SHUTDOWN);
  waitReadable(origin_.sockets.far.get());
  char byte = 0;
  EXPECT_EQ(0, ::recv(origin_.sockets.far.get(), &byte, 1, 0));
}

TEST_F(TlsTransport, KeyUpdateIsAnsweredInSilence) {
  ASSERT_EQ(1, SSL_key_update(origin_.peer->get(), SSL_KEY_UPDATE_REQUESTED));
  origin_.peer->write("new keys");
  EXPECT_EQ("new keys", readText(origin_.ours));
  ASSERT_EQ(IoStatus::Ok, origin_.ours.write("heard", 5).status);
  EXPECT_EQ("heard", origin_.peer->read());
}

// Where nothing can have come, the handshake begins without asking the socket.
TEST(TlsTransportStart, ReadsFirstAtAReadiness) {
  for (const bool readable : {false, true}) {
    TcpPair sockets = tcpPair();
    sendRaw(sockets.far, "SSH-2.0-no TLS at all\r\n");
    waitReadable(sockets.near.get());
    OriginTls config;
    config.ca_file = TestPki::get().root_file;
    Transport ours(std::move(sockets.near));
    ours.startTls(OriginTlsContext::create(config).value()->newSession("origin.test", EndpointHttp::Http1).value(),
                  readable);
    EXPECT_EQ(readable ? HandshakeStatus::Failed : HandshakeStatus::WouldBlock, ours.handshake());
    if (!readable) {
      EXPECT_EQ(HandshakeStatus::Failed, ours.handshake());
    }
    EXPECT_EQ(0U, ours.handshakeFault().first_bytes.find("SSH-2.0"));
  }
}

}  // namespace
}  // namespace gatewhy::test
