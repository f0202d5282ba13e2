// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/fake_kernel.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace gatewhy::test {
namespace {

// As in <netinet/tcp.h>, which cannot be included beside <linux/tcp.h>.
constexpr int kEstablished = 1;
constexpr int kClose = 7;
constexpr int kCloseWait = 8;

FakeKernel* the_kernel = nullptr;
int made[2] = {-1, -1};

}  // namespace

FakeKernel::FakeKernel() : sockets_(1024, nullptr) {
  // A unix socket: options and ioctls that matter to nobody here find one.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made) == 0) {
    placeholder_ = made[0];
  }
  the_kernel = this;
}

FakeKernel::~FakeKernel() {
  the_kernel = nullptr;
  ::close(made[0]);
  ::close(made[1]);
}

FakeKernel* FakeKernel::current() {
  return the_kernel;
}

int FakeKernel::open(FakeSocket& socket) {
  socket.fd = ::dup(placeholder_);
  sockets_.at(static_cast<std::size_t>(socket.fd)) = &socket;
  return socket.fd;
}

void FakeKernel::forget(FakeSocket& socket) {
  if (find(socket.fd) == &socket) {
    sockets_[static_cast<std::size_t>(socket.fd)] = nullptr;
  }
}

FakeSocket* FakeKernel::find(int fd) const {
  return fd >= 0 && static_cast<std::size_t>(fd) < sockets_.size() ? sockets_[static_cast<std::size_t>(fd)] : nullptr;
}

FakeSocket* FakeKernel::takeNext() {
  return std::exchange(next_, nullptr);
}

void FakeKernel::giveRoom(FakeSocket& socket, std::size_t bytes) {
  socket.room += bytes;
  socket.pending = socket.pending || socket.no_space;
  socket.no_space = false;
}

int FakeKernel::collect(epoll_event* events, int room) {
  int count = 0;
  for (FakeSocket* socket : sockets_) {
    if (socket == nullptr || !socket->pending || socket->watch == nullptr || count == room) {
      continue;
    }
    socket->pending = false;
    // As tcp_poll() says it.
    std::uint32_t what = socket->room > 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U;
    what |= socket->in.empty() && !socket->fin && !socket->reset ? 0U : static_cast<std::uint32_t>(EPOLLIN);
    what |= socket->fin ? static_cast<std::uint32_t>(EPOLLRDHUP) : 0U;
    what |= socket->reset ? static_cast<std::uint32_t>(EPOLLRDHUP | EPOLLHUP) : 0U;
    what |= socket->reset && !socket->reset_told ? static_cast<std::uint32_t>(EPOLLERR) : 0U;
    events[count].events = what;
    events[count++].data.ptr = socket->watch;
  }
  return count;
}

namespace {

FakeSocket* fakeOf(int fd) {
  return the_kernel != nullptr ? the_kernel->find(fd) : nullptr;
}

ssize_t fakeRecv(FakeSocket& socket, void* buffer, std::size_t size, int flags) {
  if (!socket.in.empty()) {
    const std::size_t count = std::min(size, socket.in.size());
    std::memcpy(buffer, socket.in.data(), count);
    if ((flags & MSG_PEEK) == 0) {
      socket.in.erase(0, count);
    }
    return static_cast<ssize_t>(count);
  }
  if (socket.reset && !socket.reset_told && !socket.fin) {  // behind a FIN the stream just ends
    socket.reset_told = true;
    errno = ECONNRESET;
    return -1;
  }
  if (socket.fin || socket.reset) {
    return 0;
  }
  errno = EAGAIN;
  return -1;
}

ssize_t fakeSend(FakeSocket& socket, const void* data, std::size_t size) {
  if (socket.reset || socket.shut) {
    errno = socket.reset && !socket.reset_told && !socket.fin ? ECONNRESET : EPIPE;
    socket.reset_told = true;
    return -1;
  }
  const std::size_t count = std::min(size, socket.room);
  socket.no_space = socket.no_space || count < size;
  if (count == 0 && size != 0) {
    errno = EAGAIN;
    return -1;
  }
  socket.room -= socket.room == SIZE_MAX ? 0 : count;
  socket.out.append(static_cast<const char*>(data), count);
  socket.written += count;
  return static_cast<ssize_t>(count);
}

int fakeTcpInfo(const FakeSocket& socket, void* value, socklen_t* size) {
  tcp_info info{};
  info.tcpi_state = socket.reset ? kClose : socket.fin ? kCloseWait : kEstablished;
  info.tcpi_bytes_acked = socket.written + 1;  // the SYN counts
  *size = std::min<socklen_t>(*size, sizeof info);
  std::memcpy(value, &info, *size);
  return 0;
}

}  // namespace
}  // namespace gatewhy::test

