// SPDX-License-Identifier: Apache-2.0
#undef _FORTIFY_SOURCE  // its inline definitions are those of the functions defined here
#include "tests/edges/fake_kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
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

}  // namespace

void FakeSocket::giveRoom(std::size_t bytes) {
  room += bytes;
  if (wants_room && writable()) {
    wants_room = false;
    pending = true;
  }
}

FakeKernel::FakeKernel() : beacon_(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, placeholder_) != 0) {
    std::abort();
  }
  the_kernel = this;
}

FakeKernel::~FakeKernel() {
  the_kernel = nullptr;
  for (const int fd : {placeholder_[0], placeholder_[1], beacon_}) {
    ::close(fd);
  }
}

FakeKernel* FakeKernel::current() {
  return the_kernel;
}

int FakeKernel::open(FakeSocket& socket) {
  socket.fd = ::dup(placeholder_[0]);
  sockets_.push_back(&socket);
  return socket.fd;
}

void FakeKernel::forget(const FakeSocket& socket) {
  std::erase(sockets_, &socket);
}

FakeSocket* FakeKernel::find(int fd) const {
  for (FakeSocket* socket : sockets_) {
    if (socket->fd == fd) {
      return socket;
    }
  }
  return nullptr;
}

FakeSocket* FakeKernel::takeNext() {
  return std::exchange(next_, nullptr);
}

void FakeKernel::watch(int epoll, FakeSocket& socket, void* data) {
  socket.watch = data;
  socket.pending = data != nullptr;  // who is added is told what it is
  if (epoll_ != epoll) {
    epoll_ = epoll;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    ::syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, beacon_, &event);
  }
}

// As tcp_poll() says it.
int FakeKernel::collect(epoll_event* events, int room) {
  int count = 0;
  for (FakeSocket* socket : sockets_) {
    if (!socket->pending || socket->watch == nullptr || count == room) {
      continue;
    }
    std::uint32_t what = 0;
    const auto say = [&](bool is_so, std::uint32_t bits) { what |= is_so ? bits : 0U; };
    say(socket->writable(), EPOLLOUT);
    say(!socket->in.empty(), EPOLLIN);
    say(socket->fin || socket->reset, EPOLLIN | EPOLLRDHUP);
    say(socket->reset || (socket->fin && socket->shut), EPOLLHUP);
    say(socket->reset && !socket->reset_told, EPOLLERR);
    socket->wants_room = socket->wants_room || !socket->writable();
    socket->pending = false;
    if (what != 0) {
      events[count].events = what;
      events[count++].data.ptr = socket->watch;
    }
  }
  return count;
}

namespace {

FakeSocket* fakeOf(int fd) {
  return the_kernel != nullptr ? the_kernel->find(fd) : nullptr;
}

ssize_t failWith(int error) {
  errno = error;
  return -1;
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
    return failWith(ECONNRESET);
  }
  return socket.fin || socket.reset ? 0 : failWith(EAGAIN);
}

ssize_t fakeSend(FakeSocket& socket, const void* data, std::size_t size) {
  if (socket.reset || socket.shut) {
    const bool first = socket.reset && !socket.reset_told && !socket.fin;
    socket.reset_told = true;
    return failWith(first ? ECONNRESET : EPIPE);
  }
  const std::size_t count = std::min(size, socket.room);
  socket.send_blocked = count < size;
  socket.wants_room = socket.wants_room || socket.send_blocked;
  if (count == 0 && size != 0) {
    return failWith(EAGAIN);
  }
  socket.room -= socket.room == SIZE_MAX ? 0 : count;
  socket.out.append(static_cast<const char*>(data), count);
  socket.written += count;
  return static_cast<ssize_t>(count);
}

