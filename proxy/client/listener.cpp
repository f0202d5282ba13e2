// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "proxy/client/socket_file.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr int kAcceptBatch = 64;
constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kShortagePause{100};
constexpr auto kAlways = [] { return true; };

struct Opened {
  Fd fd;
  const char* call = nullptr;  // what failed
  int error = 0;
};

Opened openSocket(const Address& address, bool reuse_port, bool ipv4_too) {
  Opened made{.fd = Fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  const auto failed = [&](const char* call) {
    made.call = call;
    made.error = errno;
    return std::move(made);
  };
  if (!made.fd.valid()) {
    return failed("socket");
  }
  const int on = 1;
  if (address.family() != AF_UNIX) {
    ::setsockopt(made.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets inherit it: no call per connection.
    ::setsockopt(made.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (address.family() == AF_INET6) {
      const int v6_only = ipv4_too ? 0 : 1;
      ::setsockopt(made.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    }
    if (reuse_port && ::setsockopt(made.fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      return failed("SO_REUSEPORT");
    }
  }
  if (::bind(made.fd.get(), address.get(), address.size) != 0) {
    return failed("bind");
  }
  if (::listen(made.fd.get(), kBacklog) != 0) {
    return failed("listen");
  }
  return made;
}

}  // namespace

Address localAddress(int fd) {
  Address local;
  local.size = sizeof local.storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local.storage), &local.size);
  return local;
}

Result<ListenSockets, ListenFault> openListener(const std::string& address, std::size_t workers, bool ipv4_too) {
  ListenSockets sockets;
  sockets.address = address;
  const auto parsed = Address::parse(address);
  if (!parsed) {
    return Failure{ListenFault{.address = address, .call = "parse", .error = EINVAL}};
  }
  const bool shared = parsed->family() == AF_UNIX;
  if (shared) {
    if (const auto left_over = SocketFile::of(*parsed)) {
      left_over->removeIfDead();  // of a crash
    }
  }
  // The first one without SO_REUSEPORT: it finds an address that another
  // process already serves, which SO_REUSEPORT would silently share.
  const bool reuse_port = !shared && workers > 1;
  Address bind_to = *parsed;
  if (reuse_port && bind_to.port() != 0) {
    const Opened probe = openSocket(bind_to, false, ipv4_too);
    if (probe.call != nullptr) {
      return Failure{ListenFault{.address = address, .call = probe.call, .error = probe.error}};
    }
  }
  for (std::size_t i = 0; i < workers; ++i) {
    auto& mine = sockets.per_worker.emplace_back();
    if (shared && i > 0) {
      mine.emplace_back(::fcntl(sockets.per_worker.front().front().get(), F_DUPFD_CLOEXEC, 0));
      continue;
    }
    Opened opened = openSocket(bind_to, reuse_port, ipv4_too);
    if (opened.call != nullptr) {
      return Failure{ListenFault{.address = address, .call = opened.call, .error = opened.error}};
    }
    if (i == 0) {
      sockets.local = localAddress(opened.fd.get());
      sockets.bound = sockets.local.text();
      bind_to = shared ? bind_to : sockets.local;
    }
    mine.push_back(std::move(opened.fd));
  }
  return sockets;
}

Result<ListenSockets, ListenFault> adoptListener(const std::string& address, std::size_t workers,
                                                 std::vector<Fd> inherited) {
  ListenSockets sockets;
  sockets.address = address;
  sockets.local = localAddress(inherited.front().get());
  sockets.bound = sockets.local.text();
  sockets.per_worker.resize(workers);
  for (std::size_t i = inherited.size(); i < workers; ++i) {
    sockets.per_worker[i].emplace_back(::fcntl(inherited[i % inherited.size()].get(), F_DUPFD_CLOEXEC, 0));
    if (!sockets.per_worker[i].back().valid()) {
      return Failure{ListenFault{.address = address, .call = "fcntl", .error = errno}};
    }
  }
  for (std::size_t i = 0; i < inherited.size(); ++i) {
    sockets.per_worker[i % workers].push_back(std::move(inherited[i]));
  }
  return sockets;
}

bool takesIpv4(int listening) noexcept {
  int only = 1;
  socklen_t size = sizeof only;
  return localAddress(listening).family() == AF_INET6 &&
         ::getsockopt(listening, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 && only == 0;
}

Listener::Listener(EventLoop& loop, Fd fd, MayAccept may_accept, OnAccept on_accept, OnShortage on_shortage)
    : loop_(loop),
      fd_(std::move(fd)),
      may_accept_(std::move(may_accept)),
      on_accept_(std::move(on_accept)),
      on_shortage_(std::move(on_shortage)),
      pause_(loop, [this] { acceptBatch(); }),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Listener::~Listener() {
  watch_.stop();
}

bool Listener::start() {
  boundUnsentBytes(fd_.get());
  return watch_.start(loop_, fd_.get(), this);
}

void Listener::stop() {
  if (fd_.valid()) {
    accept(kBacklog, kAlways);
    pause_.cancel();
    watch_.stop();
    fd_.reset();
  }
}

void Listener::onIo(bool /*readable*/, bool /*writable*/) {
  acceptBatch();
}

void Listener::acceptBatch() {
  if (!accept(kAcceptBatch, may_accept_)) {
    watch_.kick();  // more may wait: the others get their turn first
  }
}

// accept4() wants a descriptor before it looks into the queue.
bool Listener::somebodyWaits() const {
  pollfd queue{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&queue, 1, 0) != 0;
}

bool Listener::accept(int limit, const MayAccept& may_accept) {
  for (int i = 0; i < limit; ++i) {
    if (!may_accept()) {
      pause_.arm(kShortagePause);
      return true;
    }
    Address peer;
    peer.size = sizeof peer.storage;
    Fd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      on_accept_(std::move(fd), peer.unmapped());
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) {
      return true;
    }
    if (error == EINTR || error == ECONNABORTED || error == EPROTO) {
      continue;
    }
    const bool descriptors = error == EMFILE || error == ENFILE;
    const bool waited_for = !descriptors || somebodyWaits();
    const Shortage next = on_shortage_(error, waited_for);
    if (!waited_for) {
      return true;
    }
    if (next == Shortage::Retry) {
      continue;
    }
    if (next == Shortage::Refuse && descriptors && reserve_.valid()) {
      reserve_.reset();
      Fd refused(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      refused.reset();
      reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    pause_.arm(kShortagePause);
    return true;
  }
  return false;
}

}  // namespace gatewhy
