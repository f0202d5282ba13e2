// SPDX-License-Identifier: Apache-2.0
// The other end of a Transport under test: a loopback TCP connection and, on
// it, OpenSSL itself or raw bytes. Both ends run in the test's own thread.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <csignal>
#include <initializer_list>
#include <string>
#include <string_view>

#include "proxy/loop/fd.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_setup.h"
#include "proxy/net/transport.h"
#include "tests/support/pki.h"

namespace gatewhy::test {

struct TcpPair {
  Fd near, far;  // both non-blocking; `near` connected, `far` accepted
};

inline TcpPair tcpPair() {
  ::signal(SIGPIPE, SIG_IGN);
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(0, ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size));
  EXPECT_EQ(0, ::listen(listener.get(), 1));
  EXPECT_EQ(0, ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size));
  TcpPair pair;
  pair.near.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(0, ::connect(pair.near.get(), reinterpret_cast<sockaddr*>(&address), size));
  pair.far.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  EXPECT_TRUE(pair.far.valid());
  ::fcntl(pair.near.get(), F_SETFL, O_NONBLOCK);
  return pair;
}

inline void sendRaw(const Fd& fd, std::string_view bytes) {
  EXPECT_EQ(static_cast<ssize_t>(bytes.size()), ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

// Closing with RST instead of FIN.
inline void resetPeer(Fd& fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  fd.reset();
}

// The kernel delivers when it likes, on loopback too: tests wait for what has
// to have come, never for a time. The limit only ends a broken test.
inline void waitFor(int fd, short events) {
  pollfd wait{.fd = fd, .events = events};
  EXPECT_EQ(1, ::poll(&wait, 1, 10000));
}
inline void waitReadable(int fd) {
  waitFor(fd, POLLIN);
}
inline void waitBroken(int fd) {
  waitFor(fd, 0);
}  // POLLERR, POLLHUP
inline void waitBytes(int fd, int count) {
  int there = 0;
  do {
    waitReadable(fd);
    ASSERT_EQ(0, ::ioctl(fd, FIONREAD, &there));
  } while (there < count);
}

// Bytes on the wire of a TLS 1.3 record: header, content type, tag.
inline int recordSize(std::string_view text) {
  return static_cast<int>(text.size()) + 5 + 1 + 16;
}

inline std::string alertRecord(int alert) {
  std::string record{"\x15\x03\x03\x00\x02\x02", 6};
  record.push_back(static_cast<char>(alert));
  return record;
}

// A server's context straight from objects, without the defences of ours:
// weak keys and digests are what some tests need.
inline SslCtxPtr peerServer(const Identity& leaf, std::initializer_list<const Identity*> chain = {}) {
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  EXPECT_EQ(1, SSL_CTX_use_certificate(context.get(), leaf.certificate.get()));
  EXPECT_EQ(1, SSL_CTX_use_PrivateKey(context.get(), leaf.key.get()));
  SSL_CTX_set_num_tickets(context.get(), 0);  // nothing that a test did not ask for
  for (const Identity* above : chain) {
    EXPECT_EQ(1, SSL_CTX_add1_chain_cert(context.get(), above->certificate.get()));
  }
  return context;
}

inline SslCtxPtr peerClient() {
  return SslCtxPtr(SSL_CTX_new(TLS_client_method()));
}

// One OpenSSL end on `fd`, which stays the caller's.
class TlsPeer {
 public:
  TlsPeer(const Fd& fd, SSL_CTX* context, bool server) : ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_.get(), fd.get());
    server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }
  [[nodiscard]] SSL* get() const { return ssl_.get(); }
  // One step; false while it needs more from our end.
  bool step() {
    ERR_clear_error();
    const int ret = SSL_do_handshake(ssl_.get());
    if (ret == 1) {
      return true;
    }
    if (SSL_get_error(ssl_.get(), ret) == SSL_ERROR_WANT_READ) {
      return false;
    }
    reason_ = reason_ != 0 ? reason_ : ERR_GET_REASON(ERR_peek_error());
    return true;
  }
  [[nodiscard]] int reason() const { return reason_; }  // why its handshake failed, 0 = it did not
  [[nodiscard]] int fd() const { return SSL_get_fd(ssl_.get()); }
  void write(std::string_view text) {
    ERR_clear_error();
    EXPECT_EQ(static_cast<int>(text.size()), SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())));
  }
  // Waits for the next bytes; "" for the end or an error.
  std::string read() {
    char buffer[65536];
    while (true) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), buffer, sizeof(buffer));
      if (got > 0) {
        return {buffer, static_cast<std::size_t>(got)};
      }
      if (SSL_get_error(ssl_.get(), got) != SSL_ERROR_WANT_READ) {
        return {};
      }
      waitReadable(fd());
    }
  }

 private:
  SslPtr ssl_;
  int reason_ = 0;
};

