// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/silent_peers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/dns_script.h"

namespace gatewhy::test {

SilentDns::SilentDns() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

SilentDns::~SilentDns() {
  if (speaker_.joinable()) {
    ::shutdown(fd_.get(), SHUT_RDWR);
    speaker_.join();
  }
}

void SilentDns::awaitQuery() const {
  pollfd waiting{fd_.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())), 1) << "no query";
}

void SilentDns::speak() {
  speaker_ = std::thread([this] { answerAll(); });
}

void SilentDns::answerAll() const {
  const std::vector<DnsRule> rules = {{.name = "*", .type = "*", .action = "addresses", .values = {"127.0.0.1"}}};
  while (true) {
    std::array<char, 2048> query{};
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got = ::recvfrom(fd_.get(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got <= 0) {
      return;
    }
    if (const auto answer = answerDns({query.data(), static_cast<std::size_t>(got)}, rules)) {
      ::sendto(fd_.get(), answer->data(), answer->size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
    }
  }
}

bool awaitSyn(std::uint16_t port) {
  char remote[16];
  std::snprintf(remote, sizeof remote, ":%04X 02 ", port);  // remote address ends so, then the state
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    std::ostringstream table;
    table << std::ifstream("/proc/net/tcp").rdbuf();
    if (table.str().find(remote) != std::string::npos) {
      return true;
    }
    std::this_thread::yield();
  }
  return false;
}

}  // namespace gatewhy::test
