// SPDX-License-Identifier: Apache-2.0
// The origin that every proxy is measured in front of: one thread, epoll, the
// response built beforehand, so that it costs less than any proxy. Not a
// server: it trusts its requests (a head of at most 8 KiB, a body only with
// POST, a Content-Length and no TLS).
//
//   bench_origin ADDRESS:PORT [CERTIFICATE KEY]
//
// The last segment of the path chooses the body: 1k, 100k, 10m, or the latter
// two in chunks of 8 KiB, 100k-chunked, 10m-chunked; else 1k. A POST is answered
// when its last byte has come. "tunnel" switches to WebSocket for the sample key
// of RFC 6455; from there on each byte is sent back as it comes.
// Prints "ready PORT" and runs until SIGTERM.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/listen_on.h"

namespace {

constexpr std::size_t kMaxHead = 8192;
constexpr std::size_t kChunk = 8192;
constexpr std::size_t kBodyRead = 1024UL * 1024;

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;
  std::size_t have = 0;     // bytes of the request so far
  std::size_t body = 0;     // bytes of it that are still to come behind the head
  bool echoes = false;      // a tunnel
  std::string_view unsent;  // of the response
  bool drained = false;     // nothing to read before the next event
  std::uint32_t armed = EPOLLIN;
  std::array<char, kMaxHead> head;
};

const std::string kFields =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Server: bench\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Cache-Control: no-cache\r\n"
    "ETag: \"0123456789\"\r\n";

std::string response(std::size_t size) {
  std::string out = kFields + "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  return out.append(size, 'x');
}

std::string chunkedResponse(std::size_t size) {
  std::string out = kFields + "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t left = size; left != 0;) {
    const std::size_t now = std::min(left, kChunk);
    std::array<char, 20> line{};
    std::snprintf(line.data(), line.size(), "%zx\r\n", now);
    out.append(line.data()).append(now, 'x').append("\r\n");
    left -= now;
  }
  return out + "0\r\n\r\n";
}

std::string_view pathOf(std::string_view head) {
  const std::size_t begin = head.find(' ') + 1;
  return head.substr(begin, head.find(' ', begin) - begin);
}

// Of the body behind `head`; 0 where it says nothing of it.
std::size_t contentLength(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(),
                                 [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
  return found == head.end() ? 0 : std::strtoull(&*found + kName.size(), nullptr, 10);
}

std::string_view responseFor(std::string_view head) {
  static const std::string small = response(1024);
  static const std::string medium = response(100 * 1024);
  static const std::string large = response(10 * 1024 * 1024);
  static const std::string medium_chunked = chunkedResponse(100 * 1024);
  static const std::string large_chunked = chunkedResponse(10 * 1024 * 1024);
  if (head.starts_with("POST ")) {
    return small;
  }
  const std::string_view path = pathOf(head);
  if (path.ends_with("-chunked")) {
    return path.ends_with("/10m-chunked") ? large_chunked : medium_chunked;
  }
  if (path.ends_with("/10m")) {
    return large;
  }
  return path.ends_with("/100k") ? std::string_view(medium) : std::string_view(small);
}

// RFC 6455 section 1.3 has this answer to the sample key.
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

enum class Io { Moved, WantRead, WantWrite, Ended };

Io sslResult(SSL* ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::WantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::WantWrite;
    default:
      return Io::Ended;
  }
}

Io readSome(Connection& c) {
  const std::size_t room = c.head.size() - c.have;
  ssize_t got = 0;
  if (c.ssl != nullptr) {
    ERR_clear_error();
    got = SSL_read(c.ssl, c.head.data() + c.have, static_cast<int>(room));
    if (got <= 0) {
      return sslResult(c.ssl, static_cast<int>(got));
    }
  } else {
    got = recv(c.fd, c.head.data() + c.have, room, 0);
    if (got <= 0) {
      return got < 0 && errno == EAGAIN ? Io::WantRead : Io::Ended;
    }
  }
  c.have += static_cast<std::size_t>(got);
  return Io::Moved;
}