// Until our handshake has an end, whatever has to come for it.
inline HandshakeStatus finishHandshake(Transport& ours) {
  HandshakeStatus status = HandshakeStatus::WouldBlock;
  while ((status = ours.handshake()) == HandshakeStatus::WouldBlock && !::testing::Test::HasFailure()) {
    waitReadable(ours.fd());
  }
  return status;
}

// Turns about until ours is no longer waiting, and the peer has seen the end.
inline HandshakeStatus shakeHands(Transport& ours, TlsPeer& peer) {
  HandshakeStatus status = HandshakeStatus::WouldBlock;
  while ((status = ours.handshake()) == HandshakeStatus::WouldBlock && !::testing::Test::HasFailure()) {
    pollfd wait[2] = {{.fd = ours.fd(), .events = POLLIN}, {.fd = peer.fd(), .events = POLLIN}};
    EXPECT_LT(0, ::poll(wait, 2, 10000));
    peer.step();
  }
  while (!peer.step() && !::testing::Test::HasFailure()) {
    waitReadable(peer.fd());
  }
  return status;
}

// Waits for the next bytes or the end; what came before it is in `text`.
inline IoResult readNext(Transport& ours, std::string& text) {
  char buffer[65536];
  while (true) {
    const IoResult got = ours.read(buffer, sizeof(buffer));
    if (got.status != IoStatus::WouldBlock) {
      text.assign(buffer, got.size);
      return got;
    }
    waitReadable(ours.fd());
  }
}

inline std::string readText(Transport& ours) {
  std::string text;
  return readNext(ours, text).status == IoStatus::Ok ? text : std::string();
}

// Certificates that most tests share; made once, EC keys are quick.
struct TestPki {
  PemDirectory directory;
  Identity root = selfSigned(authority("Test Root"));
  Identity intermediate = signedBy(root, authority("Test Intermediate"));
  std::string root_file = directory.certificates("root.pem", {&root});

  [[nodiscard]] static CertificateSpec leafSpec() {
    CertificateSpec spec;
    spec.dns_names = {"origin.test", "*.wild.test"};
    spec.addresses = {"192.0.2.7", "2001:db8::7"};
    return spec;
  }
  Identity leaf = signedBy(intermediate, leafSpec());

  static const TestPki& get() {
    static const TestPki made_once;
    return made_once;
  }
};
inline const TestPki& pki() {
  return TestPki::get();
}

// A connection of ours to a peer that serves what the test chose.
struct OriginSession {
  TcpPair sockets = tcpPair();
  Transport ours;
  std::shared_ptr<const OriginTlsContext> context;

  explicit OriginSession(OriginTls config = {}, const std::string& host = "origin.test") {
    if (config.ca_file.empty()) {
      config.ca_file = pki().root_file;
    }
    auto created = OriginTlsContext::create(config);
    EXPECT_TRUE(created.ok()) << (created.ok() ? "" : created.error().reason);
    context = created.value();
    begin(host);
  }
  OriginSession(std::shared_ptr<const OriginTlsContext> shared, const std::string& host) : context(std::move(shared)) {
    begin(host);
  }
  HandshakeStatus with(SSL_CTX* server) {
    peer = std::make_unique<TlsPeer>(sockets.far, server, true);
    return shakeHands(ours, *peer);
  }
  std::unique_ptr<TlsPeer> peer;

 private:
  void begin(const std::string& host) {
    ours = Transport(std::move(sockets.near));
    auto session = context->newSession(host, EndpointHttp::Http1);
    EXPECT_TRUE(session.ok());
    ours.startTls(std::move(session).value());
  }
};

}  // namespace gatewhy::test
