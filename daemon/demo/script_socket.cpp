// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace gatewhy {

StopFlag::StopFlag() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void StopFlag::raise() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
}

ScriptSocket::ScriptSocket(Fd fd, bool server, const StopFlag* stop)
    : fd_(std::move(fd)), server_(server), stop_(stop) {
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  // What a step sends is not to wait for an ACK: a reset behind it would take it along.
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ScriptSocket::Ended ScriptSocket::endedByErrno() {
  error_ = std::strerror(errno);
  return errno == ECONNRESET || errno == EPIPE ? SessionEnd::PeerReset : SessionEnd::Error;
}

ScriptSocket::Ended ScriptSocket::waitFor(short events) {
  std::array<pollfd, 2> fds{{{fd_.get(), events, 0}, {stop_ != nullptr ? stop_->fd() : -1, POLLIN, 0}}};
  while (::poll(fds.data(), fds.size(), -1) < 0) {
    if (errno != EINTR) {
      return endedByErrno();
    }
  }
  return fds[1].revents != 0 ? Ended(SessionEnd::Stopped) : std::nullopt;
}

ScriptSocket::Ended ScriptSocket::waitForTls(int result) {
  const int error = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return waitFor(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return waitFor(POLLOUT);
    case SSL_ERROR_ZERO_RETURN:
      return SessionEnd::PeerClosed;
    default:
      error_ = takeTlsErrors();
      return error == ECONNRESET || error == EPIPE ? SessionEnd::PeerReset : SessionEnd::TlsFailed;
  }
}

ScriptSocket::Ended ScriptSocket::handshake(const Step& step, const TlsFiles& files) {
  Result<TlsSessionPtr, std::string> session = newTlsSession(step, files, server_);
  if (!session) {
    error_ = session.error();
    return SessionEnd::Error;
  }
  tls_ = std::move(session).value();
  SSL_set_fd(tls_.get(), fd_.get());
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int done = SSL_do_handshake(tls_.get());
    if (done == 1) {
      break;
    }
    if (const Ended ended = waitForTls(done)) {
      // The alert is on its way. Closing with unread bytes would chase it with
      // a RST, which may destroy it at the peer: read to the end first.
      tls_.reset();
      ::shutdown(fd_.get(), SHUT_WR);
      std::string dropped;
      while (!receive(dropped)) {
        dropped.clear();
      }
      return ended;
    }
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(tls_.get(), &alpn, &alpn_size);
  alpn_.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  return std::nullopt;
}

ScriptSocket::Ended ScriptSocket::receive(std::string& into) {
  std::array<char, 65536> chunk;
  while (true) {
    ERR_clear_error();
    errno = 0;
    const ssize_t got = tls_ ? SSL_read(tls_.get(), chunk.data(), static_cast<int>(chunk.size()))
                             : ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got > 0) {
      into.append(chunk.data(), static_cast<std::size_t>(got));
      return std::nullopt;
    }
    Ended ended;
    if (tls_) {
      ended = waitForTls(static_cast<int>(got));
    } else if (got == 0) {
      ended = SessionEnd::PeerClosed;
    } else {
      ended = errno == EAGAIN || errno == EINTR ? waitFor(POLLIN) : endedByErrno();
    }
    if (ended) {
      return ended;
    }
  }
}

ScriptSocket::Ended ScriptSocket::send(std::string_view bytes) {
  if (!tls_) {
    return sendBeneathTls(bytes);
  }
  while (!bytes.empty()) {
    ERR_clear_error();
    errno = 0;
    const int sent = SSL_write(tls_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (const Ended ended = waitForTls(sent)) {
      return ended;
    }
  }
  return std::nullopt;
}

ScriptSocket::Ended ScriptSocket::sendBeneathTls(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    const Ended ended = errno == EAGAIN || errno == EINTR ? waitFor(POLLOUT) : endedByErrno();
    if (ended) {
      return ended;
    }
  }
  return std::nullopt;
}

ScriptSocket::Ended ScriptSocket::pause(std::chrono::milliseconds duration) {
  pollfd stop{stop_ != nullptr ? stop_->fd() : -1, POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + duration;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return std::nullopt;
    }
    if (::poll(&stop, 1, static_cast<int>(left.count())) > 0) {
      return SessionEnd::Stopped;
    }
  }
}

ScriptSocket::Ended ScriptSocket::hold() {
  if (const Ended ended = waitFor(POLLRDHUP)) {
    return ended;
  }
  // Both FIN and RST end the wait; only the latter leaves an error behind.
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error != 0 ? SessionEnd::PeerReset : SessionEnd::PeerClosed;
}

void ScriptSocket::closeNotify() {
  if (tls_ && SSL_is_init_finished(tls_.get()) != 0) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
}

void ScriptSocket::shutdownWrite() {
  if (tls_) {
    SSL_set_quiet_shutdown(tls_.get(), 1);  // no close_notify later either
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void ScriptSocket::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  tls_.reset();
  fd_.reset();
}

void ScriptSocket::close() {
  closeNotify();
  tls_.reset();
  fd_.reset();
}

}  // namespace gatewhy
