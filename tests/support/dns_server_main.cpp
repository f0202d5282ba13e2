// SPDX-License-Identifier: Apache-2.0
// gatewhy_test_dns RULES.yaml: a DNS server on loopback, UDP and TCP on one
// ephemeral port, which it prints. Rules are a YAML list of maps with the keys
// name, type, action, values, ttl, ede, ede_text; a file that takes the place
// of it counts from the next query on. Ends with its standard
// output's reader or by a signal.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "proxy/loop/fd.h"
#include "proxy/net/file_stamp.h"
#include "tests/support/dns_script.h"

namespace {

using gatewhy::DnsCarrier;
using gatewhy::DnsRule;
using gatewhy::Fd;

std::vector<DnsRule> readRules(const char* file) {
  std::vector<DnsRule> rules;
  for (const YAML::Node& node : YAML::LoadFile(file)) {
    DnsRule rule;
    rule.name = node["name"].as<std::string>("*");
    rule.type = node["type"].as<std::string>("*");
    rule.action = node["action"].as<std::string>("addresses");
    rule.values = node["values"].as<std::vector<std::string>>(std::vector<std::string>());
    rule.ttl = node["ttl"].as<std::uint32_t>(rule.ttl);
    rule.ede = node["ede"].as<int>(rule.ede);
    rule.ede_text = node["ede_text"].as<std::string>("");
    rules.push_back(std::move(rule));
  }
  return rules;
}

struct Sockets {
  Fd udp, tcp;
  int port = 0;
};

// UDP picks the port; TCP may find it taken, then another is tried.
Sockets openSockets() {
  for (int tries = 0; tries < 64; ++tries) {
    Sockets sockets{Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                    Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(sockets.udp.get(), raw, size) == 0 && ::getsockname(sockets.udp.get(), raw, &size) == 0 &&
        ::bind(sockets.tcp.get(), raw, size) == 0 && ::listen(sockets.tcp.get(), 16) == 0) {
      sockets.port = ntohs(address.sin_port);
      return sockets;
    }
  }
  return {};
}

void answerUdp(int udp, const std::vector<DnsRule>& rules) {
  std::array<char, 4096> query;
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  auto* const raw = reinterpret_cast<sockaddr*>(&peer);
  const ssize_t got = ::recvfrom(udp, query.data(), query.size(), 0, raw, &size);
  if (got <= 0) {
    return;
  }
  if (const auto answer = gatewhy::answerDns({query.data(), static_cast<std::size_t>(got)}, rules, DnsCarrier::Udp)) {
    ::sendto(udp, answer->data(), answer->size(), 0, raw, size);
  }
}

bool readAll(int fd, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(fd, into, size, 0);
    if (got <= 0) {
      return false;
    }
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

// One connection at a time: enough for a resolver that retries over TCP.
void answerTcp(int listener, const std::vector<DnsRule>& rules) {
  const Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  std::array<unsigned char, 2> length{};
  while (readAll(peer.get(), reinterpret_cast<char*>(length.data()), length.size())) {
    std::string query(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
    if (!readAll(peer.get(), query.data(), query.size())) {
      return;
    }
    if (const auto answer = gatewhy::answerDns(query, rules, DnsCarrier::Tcp)) {
      const std::string framed =
          std::string{static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size() & 255)} + *answer;
      ::send(peer.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gatewhy_test_dns RULES.yaml\n");
    return 2;
  }
  gatewhy::FileStamp stamp(argv[1]);
  std::vector<DnsRule> rules;
  const auto refresh = [&] {
    if (stamp.changed()) {
      rules = readRules(argv[1]);
    }
  };
  refresh();
  const Sockets sockets = openSockets();
  if (sockets.port == 0) {
    std::perror("gatewhy_test_dns");
    return 1;
  }
  std::printf("%d\n", sockets.port);
  std::fflush(stdout);
  std::array<pollfd, 3> fds{{{sockets.udp.get(), POLLIN, 0}, {sockets.tcp.get(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  while (::poll(fds.data(), fds.size(), -1) >= 0 && fds[2].revents == 0) {
    refresh();
    if (fds[0].revents != 0) {
      answerUdp(sockets.udp.get(), rules);
    }
    if (fds[1].revents != 0) {
      answerTcp(sockets.tcp.get(), rules);
    }
  }
  return 0;
}
