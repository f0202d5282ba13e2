// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

constexpr int kPatienceMs = static_cast<int>(std::chrono::milliseconds(kPatience).count());

bool await(int fd, short what) {
  pollfd waiting{fd, what, 0};
  return ::poll(&waiting, 1, kPatienceMs) > 0;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t portOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

Socket::Socket(Fd fd) : fd_(std::move(fd)) {}

Socket Socket::connectTo(const std::string& address, int receive_buffer) {
  const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer != 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const sockaddr_in peer = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
    return {};
  }
  return Socket(std::move(fd));
}

std::uint16_t Socket::localPort() const {
  return portOf(fd_.get());
}

bool Socket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return false;
    } else if (!await(fd_.get(), POLLOUT)) {
      return false;
    }
  }
  return true;
}

void Socket::sendAtOnce() const {
  const int yes = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

std::size_t Socket::sendUntilFull(std::size_t most) {
  const std::string block(64 * 1024, 'x');
  std::size_t total = 0;
  while (total < most) {
    const std::size_t size = std::min(block.size(), most - total);
    const ssize_t sent = ::send(fd_.get(), block.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      total += static_cast<std::size_t>(sent);
      continue;
    }
    // Full for a while: whoever is between has stopped reading.
    pollfd waiting{fd_.get(), POLLOUT, 0};
    constexpr int kStuckMs = 200;
    if (errno != EAGAIN || ::poll(&waiting, 1, kStuckMs) <= 0) {
      break;
    }
  }
  return total;
}

bool Socket::receive() {
  if (end_ != End::None) {
    return false;
  }
  std::array<char, 64 * 1024> block{};
  while (true) {
    if (!await(fd_.get(), POLLIN)) {
      end_ = End::Late;
      return false;
    }
    const ssize_t size = ::recv(fd_.get(), block.data(), block.size(), 0);
    if (size > 0) {
      buffer_.append(block.data(), static_cast<std::size_t>(size));
      if (keeps_transcript_) {
        transcript_.append(block.data(), static_cast<std::size_t>(size));
      }
      return true;
    }
    if (size == 0 || errno != EINTR) {
      end_ = size == 0 ? End::Fin : End::Reset;
      return false;
    }
  }
}

void Socket::receiveToEnd() {
  while (receive()) {
  }
}

bool Socket::receiveUntil(std::string_view text) {
  while (buffer_.find(text) == std::string::npos) {
    if (!receive()) {
      return false;
    }
  }
  return true;
}

void Socket::awaitReadable() const {
  await(fd_.get(), POLLIN);
}

void Socket::finish() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void Socket::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  fd_.reset();
}

ListeningSocket::ListeningSocket(int backlog, int receive_buffer, const Place& place)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), ip_(place.ip) {
  if (receive_buffer != 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (place.port != 0) {  // its own of before may linger there
    const int yes = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  sockaddr_in address = loopback(place.port);
  ::inet_pton(AF_INET, place.ip.c_str(), &address.sin_addr);
  ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::listen(fd_.get(), backlog);
  port_ = portOf(fd_.get());
}

Socket ListeningSocket::accept() const {
  if (!await(fd_.get(), POLLIN)) {
    return {};
  }
  return Socket(Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

void ListeningSocket::stop() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

OriginServer::OriginServer(Serve serve, int receive_buffer, const Place& place)
    : serve_(std::move(serve)), listening_(512, receive_buffer, place), acceptor_([this] { run(); }) {}

void OriginServer::stop() {
  if (!acceptor_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Connection& connection : connections_) {
      ::shutdown(connection.socket.fd(), SHUT_RDWR);
    }
  }
  listening_.stop();
  acceptor_.join();
  for (Connection& connection : connections_) {
    connection.thread.join();
  }
}

void OriginServer::run() {
  while (true) {
    pollfd waiting{listening_.fd(), POLLIN, 0};
    ::poll(&waiting, 1, -1);
    Socket socket = listening_.accept();
    const std::lock_guard lock(mutex_);
    if (stopping_ || !socket.open()) {
      return;
    }
    reap();
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.thread = std::thread([this, &connection] {
      serve_(connection.socket);
      // An end that the peer sees at once; the descriptor stays until the
      // thread is joined, so that its number cannot mean another connection.
      if (connection.socket.open()) {
        ::shutdown(connection.socket.fd(), SHUT_RDWR);
      }
      connection.over = true;
    });
  }
}

void OriginServer::reap() {
  connections_.remove_if([](Connection& connection) {
    if (connection.over) {
      connection.thread.join();
      return true;
    }
    return false;
  });
}

}  // namespace gatewhy::test
