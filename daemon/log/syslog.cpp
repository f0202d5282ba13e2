// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/syslog.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

constexpr int kDaemonFacility = 3;
constexpr int kSyslogInformational = 6;
constexpr int kSyslogConnect = 2000;  // milliseconds
constexpr const char* kLocalSyslog = "/dev/log";

struct SyslogFacts {
  int severity = kSyslogInformational;
  std::string timestamp;
  std::string event = "-";
};

int syslogSeverity(const std::string& word) {
  return word == "ERROR" ? 3 : word == "WARN" ? 4 : word == "DEBUG" ? 7 : kSyslogInformational;
}

SyslogFacts syslogFacts(std::string_view line) {
  SyslogFacts facts;
  const auto event = line.starts_with('{') ? nlohmann::json::parse(line, nullptr, false) : nlohmann::json();
  if (event.is_object()) {
    facts.severity = syslogSeverity(event.value("severity", ""));
    facts.timestamp = event.value("timestamp", "");
    facts.event = event.value("event", "-");
  }
  return facts;
}

// PRINTUSASCII without spaces, at most `most` (RFC 5424 section 6).
std::string syslogWord(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most)) {
    out += c > ' ' && c < 0x7F ? c : '_';
  }
  return out.empty() ? "-" : out;
}

std::string syslogTime(std::chrono::system_clock::time_point now) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch()).count();
  constexpr std::int64_t kSecond = 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(micros / kSecond)),
                     micros % kSecond);
}

std::string localHost() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "-";
}

// Syslog of this machine, as glibc writes to it.
std::string localMessage(std::string_view line, int pid) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("<{}>{:%b %e %H:%M:%S} gatewhy[{}]: {}", kDaemonFacility * 8 + syslogFacts(line).severity,
                     fmt::localtime(now), pid, line);
}

class Syslog final : public LogDestination {
 public:
  explicit Syslog(LogPlace place) : place_(std::move(place)), sender_{localHost(), ::getpid()} {}

  WriteResult write(std::string_view lines) override {
    if (!socket_.valid()) {
      if (WriteResult failed = connect(); failed.status == WriteStatus::Failed) {
        return failed;
      }
    }
    return place_.kind == LogKind::SyslogTcp ? writeStream(lines) : writeDatagram(lines);
  }
  void awaitRoom(int timeout_ms) override {
    pollfd item{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    ::poll(&item, 1, timeout_ms);
  }
  [[nodiscard]] std::string name() const override { return place_.name; }

 private:
  WriteResult connect() { return place_.kind == LogKind::Syslog ? connectHere() : connectThere(); }

  WriteResult connectHere() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(kLocalSyslog, std::strlen(kLocalSyslog), static_cast<char*>(address.sun_path));
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_.valid() ||
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return failed(errno, fmt::format("no syslog at {}", kLocalSyslog));
    }
    return {};
  }

  // The name is looked up each time: the receiver may have moved.
  WriteResult connectThere() {
    const int type = place_.kind == LogKind::SyslogTcp ? SOCK_STREAM : SOCK_DGRAM;
    addrinfo hints{};
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(place_.host.c_str(), std::to_string(place_.port).c_str(), &hints, &found)) {
      return failed(0, fmt::format("'{}' cannot be looked up: {}", place_.host, ::gai_strerror(error)));
    }
    int error = ECONNREFUSED;
    for (const addrinfo* each = found; each != nullptr && !socket_.valid(); each = each->ai_next) {
      Fd tried(::socket(each->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      error = tried.valid() ? connectTo(tried.get(), *each) : errno;
      if (error == 0) {
        socket_ = std::move(tried);
      }
    }
    ::freeaddrinfo(found);
    unsent_.clear();
    return socket_.valid() ? WriteResult{} : failed(error, "connect");
  }

  static int connectTo(int fd, const addrinfo& to) {
    if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0) {
      return 0;
    }
    if (errno != EINPROGRESS) {
      return errno;
    }
    pollfd item{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&item, 1, kSyslogConnect) != 1) {
      return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  WriteResult writeDatagram(std::string_view lines) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    const std::string message = place_.kind == LogKind::Syslog
                                    ? localMessage(line, sender_.pid)
                                    : syslogMessage(line, sender_, std::chrono::system_clock::now());
    WriteResult taken{.status = WriteStatus::Ok, .size = std::min(line.size() + 1, lines.size())};
    ssize_t sent = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == ECONNREFUSED && place_.kind == LogKind::SyslogUdp) {
      ++taken.refused;  // the one before: the receiver's host has said so by now
      sent = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    }
    if (sent < 0 && errno == EMSGSIZE) {
      ++taken.refused;  // it never fits
      sent = 0;
    }
    if (sent >= 0) {
      return taken;
    }
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
      return {.status = WriteStatus::WouldBlock};
    }
    return failed(errno, "send");
  }

  // Lines count as taken once the last octet of their batch is with the kernel.
  WriteResult writeStream(std::string_view lines) {
    if (peerLeft()) {
      return failed(ECONNRESET, "closed by the receiver");
    }
    if (unsent_.empty()) {
      constexpr std::size_t kBatch = 64UL * 1024;
      taken_ = 0;
      while (taken_ < lines.size() && unsent_.size() < kBatch) {
        const std::string_view rest = lines.substr(taken_);
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::string message = syslogMessage(line, sender_, std::chrono::system_clock::now());
        unsent_ += fmt::format("{} {}", message.size(), message);
        taken_ += std::min(line.size() + 1, rest.size());
      }
    }
    const ssize_t sent = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN || errno == EINTR ? WriteResult{.status = WriteStatus::WouldBlock} : failed(errno, "send");
    }
    unsent_.erase(0, static_cast<std::size_t>(sent));
    return unsent_.empty() ? WriteResult{.status = WriteStatus::Ok, .size = taken_}
                           : WriteResult{.status = WriteStatus::WouldBlock};
  }

  // Syslog receivers say nothing: whatever can be read is the end.
  bool peerLeft() {
    char octet = 0;
    const ssize_t got = ::recv(socket_.get(), &octet, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
  }

  WriteResult failed(int error, std::string what) {
    socket_.reset();
    unsent_.clear();
    return {.status = WriteStatus::Failed, .error = error, .reason = std::move(what)};
  }

  const LogPlace place_;
  const SyslogSender sender_;
  Fd socket_;
  std::string unsent_;     // of the batch that is under way
  std::size_t taken_ = 0;  // octets of lines in it
};

}  // namespace

std::string syslogMessage(std::string_view line, const SyslogSender& sender,
                          std::chrono::system_clock::time_point now) {
  constexpr std::size_t kLongestHost = 255;
  constexpr std::size_t kLongestId = 32;
  const SyslogFacts facts = syslogFacts(line);
  return fmt::format("<{}>1 {} {} gatewhy {} {} - {}", kDaemonFacility * 8 + facts.severity,
                     facts.timestamp.empty() ? syslogTime(now) : facts.timestamp, syslogWord(sender.host, kLongestHost),
                     sender.pid, syslogWord(facts.event, kLongestId), line);
}

std::unique_ptr<LogDestination> makeSyslog(const LogPlace& place) {
  return std::make_unique<Syslog>(place);
}

}  // namespace gatewhy
