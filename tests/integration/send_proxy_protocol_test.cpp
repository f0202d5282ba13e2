// SPDX-License-Identifier: Apache-2.0
// send_proxy_protocol: what an origin is told of whose connection it has, and
// that it never gets another client's requests on it.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/pki.h"

namespace gatewhy::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "a.b.c.d:1 > e.f.g.h:2" of a version 2 header's body; by a reader of its own.
std::string shownV2(unsigned family, std::string_view body) {
  const int af = family == 0x11 ? AF_INET : AF_INET6;
  const std::size_t size = af == AF_INET ? 4 : 16;
  const auto address = [&](std::size_t index) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(af, body.data() + index * size, text, sizeof text);
    const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(body[2 * size + 2 * index + at]); };
    return fmt::format("{}:{}", text, octet(0) << 8U | octet(1));
  };
  return body.size() == 2 * size + 4 ? address(0) + " > " + address(1) : "length " + std::to_string(body.size());
}

// Takes the header off a connection and says what it is.
std::string takeHeader(Socket& connection) {
  std::string& bytes = connection.buffer();
  while (bytes.size() < 16 && connection.receive()) {
  }
  if (bytes.starts_with("PROXY ")) {
    connection.receiveUntil("\r\n");
    const std::string line = bytes.substr(0, bytes.find("\r\n"));
    bytes.erase(0, line.size() + 2);
    return line;
  }
  if (bytes.size() < 16 || !bytes.starts_with(std::string_view("\r\n\r\n\0\r\nQUIT\n", 12))) {
    return "no header";
  }
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const std::size_t size = static_cast<std::size_t>(octet(14)) << 8U | octet(15);
  while (bytes.size() < 16 + size && connection.receive()) {
  }
  std::string shown = octet(12) == 0x21 ? "v2 proxy" : octet(12) == 0x20 ? "v2 local" : "v2 ?";
  shown += octet(13) == 0 ? " unspecified" : " " + shownV2(octet(13), std::string_view(bytes).substr(16, size));
  bytes.erase(0, 16 + size);
  return shown;
}

// Answers each request with its connection's number and header.
class HeaderOrigin {
 public:
  HeaderOrigin() : server_([this](Socket& connection) { serve(connection); }) {}
  [[nodiscard]] std::string url() const { return server_.url(); }
  void stop() { server_.stop(); }
  // Of all connections, as they came.
  [[nodiscard]] std::vector<std::string> headers() const {
    const std::lock_guard lock(mutex_);
    return headers_;
  }
  // Waits for the end of that connection.
  [[nodiscard]] bool ended(std::size_t index) {
    std::unique_lock lock(mutex_);
    return over_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_.size() > index && ended_[index]; });
  }

 private:
  void serve(Socket& connection) {
    const std::string header = takeHeader(connection);
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = headers_.size();
      headers_.push_back(header);
      ended_.push_back(false);
    }
    while (const auto request = readRequest(connection)) {
      connection.send(okResponse(fmt::format("{} {}", number, header)));
    }
    const std::lock_guard lock(mutex_);
    ended_[number] = true;
    over_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable over_;
  std::vector<std::string> headers_;  // guarded by mutex_
  std::vector<bool> ended_;           // guarded by mutex_
  OriginServer server_;
};

std::string askOn(Socket& client) {
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = readResponse(client);
  return answer ? answer->body : "no answer";
}

template <typename Sockaddr>
Socket connectedTo(const Sockaddr& peer, int family) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer), 0);
  return Socket(std::move(fd));
}