using gatewhy::test::FakeKernel;
using gatewhy::test::fakeOf;
using gatewhy::test::FakeSocket;

extern "C" {

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  FakeSocket* socket = fakeOf(fd);
  return socket != nullptr ? gatewhy::test::fakeRecv(*socket, buffer, size, flags)
                           : ::syscall(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr);
}

ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t /*room*/, int flags) {
  return ::recv(fd, buffer, size, flags);
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  FakeSocket* socket = fakeOf(fd);
  return socket != nullptr ? gatewhy::test::fakeSend(*socket, data, size)
                           : ::syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  FakeSocket* socket = fakeOf(fd);
  if (socket == nullptr) {
    return ::syscall(SYS_sendmsg, fd, message, flags);
  }
  ssize_t total = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    const ssize_t sent = gatewhy::test::fakeSend(*socket, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    if (sent < 0) {
      return total > 0 ? total : sent;
    }
    total += sent;
    if (static_cast<size_t>(sent) < message->msg_iov[i].iov_len) {
      break;
    }
  }
  return total;
}

int shutdown(int fd, int how) noexcept {
  FakeSocket* socket = fakeOf(fd);
  if (socket == nullptr) {
    return static_cast<int>(::syscall(SYS_shutdown, fd, how));
  }
  socket->shut = true;
  return 0;
}

int close(int fd) {
  if (FakeSocket* socket = fakeOf(fd)) {
    socket->closed = true;
    FakeKernel::current()->forget(*socket);
  }
  return static_cast<int>(::syscall(SYS_close, fd));
}

int socket(int family, int type, int protocol) noexcept {
  FakeKernel* kernel = FakeKernel::current();
  FakeSocket* next = kernel != nullptr ? kernel->takeNext() : nullptr;
  return next != nullptr ? kernel->open(*next) : static_cast<int>(::syscall(SYS_socket, family, type, protocol));
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return fakeOf(fd) != nullptr ? 0 : static_cast<int>(::syscall(SYS_connect, fd, address, size));
}

int getsockopt(int fd, int level, int option, void* value, socklen_t* size) noexcept {
  FakeSocket* socket = fakeOf(fd);
  if (socket != nullptr && level == IPPROTO_TCP && option == TCP_INFO) {
    return gatewhy::test::fakeTcpInfo(*socket, value, size);
  }
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, option, value, size));
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  FakeSocket* socket = fakeOf(fd);
  if (socket == nullptr) {
    return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
  }
  socket->watch = operation == EPOLL_CTL_DEL ? nullptr : event->data.ptr;
  return 0;
}

// Never waits while a fake kernel is there: time is the test's.
int epoll_wait(int epoll, epoll_event* events, int room, int timeout) {
  FakeKernel* kernel = FakeKernel::current();
  if (kernel == nullptr) {
    return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, room, timeout, nullptr, 8));
  }
  const int count = kernel->collect(events, room);
  const auto real = static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events + count, room - count, 0, nullptr, 8));
  return count + std::max(real, 0);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (FakeKernel::current() != nullptr && clock == CLOCK_MONOTONIC) {
    time->tv_sec += FakeKernel::current()->offset().count();
  }
  return result;
}
}
