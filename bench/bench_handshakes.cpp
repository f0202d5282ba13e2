// SPDX-License-Identifier: Apache-2.0
// A TLS client that makes nothing but new connections: connect, handshake, one
// request, read to the end, again. wrk cannot be told whether to resume.
//
//   bench_handshakes ADDRESS:PORT CONNECTIONS SECONDS full|resumed
//
// Prints one line as bench/harness/wrk_report.lua does, and "resumed=N".
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/result_line.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kRequest = "GET /1k HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n";

struct Counts : LoadCounts {
  std::uint64_t resumed = 0;
};

class Client {
 public:
  Client(sockaddr_in peer, bool resume) : peer_(peer), resume_(resume), tls_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_verify(tls_, SSL_VERIFY_NONE, nullptr);
    if (resume) {
      SSL_CTX_set_session_cache_mode(tls_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
      SSL_CTX_set_app_data(tls_, this);
      SSL_CTX_sess_set_new_cb(tls_, [](SSL* ssl, SSL_SESSION* session) {
        auto* self = static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        SSL_SESSION_free(self->session_);
        self->session_ = session;
        return 1;
      });
    }
  }

  void run(std::size_t connections, Clock::duration length) {
    std::vector<std::unique_ptr<Slot>> slots;
    const Clock::time_point begin = Clock::now();
    const Clock::time_point end = begin + length;
    for (std::size_t i = 0; i < connections; ++i) {
      slots.push_back(std::make_unique<Slot>());
      open(*slots.back());
    }
    std::array<epoll_event, 256> events;
    while (Clock::now() < end) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10);
      for (int i = 0; i < ready; ++i) {
        auto& slot = *static_cast<Slot*>(events[i].data.ptr);
        if (const Step step = advance(slot); step != Step::Wait) {
          finish(slot, step == Step::Answered);
          open(slot);
        }
      }
    }
    report(std::chrono::duration<double>(Clock::now() - begin).count());
  }

 private:
  struct Slot {
    int fd = -1;
    SSL* ssl = nullptr;
    bool sent = false;
    std::size_t got = 0;
    char first = 0;  // of the status code
    Clock::time_point begun;
  };
  enum class Step { Wait, Answered, Broken };

  void open(Slot& slot) {
    slot.sent = false;
    slot.got = 0;
    slot.begun = Clock::now();
    slot.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;  // or the request waits for the peer to acknowledge our Finished
    setsockopt(slot.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const bool failed = connect(slot.fd, reinterpret_cast<const sockaddr*>(&peer_), sizeof peer_) != 0;
    if (slot.fd < 0 || (failed && errno != EINPROGRESS)) {
      std::perror("bench_handshakes: connect");
      std::exit(1);
    }
    slot.ssl = SSL_new(tls_);
    SSL_set_fd(slot.ssl, slot.fd);
    SSL_set_connect_state(slot.ssl);
    if (session_ != nullptr) {
      SSL_set_session(slot.ssl, session_);
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &slot;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, slot.fd, &event);
  }

  Step advance(Slot& slot) {
    ERR_clear_error();
    if (!slot.sent) {
      const int wrote = SSL_write(slot.ssl, kRequest.data(), static_cast<int>(kRequest.size()));
      if (wrote <= 0) {
        const int error = SSL_get_error(slot.ssl, wrote);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Step::Wait : Step::Broken;
      }
      slot.sent = true;
      counts_.resumed += SSL_session_reused(slot.ssl) == 1 ? 1 : 0;
    }
    for (;;) {
      std::array<char, 16384> bytes;
      const int got = SSL_read(slot.ssl, bytes.data(), static_cast<int>(bytes.size()));
      if (got <= 0) {
        const int error = SSL_get_error(slot.ssl, got);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
          return Step::Wait;
        }
        return error == SSL_ERROR_ZERO_RETURN && slot.got > 1024 ? Step::Answered : Step::Broken;
      }
      constexpr std::size_t kStatusOffset = 9;  // after "HTTP/1.1 "
      if (slot.got <= kStatusOffset && slot.got + static_cast<std::size_t>(got) > kStatusOffset) {
        slot.first = bytes[kStatusOffset - slot.got];
      }
      slot.got += static_cast<std::size_t>(got);
      counts_.bytes += static_cast<std::size_t>(got);
    }
  }

  void finish(Slot& slot, bool answered) {
    if (answered) {
      ++counts_.answered;
      counts_.status += slot.first == '2' ? 0 : 1;
      counts_.micros.push_back(std::chrono::duration<float, std::micro>(Clock::now() - slot.begun).count());
      SSL_shutdown(slot.ssl);
    } else {
      ++counts_.broken;
    }
    SSL_free(slot.ssl);
    close(slot.fd);
  }

  void report(double seconds) {
    printResult(counts_, seconds);
    std::printf(" resumed=%llu\n", static_cast<unsigned long long>(counts_.resumed));
  }

  sockaddr_in peer_;
  bool resume_;
  SSL_CTX* tls_;
  SSL_SESSION* session_ = nullptr;  // the newest ticket
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Counts counts_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string where = argc == 5 ? argv[1] : "";
  const std::string how = argc == 5 ? argv[4] : "";
  const std::size_t colon = where.rfind(':');
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  if (colon == std::string::npos || inet_pton(AF_INET, where.substr(0, colon).c_str(), &peer.sin_addr) != 1 ||
      (how != "full" && how != "resumed")) {
    std::fputs("usage: bench_handshakes ADDRESS:PORT CONNECTIONS SECONDS full|resumed\n", stderr);
    return 2;
  }
  peer.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  std::signal(SIGPIPE, SIG_IGN);
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(argv[3])));
  Client(peer, how == "resumed").run(static_cast<std::size_t>(std::atoi(argv[2])), length);
}
