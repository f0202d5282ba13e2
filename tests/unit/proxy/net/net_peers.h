// SPDX-License-Identifier: Apache-2.0
// Peers on loopback that live on the test's own event loop: nothing waits for
// a clock, the loop turns until what was expected has happened.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"
#include "tests/support/dns_script.h"

namespace gatewhy {

inline void turnUntil(EventLoop& loop, const std::function<bool()>& done) {
  while (!done()) {
    loop.turn();
  }
}

inline Address localAddress(int fd) {
  Address out;
  out.size = sizeof out.storage;
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.size), 0);
  return out;
}

// A bound socket; streams listen. Port 0 chooses one.
inline Fd boundSocket(const char* ip, std::uint16_t port, int type, int backlog = 16) {
  const Address address = *Address::fromIp(ip, port);
  Fd fd(socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (bind(fd.get(), address.get(), address.size) != 0 || (type == SOCK_STREAM && listen(fd.get(), backlog) != 0)) {
    fd.reset();
  }
  return fd;
}

// Calls `on_readable` whenever the descriptor is readable.
class ReadEvent final : private IoHandler {
 public:
  ReadEvent(EventLoop& loop, int fd, std::function<void()> on_readable) : on_readable_(std::move(on_readable)) {
    EXPECT_TRUE(watch_.startLevel(loop, fd, this, true, false));
  }
  ReadEvent(const ReadEvent&) = delete;
  ReadEvent& operator=(const ReadEvent&) = delete;

 private:
  void onIo(bool /*readable*/, bool /*writable*/) override { on_readable_(); }

  std::function<void()> on_readable_;
  IoWatch watch_;
};

// A scripted DNS server, UDP and TCP on one port of 127.0.0.1.
class DnsPeer {
 public:
  DnsPeer(EventLoop& loop, std::vector<DnsRule> rules) : loop_(loop), rules_(std::move(rules)) {
    // The kernel chooses a port for UDP; TCP may have it taken.
    for (int tries = 0; tries < 20 && !tcp_.valid(); ++tries) {
      udp_ = boundSocket("127.0.0.1", 0, SOCK_DGRAM);
      tcp_ = boundSocket("127.0.0.1", localAddress(udp_.get()).port(), SOCK_STREAM);
    }
    on_udp_ = std::make_unique<ReadEvent>(loop_, udp_.get(), [this] { onDatagram(); });
    on_accept_ = std::make_unique<ReadEvent>(loop_, tcp_.get(), [this] { onAccept(); });
  }

  void setRules(std::vector<DnsRule> rules) { rules_ = std::move(rules); }
  [[nodiscard]] std::string server() const { return localAddress(udp_.get()).text(); }
  [[nodiscard]] const std::vector<DnsQuestion>& asked() const { return asked_; }
  [[nodiscard]] int askedOverTcp() const { return asked_over_tcp_; }
  [[nodiscard]] auto countOf(const std::string& type) const {
    return std::count_if(asked_.begin(), asked_.end(), [&](const DnsQuestion& q) { return q.type == type; });
  }

 private:
  void onDatagram() {
    std::array<char, 4096> buffer{};
    Address from;
    from.size = sizeof from.storage;
    const ssize_t size =
        recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from.storage), &from.size);
    ASSERT_GT(size, 0);
    const std::string_view query(buffer.data(), static_cast<std::size_t>(size));
    asked_.push_back(readDnsQuestion(query).value_or(DnsQuestion{}));
    if (const auto answer = answerDns(query, rules_)) {
      sendto(udp_.get(), answer->data(), answer->size(), 0, from.get(), from.size);
    }
  }

  void onAccept() {
    connections_.emplace_back(accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int fd = connections_.back().get();
    on_stream_.push_back(std::make_unique<ReadEvent>(loop_, fd, [this, fd, index = on_stream_.size()] {
      std::array<char, 4096> buffer{};
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
      if (size <= 2) {
        on_stream_[index].reset();
        return;
      }
      answerStream(fd, {buffer.data(), static_cast<std::size_t>(size)});
    }));
  }

  // One segment may carry several queries, each after its length.
  void answerStream(int fd, std::string_view bytes) {
    while (bytes.size() > 2) {
      const std::size_t size = static_cast<unsigned char>(bytes[0]) * 256U + static_cast<unsigned char>(bytes[1]);
      ++asked_over_tcp_;
      if (const auto answer = answerDns(bytes.substr(2, size), rules_, DnsCarrier::Tcp)) {
        std::string framed{static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size() & 0xff)};
        framed += *answer;
        send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
      }
      bytes.remove_prefix(std::min(bytes.size(), size + 2));
    }
  }

  EventLoop& loop_;
  std::vector<DnsRule> rules_;
  Fd udp_, tcp_;
  std::vector<Fd> connections_;
  std::unique_ptr<ReadEvent> on_udp_, on_accept_;
  std::vector<std::unique_ptr<ReadEvent>> on_stream_;
  std::vector<DnsQuestion> asked_;
  int asked_over_tcp_ = 0;
};

}  // namespace gatewhy