// A real pipe at the other end.
ssize_t fakeSplice(FakeSocket* from, int in, FakeSocket* to, int out, std::size_t size) {
  char buffer[65536];
  size = std::min(size, sizeof buffer);
  if (from != nullptr) {
    const ssize_t got = fakeRecv(*from, buffer, size, MSG_PEEK);
    if (got <= 0) {
      return got;
    }
    const ssize_t put = ::write(out, buffer, static_cast<std::size_t>(got));
    from->in.erase(0, static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
    return put;
  }
  if (to->reset || to->shut || to->room == 0) {
    return fakeSend(*to, "", 1);  // says why not
  }
  const ssize_t got = ::read(in, buffer, std::min(size, to->room));
  if (got <= 0) {
    return got;
  }
  const ssize_t sent = fakeSend(*to, buffer, static_cast<std::size_t>(got));
  if (static_cast<std::size_t>(got) < size) {
    to->send_blocked = to->wants_room = true;
  }
  return sent;
}

int fakeTcpInfo(const FakeSocket& socket, void* value, socklen_t* size) {
  tcp_info info{};
  const bool over = socket.reset || (socket.fin && socket.shut);  // TIME_WAIT is told as closed
  info.tcpi_state = static_cast<std::uint8_t>(over ? kClose : socket.fin ? kCloseWait : kEstablished);
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
  FakeSocket* fake = fakeOf(fd);
  return fake != nullptr ? gatewhy::test::fakeRecv(*fake, buffer, size, flags)
                         : ::syscall(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr);
}

// What recv() is with _FORTIFY_SOURCE.
ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t /*room*/, int flags) {
  return ::recv(fd, buffer, size, flags);
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  FakeSocket* fake = fakeOf(fd);
  return fake != nullptr ? gatewhy::test::fakeSend(*fake, data, size)
                         : ::syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  FakeSocket* fake = fakeOf(fd);
  if (fake == nullptr) {
    return ::syscall(SYS_sendmsg, fd, message, flags);
  }
  std::string all;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    all.append(static_cast<const char*>(message->msg_iov[i].iov_base), message->msg_iov[i].iov_len);
  }
  return gatewhy::test::fakeSend(*fake, all.data(), all.size());
}

ssize_t splice(int in, off64_t* in_at, int out, off64_t* out_at, size_t size, unsigned flags) {
  FakeSocket* from = fakeOf(in);
  FakeSocket* to = fakeOf(out);
  return from != nullptr || to != nullptr ? gatewhy::test::fakeSplice(from, in, to, out, size)
                                          : ::syscall(SYS_splice, in, in_at, out, out_at, size, flags);
}

int shutdown(int fd, int how) noexcept {
  FakeSocket* fake = fakeOf(fd);
  if (fake == nullptr) {
    return static_cast<int>(::syscall(SYS_shutdown, fd, how));
  }
  fake->shut = true;
  return 0;
}

int close(int fd) {
  if (FakeSocket* fake = fakeOf(fd)) {
    fake->closed = true;
    FakeKernel::current()->forget(*fake);
  }
  return static_cast<int>(::syscall(SYS_close, fd));
}

// No test of this program gets out onto a network.
int socket(int family, int type, int protocol) noexcept {
  FakeKernel* kernel = FakeKernel::current();
  if (kernel == nullptr || family == AF_UNIX) {
    return static_cast<int>(::syscall(SYS_socket, family, type, protocol));
  }
  FakeSocket* next = kernel->takeNext();
  return next != nullptr ? kernel->open(*next) : static_cast<int>(gatewhy::test::failWith(ENETDOWN));
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return fakeOf(fd) != nullptr ? 0 : static_cast<int>(::syscall(SYS_connect, fd, address, size));
}

int getsockopt(int fd, int level, int option, void* value, socklen_t* size) noexcept {
  FakeSocket* fake = fakeOf(fd);
  if (fake != nullptr && level == IPPROTO_TCP && option == TCP_INFO) {
    return gatewhy::test::fakeTcpInfo(*fake, value, size);
  }
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, option, value, size));
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void* const value = va_arg(rest, void*);
  va_end(rest);
  const FakeSocket* fake = fakeOf(fd);
  if (fake != nullptr && request == SIOCOUTQ) {
    *static_cast<int*>(value) = fake->unacknowledged;
    return 0;
  }
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, value));
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  FakeSocket* fake = fakeOf(fd);
  if (fake == nullptr) {
    return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
  }
  FakeKernel::current()->watch(epoll, *fake, operation == EPOLL_CTL_DEL ? nullptr : event->data.ptr);
  return 0;
}

int epoll_wait(int epoll, epoll_event* events, int room, int timeout) {
  FakeKernel* kernel = FakeKernel::current();
  return kernel != nullptr && kernel->collects(epoll)
             ? kernel->collect(events, room)
             : static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, room, timeout, nullptr, 8));
}

// Stands still but for what a test lets pass.
int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (FakeKernel::current() != nullptr && clock == CLOCK_MONOTONIC) {
    *time = {.tv_sec = FakeKernel::current()->now().count(), .tv_nsec = 0};
    return 0;
  }
  return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
}
}
