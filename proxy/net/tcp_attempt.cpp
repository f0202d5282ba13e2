// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tcp_attempt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "proxy/net/icmp_error.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

void setOption(int fd, int level, int option, int value) noexcept {
  setsockopt(fd, level, option, &value, sizeof value);
}

int pendingError(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool hasPeer(int fd) noexcept {
  Address peer;
  peer.size = sizeof peer.storage;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size) == 0 || errno != ENOTCONN;
}

}  // namespace

TcpAttempt::TcpAttempt(EventLoop& loop, const Address& address, std::chrono::milliseconds limit, Observer& observer)
    : loop_(loop), address_(address), limit_(limit), observer_(observer), timer_(loop, [this] { onTimer(); }) {}

void TcpAttempt::start() {
  started_ = EventLoop::now();
  Fd fd(::socket(address_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    fail(ConnectCall::Socket, errno);
    return;
  }
  const int number = fd.get();
  link_ = std::make_unique<Link>();
  link_->transport = Transport(std::move(fd));
  if (address_.family() != AF_UNIX) {
    keepIcmpErrors(number, address_.family());
  }
  // EINTR leaves the attempt running like EINPROGRESS.
  const bool at_once = ::connect(number, address_.get(), address_.size) == 0;
  if (!at_once && errno != EINPROGRESS && errno != EINTR) {
    fail(ConnectCall::Connect, errno);
    return;
  }
  if (!at_once) {
    // A peer on this host has refused by now: no need to wait for its event.
    if (const int error = pendingError(number); error != 0) {
      failBy(error);
      return;
    }
  }
  // Only now: epoll reports a socket that never connected as hung up.
  if (!link_->watch.start(loop_, number, this)) {
    fail(ConnectCall::Socket, errno);
    return;
  }
  if (at_once) {
    succeed(false);
    return;
  }
  timer_.arm(limit_);
}

void TcpAttempt::abandon() noexcept {
  if (settled_) {
    return;
  }
  settled_ = true;
  timer_.cancel();
  link_.reset();
}

void TcpAttempt::onIo(bool readable, bool /*writable*/) {
  if (settled_) {
    return;
  }
  const int fd = link_->transport.fd();
  const int error = pendingError(fd);
  const bool told = link_->watch.failed();  // else there is nothing to take, and it is connected
  if (told && !icmp_) {
    icmp_ = takeIcmpError(fd, address_);
  }
  if (error != 0) {
    failBy(error);
  } else if (told && !hasPeer(fd)) {
    return;  // an ICMP message that the kernel does not take for final
  } else if (isSelfConnected()) {
    fail(ConnectCall::SelfConnect, 0);
  } else {
    succeed(readable);
  }
}

void TcpAttempt::onTimer() {
  if (!icmp_) {
    icmp_ = takeIcmpError(link_->transport.fd(), address_);
  }
  fail(ConnectCall::Timer, 0);
}

// Two SYNs that cross make a connection (RFC 9293 section 3.5): with the
// destination port in the ephemeral range, a socket can meet itself.
bool TcpAttempt::isSelfConnected() const {
  if (address_.family() == AF_UNIX || address_.port() < kFirstUnprivilegedPort) {
    return false;
  }
  Address local;
  local.size = sizeof local.storage;
  return getsockname(link_->transport.fd(), reinterpret_cast<sockaddr*>(&local.storage), &local.size) == 0 &&
         local.port() == address_.port() && local.bytes() == address_.bytes();
}

void TcpAttempt::succeed(bool readable) {
  settled_ = true;
  readable_ = readable;
  timer_.cancel();
  if (address_.family() != AF_UNIX) {
    // Not before: attempts that fail come in floods, and are spared the call.
    setOption(link_->transport.fd(), IPPROTO_TCP, TCP_NODELAY, 1);
  }
  link_->watch.setHandler(nullptr);
  observer_.onAttemptConnected(*this);
}

// What the network or the peer said.
void TcpAttempt::failBy(int error) {
  if (!icmp_) {
    icmp_ = takeIcmpError(link_->transport.fd(), address_);
  }
  if (error == ECONNRESET) {
    // A RST in answer to the SYN is ECONNREFUSED, so this peer accepted first.
    failWith(Phase::RequestWrite, EndFault{.how = EndFault::How::Reset, .error = error});
  } else {
    fail(ConnectCall::SoError, error);
  }
}

void TcpAttempt::fail(ConnectCall call, int error) {
  ConnectFault fault;
  fault.call = call;
  fault.error = error;
  fault.icmp = icmp_;
  fault.unix_socket = address_.family() == AF_UNIX;
  fault.limit_ms = call == ConnectCall::Timer ? static_cast<std::uint32_t>(limit_.count()) : 0;
  fault.elapsed_ms = elapsedMs();
  failWith(Phase::Connect, std::move(fault));
}

void TcpAttempt::failWith(Phase phase, Fault fault) {
  settled_ = true;
  timer_.cancel();
  observation_.phase = phase;
  observation_.fault = std::move(fault);
  observation_.elapsed_ms = elapsedMs();
  if (link_ != nullptr) {
    observation_.tcp = link_->transport.tcpInfo();
    // The link itself stays: its watch may be what called us.
    link_->watch.stop();
    link_->transport.close();
  }
  observer_.onAttemptFailed(*this);
}

}  // namespace gatewhy
