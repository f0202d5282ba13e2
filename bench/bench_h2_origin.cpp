// SPDX-License-Identifier: Apache-2.0
// bench_origin for HTTP/2 by prior knowledge: one thread, epoll, answers built
// beforehand, so that it costs less than any proxy. Not a server: it trusts its
// requests and does not read their fields.
//
//   bench_h2_origin ADDRESS:PORT
//
// A request without a body gets 1 KiB; one with a body is a unary call of gRPC
// and gets a message of 1 KiB with status 0, when its END_STREAM has come. A
// connection has requests of one sort. Fields are indexed (RFC 7541) as servers
// do: the first answer of a connection puts them into the table, the others
// refer to them; unless the peer allows no table, as nginx does.
// Prints "ready PORT" and runs until SIGTERM.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/listen_on.h"

namespace {

constexpr std::size_t kRead = 256UL * 1024;
constexpr std::size_t kMessage = 1024;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kHead = 9;            // RFC 9113 section 4.1
constexpr std::int64_t kWindow = 65535;     // until the peer opens it
constexpr std::uint32_t kGrant = 1U << 30;  // of the connection's window, for calls
enum FrameType : std::uint8_t { kData = 0, kHeaders = 1, kSettings = 4, kPing = 6, kWindowUpdate = 8 };
constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

std::uint32_t numberAt(std::string_view bytes, std::size_t at, std::size_t octets = 4) {
  std::uint32_t value = 0;
  for (const char octet : bytes.substr(at, octets)) {
    value = value << 8 | static_cast<std::uint8_t>(octet);
  }
  return value;
}

std::string number(std::uint32_t value, int octets = 4) {
  std::string out;
  for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
  return out;
}

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out = number(static_cast<std::uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return (out += number(stream)).append(payload);
}

// A field by the static table's number of its name, or by its name.
struct Field {
  int name_index;
  std::string_view name, value;