// Drops what comes of a body without copying it.
Io dropSome(Connection& c) {
  const ssize_t got = recv(c.fd, nullptr, std::min(c.body, kBodyRead), MSG_TRUNC);
  if (got <= 0) {
    return got < 0 && errno == EAGAIN ? Io::WantRead : Io::Ended;
  }
  c.body -= static_cast<std::size_t>(got);
  return Io::Moved;
}

Io writeSome(Connection& c) {
  ssize_t sent = 0;
  if (c.ssl != nullptr) {
    ERR_clear_error();
    sent = SSL_write(c.ssl, c.unsent.data(), static_cast<int>(c.unsent.size()));
    if (sent <= 0) {
      return sslResult(c.ssl, static_cast<int>(sent));
    }
  } else {
    sent = send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN ? Io::WantWrite : Io::Ended;
    }
  }
  c.unsent.remove_prefix(static_cast<std::size_t>(sent));
  return Io::Moved;
}

// What came is a request, a piece of one, or a tunnel's.
void take(Connection& c) {
  const std::string_view bytes(c.head.data(), c.have);
  if (c.echoes) {
    c.unsent = bytes;  // written before the next read
    c.have = 0;
    return;
  }
  const bool upload = bytes.starts_with("POST ");
  const std::size_t end = upload ? bytes.find("\r\n\r\n") : bytes.ends_with("\r\n\r\n") ? bytes.size() - 4 : bytes.npos;
  if (end == bytes.npos) {
    return;
  }
  c.echoes = pathOf(bytes).ends_with("/tunnel");
  const std::string_view head = bytes.substr(0, end + 4);
  c.unsent = c.echoes ? kSwitch : responseFor(head);
  c.body = upload ? contentLength(head) - (bytes.size() - head.size()) : 0;
  c.have = 0;
}

// Goes on until the socket or the peer has nothing more to give.
Io serve(Connection& c) {
  for (;;) {
    while (c.body != 0) {
      if (const Io io = dropSome(c); io != Io::Moved) {
        return io;
      }
    }
    while (!c.unsent.empty()) {
      if (const Io io = writeSome(c); io != Io::Moved) {
        return io;
      }
    }
    if (c.drained) {
      c.drained = false;
      return Io::WantRead;
    }
    const std::size_t room = c.head.size() - c.have;
    if (room == 0) {
      return Io::Ended;
    }
    const std::size_t before = c.have;
    if (const Io io = readSome(c); io != Io::Moved) {
      return io;
    }
    // A short read has drained a plain socket: no second call to hear EAGAIN.
    c.drained = c.ssl == nullptr && c.have - before < room;
    take(c);
    c.drained = c.drained && c.body == 0;  // its end is not known by a short read of the head
  }
}

SSL_CTX* tlsContext(const char* certificate, const char* key) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");  // the same for whoever asks
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    std::exit(1);
  }
  return context;
}

class Origin {
 public:
  Origin(int listener, SSL_CTX* tls) : listener_(listener), tls_(tls), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        if (events[i].data.ptr == nullptr) {
          acceptAll();
        } else {
          onReady(*static_cast<Connection*>(events[i].data.ptr));
        }
      }
    }
  }

 private:
  void acceptAll() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      auto* c = new Connection;
      c->fd = fd;
      if (tls_ != nullptr) {
        c->ssl = SSL_new(tls_);
        SSL_set_fd(c->ssl, fd);
        SSL_set_accept_state(c->ssl);
      }
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = c;
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  void onReady(Connection& c) {
    const Io io = serve(c);
    if (io == Io::Ended) {
      SSL_free(c.ssl);
      close(c.fd);
      delete &c;
      return;
    }
    const std::uint32_t want = io == Io::WantWrite ? EPOLLOUT : EPOLLIN;
    if (want != c.armed) {
      epoll_event event{};
      event.events = c.armed = want;
      event.data.ptr = &c;
      epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
    }
  }

  int listener_;
  SSL_CTX* tls_;
  int epoll_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fputs("usage: bench_origin ADDRESS:PORT [CERTIFICATE KEY]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* tls = argc == 4 ? tlsContext(argv[2], argv[3]) : nullptr;
  Origin(listenOn(argv[1]), tls).run();
}
