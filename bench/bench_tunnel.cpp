// SPDX-License-Identifier: Apache-2.0
// WebSocket clients: each opens a tunnel, sends a message through it, waits
// until the same bytes are back, and sends the next. What is inside a tunnel
// is no proxy's business, so that the messages have no frames.
//
//   bench_tunnel ADDRESS:PORT CONNECTIONS SECONDS BYTES
//
// A message that came back counts as a request.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bench/result_line.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kUpgrade =
    "GET /tunnel HTTP/1.1\r\n"
    "Host: bench.test\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct Tunnel {
  int fd = -1;
  std::size_t sent = 0, got = 0;  // of the message
  Clock::time_point begun;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_tunnel: %s: %s\n", what, errno != 0 ? std::strerror(errno) : "not as expected");
  std::exit(1);
}

// Returns when the 101 is there; blocks.
int openTunnel(const sockaddr_in& peer) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
    fail("connect");
  }
  if (send(fd, kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kUpgrade.size())) {
    fail("send");
  }
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char byte = 0;
    errno = 0;
    if (recv(fd, &byte, 1, 0) != 1) {
      fail("the answer to the upgrade");
    }
    head += byte;
  }
  errno = 0;
  if (!head.starts_with("HTTP/1.1 101 ")) {
    fail("the status of the upgrade");
  }
  return fd;
}

class Clients {
 public:
  Clients(const sockaddr_in& peer, std::size_t count, std::size_t size) : message_(size, '#'), tunnels_(count) {
    for (Tunnel& tunnel : tunnels_) {
      tunnel.fd = openTunnel(peer);
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
      event.data.ptr = &tunnel;
      epoll_ctl(epoll_, EPOLL_CTL_ADD, tunnel.fd, &event);
    }
  }

  void run(Clock::duration length) {
    const Clock::time_point begin = Clock::now();
    for (Tunnel& tunnel : tunnels_) {
      tunnel.begun = begin;
    }
    std::array<epoll_event, 256> events;
    while (Clock::now() < begin + length) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10);
      for (int i = 0; i < ready; ++i) {
        advance(*static_cast<Tunnel*>(events[i].data.ptr));
      }
    }
    printResult(counts_, std::chrono::duration<double>(Clock::now() - begin).count());
    std::puts("");
  }

 private:
  // As far as the socket goes.
  void advance(Tunnel& tunnel) {
    while (tunnel.fd >= 0) {
      if (tunnel.sent < message_.size()) {
        const ssize_t sent =
            send(tunnel.fd, message_.data() + tunnel.sent, message_.size() - tunnel.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
          tunnel.sent += static_cast<std::size_t>(sent);
          continue;
        }
        if (errno != EAGAIN) {
          broke(tunnel);
          return;
        }
      }
      std::array<char, 65536> bytes;
      const std::size_t wanted = std::min(bytes.size(), tunnel.sent - tunnel.got);
      const ssize_t got = wanted == 0 ? -1 : recv(tunnel.fd, bytes.data(), wanted, MSG_DONTWAIT);
      if (got <= 0) {
        if (wanted != 0 && (got == 0 || errno != EAGAIN)) {
          broke(tunnel);
        }
        return;
      }
      take(tunnel, {bytes.data(), static_cast<std::size_t>(got)});
    }
  }

  void take(Tunnel& tunnel, std::string_view bytes) {
    counts_.bytes += bytes.size();
    counts_.status += bytes.find_first_not_of('#') == bytes.npos ? 0 : 1;
    tunnel.got += bytes.size();
    if (tunnel.got < message_.size()) {
      return;
    }
    const Clock::time_point now = Clock::now();
    ++counts_.answered;
    counts_.micros.push_back(std::chrono::duration<float, std::micro>(now - tunnel.begun).count());
    tunnel.begun = now;
    tunnel.sent = tunnel.got = 0;
  }

  void broke(Tunnel& tunnel) {
    ++counts_.broken;
    close(tunnel.fd);
    tunnel.fd = -1;
  }

  std::string message_;
  std::vector<Tunnel> tunnels_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  LoadCounts counts_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string where = argc == 5 ? argv[1] : "";
  const std::size_t colon = where.rfind(':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  if (colon == std::string::npos || inet_pton(AF_INET, where.substr(0, colon).c_str(), &peer.sin_addr) != 1) {
    std::fputs("usage: bench_tunnel ADDRESS:PORT CONNECTIONS SECONDS BYTES\n", stderr);
    return 2;
  }
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(argv[3])));
  Clients(peer, static_cast<std::size_t>(std::atoi(argv[2])), static_cast<std::size_t>(std::atoi(argv[4]))).run(length);
}