std::uint16_t portOfListener(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

class SendProxyProtocol : public testing::TestWithParam<std::string> {
 protected:
  void start(const std::string& more = "", const std::string& listeners = "") {
    config_.origin_url = origin_.url();
    config_.origin_more = fmt::format("send_proxy_protocol: {}\n{}", GetParam(), more);
    config_.more_listeners = listeners;
    gateway_ = Gateway::start(config_);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  // What the header of that client says.
  [[nodiscard]] std::string headerOf(const std::string& family, const std::string& ip, std::uint16_t port,
                                     const std::string& listener) const {
    const std::uint16_t to = portOfListener(listener);
    return GetParam() == "v1" ? fmt::format("PROXY {} {} {} {} {}", family, ip, ip, port, to)
                              : fmt::format("v2 proxy {}:{} > {}:{}", ip, port, ip, to);
  }

  HeaderOrigin origin_;
  GatewayConfig config_;
  std::unique_ptr<Gateway> gateway_;
};

// Both take turns on connections that they keep.
TEST_P(SendProxyProtocol, EachClientHasConnectionsOfItsOwn) {
  start();
  Socket one = Socket::connectTo(gateway_->address());
  Socket other = Socket::connectTo(gateway_->address());
  const std::string first = "0 " + headerOf("TCP4", "127.0.0.1", one.localPort(), gateway_->address());
  const std::string second = "1 " + headerOf("TCP4", "127.0.0.1", other.localPort(), gateway_->address());
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(askOn(one), first);
    EXPECT_EQ(askOn(other), second);
  }
  EXPECT_EQ(origin_.headers().size(), 2U);
}

TEST_P(SendProxyProtocol, TheyAreClosedWithTheClient) {
  start();
  Socket one = Socket::connectTo(gateway_->address());
  Socket other = Socket::connectTo(gateway_->address());
  EXPECT_THAT(askOn(one), testing::StartsWith("0 "));
  EXPECT_THAT(askOn(other), testing::StartsWith("1 "));
  one.close();
  EXPECT_TRUE(origin_.ended(0));
  EXPECT_THAT(askOn(other), testing::StartsWith("1 "));
}

// The one place that there is goes from one client's parked connection to the
// other's.
TEST_P(SendProxyProtocol, AParkedConnectionGivesItsPlaceToAnotherClient) {
  start("limits: {connections: 1}\n");
  Socket one = Socket::connectTo(gateway_->address());
  Socket other = Socket::connectTo(gateway_->address());
  EXPECT_THAT(askOn(one), testing::StartsWith("0 "));
  EXPECT_THAT(askOn(other), testing::StartsWith("1 "));
  EXPECT_THAT(askOn(one), testing::StartsWith("2 "));
}

TEST_P(SendProxyProtocol, ClientsOfIpv6AndOfUnixSockets) {
  const PemDirectory directory;
  const std::string path = directory.path() + "/in.sock";
  start("", fmt::format(", {{address: \"[::1]:0\"}}, {{address: \"unix:{}\"}}", path));
  const std::string v6 = gateway_->daemon().listeners().at(1);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  six.sin6_port = htons(portOfListener(v6));
  Socket client = connectedTo(six, AF_INET6);
  EXPECT_EQ(askOn(client), "0 " + headerOf("TCP6", "::1", client.localPort(), v6));

  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  path.copy(local.sun_path, sizeof local.sun_path - 1);
  Socket by_path = connectedTo(local, AF_UNIX);
  const std::string unknown = GetParam() == "v1" ? "PROXY UNKNOWN" : "v2 proxy unspecified";
  EXPECT_EQ(askOn(by_path), "1 " + unknown);
  Socket another = connectedTo(local, AF_UNIX);
  EXPECT_EQ(askOn(another), "2 " + unknown);
  EXPECT_EQ(askOn(by_path), "1 " + unknown);
}

// Checks with and without a request; what they say is of nobody.
TEST_P(SendProxyProtocol, ChecksAreOurOwn) {
  start("health: {path: /healthz, interval: 1s}\n");
  const std::string own = GetParam() == "v1" ? "PROXY UNKNOWN" : "v2 local unspecified";
  EXPECT_TRUE(origin_.ended(0));
  EXPECT_EQ(origin_.headers().front(), own);
  Socket client = Socket::connectTo(gateway_->address());
  EXPECT_THAT(askOn(client), HasSubstr(headerOf("TCP4", "127.0.0.1", client.localPort(), gateway_->address())));
}

// It stands in front of TLS, and is what the next gateway takes it for.
TEST_P(SendProxyProtocol, ThroughTlsToAnotherGateway) {
  const PemDirectory pki;
  const Identity ca = selfSigned({.common_name = "CA", .authority = true});
  CertificateSpec leaf;
  leaf.dns_names = {"localhost"};
  const Identity site = signedBy(ca, leaf);
  OriginServer last([](Socket& connection) {
    while (const auto request = readRequest(connection)) {
      connection.send(okResponse("ok"));
    }
  });
  GatewayConfig inner;
  inner.origin_url = last.url();
  inner.listener_more =
      fmt::format(", proxy_protocol: true, tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}",
                  pki.certificates("site.pem", {&site}), pki.key("site.key", site));
  const auto next = Gateway::start(inner);
  ASSERT_NE(next, nullptr);
  config_.origin_url = "https://localhost:" + std::to_string(portOfListener(next->address()));
  config_.origin_more =
      fmt::format("send_proxy_protocol: {}\ntls: {{ca_file: \"{}\"}}\n", GetParam(), pki.certificates("ca.pem", {&ca}));
  gateway_ = Gateway::start(config_);
  ASSERT_NE(gateway_, nullptr);
  Socket client = Socket::connectTo(gateway_->address());
  EXPECT_EQ(askOn(client), "ok");
  const auto event = next->exchangeOf(client.localPort());
  EXPECT_TRUE(event) << "the next gateway did not hear of the client";
  client.close();
  next->expectCleanStop();
}

INSTANTIATE_TEST_SUITE_P(Versions, SendProxyProtocol, testing::Values("v1", "v2"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace gatewhy::test
