// SPDX-License-Identifier: Apache-2.0
// Where one gatewhy meets another, and where its listeners meet each other:
// names, addresses of both families, ports that are taken.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>

#include "tests/integration/gateway.h"
#include "tests/integration/recording_origin.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

WireMessage get(const std::string& address, const std::string& request = kGet) {
  Socket client = Socket::connectTo(address);
  EXPECT_TRUE(client.open()) << address;
  EXPECT_TRUE(client.send(request));
  return readResponse(client).value_or(WireMessage{});
}

// A port that is free for both families.
std::uint16_t freePort() {
  const Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;  // no IPv6 here
  }
  return ntohs(address.sin6_port);
}

// ---- names -----------------------------------------------------------------

TEST(Neighbours, TwoWithDefaultNamesInARowWork) {
  RecordingOrigin origin;
  const auto inner = Gateway::start({.origin_url = origin.url(), .diagnostics = "{}"});
  ASSERT_NE(inner, nullptr);
  const auto edge = Gateway::start({.origin_url = "http://" + inner->address(), .diagnostics = "{}"});
  ASSERT_NE(edge, nullptr);
  const WireMessage answer = get(edge->address());
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_THAT(answer.field("Via"), MatchesRegex("1\\.1 gatewhy-[0-9a-f]{8}, 1\\.1 gatewhy-[0-9a-f]{8}"));
  const auto event = edge->daemon().waitFor([](const json& e) { return e.value("event", "") == "exchange"; });
  ASSERT_TRUE(event);
  const std::string own = event->value("/service/instance/id"_json_pointer, "");
  EXPECT_THAT(answer.field("Via"), HasSubstr(own));
  for (const json& said : inner->daemon().events()) {
    EXPECT_THAT(said.value("/service/instance/id"_json_pointer, ""), MatchesRegex("gatewhy-[0-9a-f]{8}")) << said;
    EXPECT_NE(said.value("/service/instance/id"_json_pointer, ""), own);
  }
  edge->expectCleanStop();
  inner->expectCleanStop();
}

TEST(Neighbours, TheNameOutlivesARestart) {
  RecordingOrigin origin;
  std::string before;
  const PemDirectory directory;
  const std::string file = directory.write("gatewhy.yaml", toYaml({.origin_url = origin.url(), .diagnostics = "{}"}));
  for (int round = 0; round < 2; ++round) {
    auto daemon = DaemonProcess::start(file);
    ASSERT_TRUE(daemon) << daemon.error();
    const auto start = (*daemon)->waitFor([](const json& event) { return event.value("event", "") == "start"; });
    ASSERT_TRUE(start);
    const std::string name = start->value("/service/instance/id"_json_pointer, "");
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(round == 0 || name == before);
    before = name;
    expectCleanEnd(**daemon, (*daemon)->stop());
  }
}

TEST(Neighbours, AProbeThroughAGatewayIsNoLoop) {
  RecordingOrigin origin;
  const auto gateway = Gateway::start({.origin_url = origin.url(), .diagnostics = "{}"});
  ASSERT_NE(gateway, nullptr);
  const CommandResult result = runCommand({GATEWHY_BINARY, "probe", "http://" + gateway->address() + "/"}, {});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("200"));
  gateway->expectCleanStop();
  origin.stop();
  ASSERT_EQ(origin.requests().size(), 1U);
  EXPECT_THAT(origin.requests().front().field("CDN-Loop"), Not(HasSubstr(",")));
}

// ---- both families -----------------------------------------------------------

std::string configFor(const RecordingOrigin& origin, const std::string& listeners) {
  return "workers: 2\nlisteners: [" + listeners + "]\norigins: {origin: {endpoints: [\"" + origin.url() +
         "\"]}}\nlog: {destination: stdout}\nadmin: {address: \"off\"}\ndrain: {timeout: 2s}\n";
}

class BothFamilies : public testing::Test {
 protected:
  void SetUp() override {
    if (port_ == 0) {
      GTEST_SKIP() << "no IPv6 on this machine";
    }
  }
  [[nodiscard]] std::string v4() const { return fmt::format("127.0.0.1:{}", port_); }
  [[nodiscard]] std::string any6() const { return fmt::format("{{address: \"[::]:{}\"}}", port_); }
  [[nodiscard]] std::string any4() const { return fmt::format("{{address: \"0.0.0.0:{}\"}}", port_); }
  void start(const std::string& listeners) {
    file_ = directory_.write("gatewhy.yaml", configFor(origin_, listeners));
    auto daemon = DaemonProcess::start(file_);
    ASSERT_TRUE(daemon) << daemon.error();
    daemon_ = std::move(daemon).value();
  }
  // The event of the reload.
  json reload(const std::string& listeners) {
    directory_.write("gatewhy.yaml", configFor(origin_, listeners));
    const auto is_reload = [](const json& event) { return event.value("event", "") == "reload"; };
    const std::vector<json> before = daemon_->events();
    auto wanted = std::count_if(before.begin(), before.end(), is_reload) + 1;
    daemon_->signal(SIGHUP);
    const auto event = daemon_->waitFor([&](const json& e) { return is_reload(e) && --wanted == 0; });
    EXPECT_TRUE(event) << "no reload";
    return event.value_or(json());
  }
  json exchange() {
    const auto event = daemon_->waitFor([](const json& e) { return e.value("event", "") == "exchange"; });
    return event.value_or(json());
  }

  std::uint16_t port_ = freePort();
  RecordingOrigin origin_;
  PemDirectory directory_;
  std::string file_;
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(BothFamilies, AWildcardServesIpv4Too) {
  start(any6());
  EXPECT_EQ(daemon_->listeners().size(), 1U);
  EXPECT_EQ(get(v4()).status(), 200U);
  EXPECT_EQ(exchange().value("/client/address"_json_pointer, ""), "127.0.0.1");
  expectCleanEnd(*daemon_, daemon_->stop());
}

TEST_F(BothFamilies, NotWhereItIsToldNotTo) {
  start(fmt::format("{{address: \"[::]:{}\", ipv6_only: true}}", port_));
  EXPECT_FALSE(Socket::connectTo(v4()).open());
  expectCleanEnd(*daemon_, daemon_->stop());
}

TEST_F(BothFamilies, AFileWithBothStartsAndReloads) {
  start(any4() + ", " + any6());
  EXPECT_EQ(get(v4()).status(), 200U);
  EXPECT_EQ(reload(any4() + ", " + any6())["outcome"], "applied");
  EXPECT_EQ(reload(any6())["outcome"], "applied") << "the IPv4 half stays";
  EXPECT_EQ(get(v4()).status(), 200U);
  EXPECT_EQ(reload(any6() + ", " + any4())["outcome"], "applied");
  EXPECT_EQ(get(v4()).status(), 200U);
  expectCleanEnd(*daemon_, daemon_->stop());
}

TEST_F(BothFamilies, AReloadSaysThatOurOwnListenerHoldsThePort) {
  start(fmt::format("{{address: \"{}\"}}", v4()));
  const json event = reload(any4());
  EXPECT_EQ(event["outcome"], "refused");
  EXPECT_THAT(event["problems"].dump(), HasSubstr("our own listener " + v4() + " holds the port"));
  EXPECT_EQ(get(v4()).status(), 200U) << "the old configuration stays in force";
  expectCleanEnd(*daemon_, daemon_->stop());
}

}  // namespace
}  // namespace gatewhy::test
