// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/transport.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <limits>

#include "proxy/net/tcp_info.h"
#include "proxy/net/tls_fault.h"
#include "proxy/net/tls_record.h"
#include "proxy/net/tls_socket.h"

namespace gatewhy {
namespace {

// A peer that is gone is noticed after 15 + 3 * 5 s.
constexpr int kKeepAliveIdleS = 15;
constexpr int kKeepAliveIntervalS = 5;
constexpr int kKeepAliveProbes = 3;

EndFault endOf(int error) {
  const bool reset = error == ECONNRESET || error == EPIPE;
  return {.how = reset ? EndFault::How::Reset : EndFault::How::Error, .error = error};
}

bool wouldBlock(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

void SslDeleter::operator()(SSL* ssl) const noexcept {
  SSL_free(ssl);
}

const TransportFault& Transport::fault() const noexcept {
  static const TransportFault none = EndFault{};
  return fault_ ? *fault_ : none;
}

void Transport::setFault(TransportFault fault) {
  fault_ = std::make_unique<TransportFault>(std::move(fault));
}

void Transport::startTls(SslPtr ssl, bool readable) {
  ssl_ = std::move(ssl);
  if (attachTlsSocket(ssl_.get(), fd_.get())) {
    startTlsTap(ssl_.get());
    handshake_waits_ = !readable;
    tlsSocketOf(ssl_.get()).input = readable ? TlsSocket::Input::MayWait : TlsSocket::Input::Blocked;
  }  // else out of memory: the handshake will say so
}

HandshakeStatus Transport::handshake() {
  TlsSocket* const socket = SSL_get_rbio(ssl_.get()) != nullptr ? &tlsSocketOf(ssl_.get()) : nullptr;
  if (!handshake_waits_ && socket != nullptr) {
    socket->input = TlsSocket::Input::MayWait;
  }
  handshake_waits_ = false;
  while (true) {
    ERR_clear_error();
    const int ret = SSL_do_handshake(ssl_.get());
    if (ret == 1) {
      stopTlsTap(ssl_.get());
      return HandshakeStatus::Done;
    }
    const SslError error = takeSslError(ssl_.get(), ret);
    if (error.kind == SSL_ERROR_WANT_READ && socket != nullptr && socket->mayHideEnd()) {
      continue;
    }
    if (error.kind == SSL_ERROR_WANT_READ || error.kind == SSL_ERROR_WANT_WRITE) {
      return HandshakeStatus::WouldBlock;
    }
    setFault(handshakeFaultOf(ssl_.get(), error));
    return HandshakeStatus::Failed;
  }
}

TlsFault Transport::handshakeFault() const {
  if (const auto* fault = std::get_if<TlsFault>(fault_.get())) {
    return *fault;
  }
  TlsFault fault = tlsFacts(ssl_.get());
  fault.failure = TlsFailure::Timeout;
  // Until the peer answers, all that was sent is one ClientHello.
  const std::optional<TcpSnapshot> tcp = tcpInfo();
  const TlsRecord& record = tlsRecordOf(ssl_.get());
  fault.hello_acknowledged = !tcp || record.bytes_received > 0 || tcp->bytes_acked >= record.bytes_sent;
  return fault;
}

IoResult Transport::read(char* buffer, std::size_t size) {
  if (read_ended_) {
    end_waits_ = false;
    return {.status = IoStatus::Ended};
  }
  if (tls()) {
    return readTls(buffer, size);
  }
  ssize_t got = 0;
  do {
    got = ::recv(fd_.get(), buffer, size, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto count = static_cast<std::size_t>(got);
    return {.status = IoStatus::Ok, .size = count, .drained = count < size};
  }
  if (got < 0 && wouldBlock(errno)) {
    return {};
  }
  endRead(got == 0 ? EndFault{.how = EndFault::How::Fin} : endOf(errno));
  return {.status = IoStatus::Ended};
}

void Transport::endRead(EndFault end) {
  read_ended_ = true;
  saw_fin_ = end.how == EndFault::How::Fin;
  saw_reset_ = !saw_fin_;
  setFault(end);
}

SpliceResult Transport::readInto(SplicePipe& pipe, std::size_t size) {
  if (read_ended_) {
    return {.status = SpliceStatus::Ended};
  }
  ssize_t got = 0;
  do {
    got = ::splice(fd_.get(), nullptr, pipe.writeEnd(), nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    pipe.put(static_cast<std::size_t>(got));
    return {.status = SpliceStatus::Ok, .size = static_cast<std::size_t>(got)};
  }
  if (got < 0 && wouldBlock(errno)) {
    return {};
  }
  if (got < 0 && (errno == EINVAL || errno == ENOMEM)) {
    return {.status = SpliceStatus::Unsupported};
  }
  endRead(got == 0 ? EndFault{.how = EndFault::How::Fin} : endOf(errno));
  return {.status = SpliceStatus::Ended};
}

SpliceResult Transport::writeFrom(SplicePipe& pipe) {
  ssize_t sent = 0;
  do {
    sent = ::splice(pipe.readEnd(), nullptr, fd_.get(), nullptr, pipe.held(), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) {
    pipe.took(static_cast<std::size_t>(sent));
    return {.status = SpliceStatus::Ok, .size = static_cast<std::size_t>(sent)};
  }
  if (sent < 0 && wouldBlock(errno)) {
    return {};
  }
  if (sent == 0 || errno == EINVAL || errno == ENOMEM) {
    return {.status = SpliceStatus::Unsupported};
  }
  [[maybe_unused]] const IoResult ended = endWrite(endOf(errno));
  return {.status = SpliceStatus::Ended};
}

// A record at a time until the buffer is full or both the socket and what
// read-ahead took from it are empty.
IoResult Transport::readTls(char* buffer, std::size_t size) {
  std::size_t total = 0;
  input_drained_ = false;
  TlsSocket& socket = tlsSocketOf(ssl_.get());
  socket.input = TlsSocket::Input::MayWait;
  while (total < size) {
    const int room = static_cast<int>(std::min<std::size_t>(size - total, INT_MAX));
    ERR_clear_error();
    socket.hold_end = total > 0;
    const int got = SSL_read(ssl_.get(), buffer + total, room);
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      if (socket.input != TlsSocket::Input::MayWait && SSL_has_pending(ssl_.get()) == 0) {
        input_drained_ = true;
        break;
      }
      continue;
    }
    const SslError error = takeSslError(ssl_.get(), got);
    // Session tickets, or half a record. Behind bytes of the message the caller
    // decides whether to ask: it knows whether the message is complete.
    if (error.kind == SSL_ERROR_WANT_READ && total == 0 && socket.mayHideEnd()) {
      continue;
    }
    // WANT_WRITE: an answer to the peer's KeyUpdate did not fit into the
    // socket; the readiness to write that follows is reported like any other.
    if (error.kind == SSL_ERROR_WANT_READ || error.kind == SSL_ERROR_WANT_WRITE) {
      input_drained_ = !socket.end_held;
      break;
    }
    setFault(sessionFaultOf(ssl_.get(), error));
    if (error.kind == SSL_ERROR_ZERO_RETURN && socket.ended) {
      // A bare FIN, which SSL_OP_IGNORE_UNEXPECTED_EOF passes off as a
      // close_notify: behind a real one nothing more is read.
      setFault(EndFault{.how = EndFault::How::TlsTruncated});
    }
    read_ended_ = true;
    const auto* end = std::get_if<EndFault>(fault_.get());
    saw_reset_ = end != nullptr && end->how == EndFault::How::Reset;
    saw_fin_ = end != nullptr && !saw_reset_;
    break;
  }
  if (total > 0) {
    end_waits_ = read_ended_;
    return {.status = IoStatus::Ok, .size = total, .drained = input_drained_};
  }
  return {.status = read_ended_ ? IoStatus::Ended : IoStatus::WouldBlock};
}

IoResult Transport::write(const char* data, std::size_t size) {
  if (tls()) {
    return writeTls(data, size, false);
  }
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), data, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    return {.status = IoStatus::Ok, .size = static_cast<std::size_t>(sent)};
  }
  return wouldBlock(errno) ? IoResult{} : endWrite(endOf(errno));
}

IoResult Transport::writeGathered(std::initializer_list<std::string_view> parts) {
  if (tls()) {
    return writeTlsGathered(parts);
  }
  std::array<iovec, 4> vectors{};
  msghdr message{};
  message.msg_iov = vectors.data();
  for (const std::string_view part : parts) {
    vectors[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    return {.status = IoStatus::Ok, .size = static_cast<std::size_t>(sent)};
  }
  return wouldBlock(errno) ? IoResult{} : endWrite(endOf(errno));
}

IoResult Transport::writeTls(const char* data, std::size_t size, bool more) {
  std::size_t total = 0;
  TlsSocket& socket = tlsSocketOf(ssl_.get());
  while (total < size) {
    // With partial writes on, the library returns after each record.
    const int chunk = static_cast<int>(std::min<std::size_t>(size - total, INT_MAX));
    socket.more = more || size - total > SSL3_RT_MAX_PLAIN_LENGTH;
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), data + total, chunk);
    socket.more = false;  // what the library writes of itself stands alone
    if (sent > 0) {
      total += static_cast<std::size_t>(sent);
      continue;
    }
    const SslError error = takeSslError(ssl_.get(), sent);
    if (error.kind == SSL_ERROR_WANT_READ || error.kind == SSL_ERROR_WANT_WRITE) {
      break;
    }
    IoResult ended = endWrite(sessionFaultOf(ssl_.get(), error));
    ended.size = total;
    return ended;
  }
  return total > 0 ? IoResult{.status = IoStatus::Ok, .size = total} : IoResult{};
}

// Records of their own, which leave together.
IoResult Transport::writeTlsGathered(std::initializer_list<std::string_view> parts) {
  IoResult result;
  std::size_t to_come = 0;
  for (const std::string_view part : parts) {
    to_come += part.size();
  }
  for (const std::string_view part : parts) {
    to_come -= part.size();
    const IoResult sent = writeTls(part.data(), part.size(), to_come != 0);
    result.size += sent.size;
    if (part.empty()) {
      continue;
    }
    if (sent.status != IoStatus::WouldBlock) {
      result.status = sent.status;
    }
    if (sent.status != IoStatus::Ok || sent.size < part.size()) {
      break;
    }
  }
  return result;
}

IoResult Transport::endWrite(TransportFault fault) {
  if (auto* end = std::get_if<EndFault>(&fault)) {
    end->on_write = true;
    // The kernel says EPIPE, not ECONNRESET, where the RST met a connection
    // whose peer had sent its FIN; a second write after a reset says it too.
    end->reset_after_fin = saw_fin_ || (end->error == EPIPE && !saw_reset_);
    saw_reset_ |= end->how == EndFault::How::Reset;
  }
  setFault(std::move(fault));
  return {.status = IoStatus::Ended};
}

bool Transport::hasBufferedInput() const noexcept {
  // OpenSSL counts half a record as pending too: the last read said whether
  // that is all.
  return end_waits_ || (tls() && !read_ended_ && !input_drained_ &&
                        (SSL_has_pending(ssl_.get()) == 1 || tlsSocketOf(ssl_.get()).end_held));
}

void Transport::shutdownWrite() noexcept {
  // One way: whether the peer answers is read like everything else. A second
  // call would read too, and end the session over data that came meanwhile.
  if (tls() && (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void Transport::resetOnClose() noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void Transport::close() noexcept {
  ssl_.reset();
  fd_.reset();
}

void Transport::probeWhenSilent() noexcept {
  const auto set = [this](int level, int option, int value) {
    setsockopt(fd_.get(), level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

std::optional<TcpSnapshot> Transport::tcpInfo() const noexcept {
  auto snapshot = tcpSnapshot(fd_.get());
  if (snapshot) {
    snapshot->bytes_acked -= std::min<std::uint64_t>(snapshot->bytes_acked, preamble_);
  }
  return snapshot;
}

// A new socket has room for it; what else stops it stops the next write too.
void Transport::writePreamble(std::string_view bytes) {
  assert(!tls() && bytes.size() <= std::numeric_limits<std::uint8_t>::max());
  preamble_ = static_cast<std::uint8_t>(bytes.size());
  static_cast<void>(write(bytes.data(), bytes.size()));
}

int Transport::unsentBytes() const noexcept {
  int bytes = 0;
  return ioctl(fd_.get(), SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

}  // namespace gatewhy
