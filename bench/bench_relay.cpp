// SPDX-License-Identifier: Apache-2.0
// The floor: one thread that copies bytes between each client and a connection
// of its own to the origin, and understands nothing. What it costs is the
// kernel's; what a proxy costs above it is the proxy's own.
//
//   bench_relay PORT ORIGIN_PORT      (both on 127.0.0.1)
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Pair;

struct Side {
  int fd = -1;
  Pair* pair = nullptr;
  Side* other = nullptr;
  std::string unsent;  // towards `other`, only while its socket is full
};

struct Pair {
  Side client, origin;
  bool ended = false;
};

sockaddr_in local(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Relay {
 public:
  Relay(sockaddr_in here, sockaddr_in origin) : origin_(origin) {
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 || listen(listener_, 4096) != 0) {
      std::perror("bench_relay: listen");
      std::exit(1);
    }
    watch(listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        auto* side = static_cast<Side*>(events[i].data.ptr);
        if (side == nullptr) {
          acceptAll();
        } else if (!side->pair->ended && !onReady(*side, events[i].events)) {
          end(*side->pair);
        }
      }
      for (const Pair* pair : ended_) {
        delete pair;
      }
      ended_.clear();
    }
  }

 private:
  void watch(int fd, std::uint32_t what, Side* side) const {
    epoll_event event{};
    event.events = what;
    event.data.ptr = side;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void acceptAll() {
    for (int fd = -1; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      auto* pair = new Pair;
      pair->client = {fd, pair, &pair->origin, {}};
      pair->origin = {socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), pair, &pair->client, {}};
      const int on = 1;
      setsockopt(pair->origin.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connect(pair->origin.fd, reinterpret_cast<const sockaddr*>(&origin_), sizeof origin_);
      watch(pair->client.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &pair->client);
      watch(pair->origin.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &pair->origin);
    }
  }

  bool onReady(Side& side, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !side.other->unsent.empty() && !copy(*side.other, side)) {
      return false;
    }
    return (events & ~std::uint32_t{EPOLLOUT}) == 0 || !side.unsent.empty() || copy(side, *side.other);
  }

  // What `from` has, to `to`; false at the end of either.
  bool copy(Side& from, Side& to) {
    static std::array<char, 65536> bytes;
    while (true) {
      if (!from.unsent.empty()) {
        const ssize_t sent = send(to.fd, from.unsent.data(), from.unsent.size(), MSG_NOSIGNAL);
        if (sent < 0) {
          return errno == EAGAIN || errno == ENOTCONN;
        }
        from.unsent.erase(0, static_cast<std::size_t>(sent));
        continue;
      }
      const ssize_t got = recv(from.fd, bytes.data(), bytes.size(), 0);
      if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == ENOTCONN);
      }
      ssize_t sent = send(to.fd, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
        return false;
      }
      sent = sent < 0 ? 0 : sent;
      from.unsent.assign(bytes.data() + sent, static_cast<std::size_t>(got - sent));
      if (static_cast<std::size_t>(got) < bytes.size() && from.unsent.empty()) {
        return true;  // a short read has drained the socket
      }
    }
  }

  void end(Pair& pair) {
    pair.ended = true;
    close(pair.client.fd);
    close(pair.origin.fd);
    ended_.push_back(&pair);
  }

  sockaddr_in origin_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::vector<const Pair*> ended_;  // an event of the same batch may still name them
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: bench_relay PORT ORIGIN_PORT\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Relay(local(argv[1]), local(argv[2])).run();
}
