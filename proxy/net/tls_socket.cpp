// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_socket.h"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

namespace gatewhy {
namespace {

TlsSocket& socketOf(BIO* bio) noexcept {
  return *static_cast<TlsSocket*>(BIO_get_data(bio));
}

// Both leave errno as the call did: SSL_ERROR_SYSCALL points there.
int onRead(BIO* bio, char* buffer, int size) {
  TlsSocket& socket = socketOf(bio);
  BIO_clear_retry_flags(bio);
  const auto later = [bio] {
    BIO_set_retry_read(bio);
    errno = EAGAIN;
    return -1;
  };
  if (socket.end_held) {
    socket.ended = !socket.hold_end;
    return socket.ended ? 0 : later();
  }
  if (socket.input != TlsSocket::Input::MayWait && !socket.ended) {
    return later();
  }
  ssize_t got = 0;
  do {
    errno = 0;
    got = ::recv(socket.fd, buffer, static_cast<std::size_t>(size), 0);
  } while (got < 0 && errno == EINTR);
  if (got == 0 && socket.hold_end) {
    socket.end_held = true;
    return later();
  }
  socket.ended = got == 0;
  if (got >= 0) {
    socket.input = got < size ? TlsSocket::Input::Taken : TlsSocket::Input::MayWait;
  } else if (errno == EAGAIN) {
    socket.input = TlsSocket::Input::Blocked;
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

int onWrite(BIO* bio, const char* data, int size) {
  const TlsSocket& socket = socketOf(bio);
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do {
    errno = 0;
    sent = ::send(socket.fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | (socket.more ? MSG_MORE : 0));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

long onControl(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;  // nothing is held back here
    case BIO_CTRL_EOF:
      return socketOf(bio).ended ? 1 : 0;
    default:
      return 0;
  }
}

int onDestroy(BIO* bio) {
  delete static_cast<TlsSocket*>(BIO_get_data(bio));
  return 1;
}

// Lives as long as the process, like OpenSSL's own methods. Null: out of memory.
const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* table = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (table != nullptr) {
      BIO_meth_set_read(table, onRead);
      BIO_meth_set_write(table, onWrite);
      BIO_meth_set_ctrl(table, onControl);
      BIO_meth_set_destroy(table, onDestroy);
    }
    return table;
  }();
  return made;
}

}  // namespace

bool attachTlsSocket(SSL* ssl, int fd) {
  const BIO_METHOD* const table = method();
  BIO* const bio = table != nullptr ? BIO_new(table) : nullptr;
  if (bio == nullptr) {
    return false;
  }
  BIO_set_data(bio, std::make_unique<TlsSocket>(TlsSocket{.fd = fd}).release());  // onDestroy's now
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

TlsSocket& tlsSocketOf(SSL* ssl) noexcept {
  return socketOf(SSL_get_rbio(ssl));
}

}  // namespace gatewhy