  // Section 6.2: one that goes into the table, or none.
  [[nodiscard]] std::string literal(bool indexed) const {
    constexpr int kPrefix = 15;  // in four bits, of what is not indexed
    std::string out(1, static_cast<char>(indexed ? 0x40 | name_index : std::min(name_index, kPrefix)));
    if (!indexed && name_index >= kPrefix) {
      out += static_cast<char>(name_index - kPrefix);
    }
    if (name_index == 0) {
      (out += static_cast<char>(name.size())).append(name);
    }
    return (out += static_cast<char>(value.size())).append(value);
  }
};

// An answer whose streams' numbers are to be filled in.
struct Answer {
  std::string frames;
  std::vector<std::size_t> streams;  // where they stand
  std::int64_t data = 0;             // octets that count for windows
};

constexpr Field kType{31, {}, "application/octet-stream"};
constexpr Field kCallType{31, {}, "application/grpc"};
constexpr std::array kMoreFields{Field{33, {}, "Mon, 06 Jan 2025 10:00:00 GMT"}, Field{54, {}, "bench"}};
constexpr std::array kPlainFields{Field{24, {}, "no-cache"}, Field{34, {}, "\"0123456789\""}, Field{28, {}, "1024"}};
constexpr Field kStatus{0, "grpc-status", "0"};

enum class Table { Fills, Refers, Absent };

Answer answer(bool call, Table table) {
  std::vector<Field> fields{call ? kCallType : kType};
  fields.insert(fields.end(), kMoreFields.begin(), kMoreFields.end());
  if (!call) {
    fields.insert(fields.end(), kPlainFields.begin(), kPlainFields.end());
  }
  const std::size_t in_head = fields.size();
  if (call) {
    fields.push_back(kStatus);
  }
  constexpr std::size_t kFirstDynamic = 62;  // the entry that came last
  const auto block = [&](std::size_t from, std::size_t to) {
    std::string out;
    for (std::size_t i = from; i < to; ++i) {
      out += table != Table::Refers ? fields[i].literal(table == Table::Fills)
                                    : std::string(1, static_cast<char>(0x80 | (kFirstDynamic + fields.size() - 1 - i)));
    }
    return out;
  };
  Answer out;
  const auto add = [&](FrameType type, std::uint8_t flags, std::string_view payload) {
    out.streams.push_back(out.frames.size() + kHead - 4);
    out.frames += frame(type, flags, 0, payload);
  };
  add(kHeaders, kEndHeaders,
      (table == Table::Absent ? "\x20\x88" : "\x88") + block(0, in_head));  // a table of 0; :status 200
  std::string body = call ? std::string(1, '\0') + number(kMessage) : "";
  body.append(kMessage, 'x');
  out.data = static_cast<std::int64_t>(body.size());
  add(kData, call ? 0 : kEndStream, body);
  if (call) {
    add(kHeaders, kEndHeaders | kEndStream, block(in_head, fields.size()));
  }
  return out;
}

struct Connection {
  int fd = -1;
  bool began = false;  // the preface has come
  Table table = Table::Fills;
  std::string in, out;
  std::size_t sent = 0;                             // of `out`
  std::int64_t window = kWindow;                    // for our DATA
  std::deque<std::pair<std::uint32_t, bool>> open;  // (stream, call) that wait for the window
  std::int64_t taken = 0;                           // of the window that it was granted
  std::uint32_t armed = EPOLLIN;
};

void begin(Connection& c) {
  // MAX_CONCURRENT_STREAMS, and a window that calls do not fill.
  c.out += frame(kSettings, 0, 0, number(3, 2) + number(100)) + frame(kWindowUpdate, 0, 0, number(kGrant));
}

void answerAll(Connection& c) {
  static const std::array answers{
      std::array{answer(false, Table::Fills), answer(false, Table::Refers), answer(false, Table::Absent)},
      std::array{answer(true, Table::Fills), answer(true, Table::Refers), answer(true, Table::Absent)}};
  while (!c.open.empty()) {
    const auto [stream, call] = c.open.front();
    const Answer& with = answers[call ? 1 : 0][static_cast<std::size_t>(c.table)];
    if (c.window < with.data) {
      return;
    }
    c.open.pop_front();
    c.table = c.table == Table::Fills ? Table::Refers : c.table;
    c.window -= with.data;
    const std::size_t from = c.out.size();
    c.out += with.frames;
    for (const std::size_t at : with.streams) {
      c.out.replace(from + at, 4, number(stream));
    }
  }
}

// False where it cannot go on: windows that are smaller than an answer.
bool onFrame(Connection& c, std::string_view bytes) {
  const std::uint8_t flags = static_cast<std::uint8_t>(bytes[4]);
  const std::uint32_t stream = numberAt(bytes, 5);
  const std::string_view payload = bytes.substr(kHead);
  switch (static_cast<std::uint8_t>(bytes[3])) {
    case kHeaders:
    case kData: {
      const bool call = bytes[3] == kData;
      c.taken += call ? static_cast<std::int64_t>(payload.size()) : 0;
      if ((flags & kEndStream) != 0) {
        c.open.emplace_back(stream, call);
      }
      if (c.taken > static_cast<std::int64_t>(kGrant / 2)) {
        c.out += frame(kWindowUpdate, 0, 0, number(static_cast<std::uint32_t>(c.taken)));
        c.taken = 0;
      }
      return true;
    }
    case kSettings:
      if ((flags & kAck) == 0) {
        for (std::size_t at = 0; at + 6 <= payload.size(); at += 6) {
          const std::uint32_t id = numberAt(payload, at, 2);
          const std::uint32_t value = numberAt(payload, at + 2);
          if (id == 1 && value < 4096) {
            c.table = Table::Absent;  // it comes before the first request
          } else if (id == 4 && value < 2 * kMessage) {
            std::fprintf(stderr, "bench_h2_origin: SETTINGS %u is %u, too little for this program\n", id, value);
            return false;
          }
        }
        c.out += frame(kSettings, kAck, 0, {});
      }
      return true;
    case kPing:
      if ((flags & kAck) == 0) {
        c.out += frame(kPing, kAck, 0, payload);
      }
      return true;
    case kWindowUpdate:
      c.window += stream == 0 ? numberAt(payload, 0) : 0;
      return true;
    default:
      return true;
  }
}

bool takeFrames(Connection& c) {
  std::string_view left(c.in);
  if (!c.began) {
    if (left.size() < kPreface.size()) {
      return true;
    }
    left.remove_prefix(kPreface.size());
    c.began = true;
    begin(c);
  }
  while (left.size() >= kHead) {
    const std::size_t size = kHead + numberAt(left, 0, 3);
    if (left.size() < size) {
      break;
    }
    if (!onFrame(c, left.substr(0, size))) {
      return false;
    }
    left.remove_prefix(size);
  }
  c.in.erase(0, c.in.size() - left.size());
  answerAll(c);
  return true;
}

// False where the peer has gone.
bool flush(Connection& c) {
  while (c.sent < c.out.size()) {
    const ssize_t sent = send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN;
    }
    c.sent += static_cast<std::size_t>(sent);
  }
  c.out.clear();
  c.sent = 0;
  return true;
}

bool serve(Connection& c) {
  static std::array<char, kRead> buffer;
  const ssize_t got = recv(c.fd, buffer.data(), buffer.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    return false;
  }
  if (got > 0) {
    c.in.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return takeFrames(c) && flush(c);
}

[[noreturn]] void run(int listener) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [&](int operation, int fd, std::uint32_t events, Connection* connection) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = connection;
    epoll_ctl(epoll, operation, fd, &event);
  };
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, nullptr);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto* const c = static_cast<Connection*>(events[i].data.ptr);
      if (c == nullptr) {
        for (int fd = 0; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
          auto* const fresh = new Connection;
          fresh->fd = fd;
          watch(EPOLL_CTL_ADD, fd, EPOLLIN, fresh);
        }
      } else if (!serve(*c)) {
        close(c->fd);
        delete c;
      } else if (const std::uint32_t want = c->out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT; want != c->armed) {
        c->armed = want;
        watch(EPOLL_CTL_MOD, c->fd, want, c);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bench_h2_origin ADDRESS:PORT\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  run(listenOn(argv[1]));
}
