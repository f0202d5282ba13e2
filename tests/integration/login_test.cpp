// SPDX-License-Identifier: Apache-2.0
// Logins on the real binary: what a slow hash holds up, who leaves meanwhile,
// and that no password is shown anywhere.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <vector>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// 'S3cr3tValue', by htpasswd -B -C 13: about half a second.
constexpr const char* kSlowUsers = "anna:$2y$13$aTU3qLmGmCodFtR3UFpwNuuHquleIRLZ27DorVYcxRhbyKZhtgcRK\n";
constexpr const char* kLogin = "YW5uYTpTM2NyM3RWYWx1ZQ==";  // anna:S3cr3tValue
constexpr const char* kWrong = "YW5uYTpXUjBOR1YhbHVl";      // anna:WR0NGV!lue

class LoginTest : public testing::Test {
 protected:
  void start(const std::string& more_route = "") {
    const std::string users = files_.write("users", kSlowUsers);
    GatewayConfig config;
    config.origin_url = "http://" + origin_.address();
    config.diagnostics = "{name: gatewhy, disclose: evidence}";
    config.admin = "{address: \"127.0.0.1:0\"}";
    config.more = fmt::format(
        "routes:\n  - {{path: /open, origin: origin}}\n  - {{origin: origin, auth: {{basic: {{users_file: {}}}}}{}}}\n",
        users, more_route);
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  static std::string get(const std::string& path, const std::string& login = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a.example\r\n{}\r\n", path,
                       login.empty() ? "" : "Authorization: Basic " + login + "\r\n");
  }
  static bool readable(const Socket& socket) {
    pollfd wait{.fd = socket.fd(), .events = POLLIN};
    return ::poll(&wait, 1, 0) == 1;
  }

  PemDirectory files_;
  OriginServer origin_{[](Socket& socket) {
    while (readRequest(socket)) {
      socket.send(okResponse("ok"));
    }
  }};
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(LoginTest, ASlowHashHoldsNobodyUp) {
  start();
  Socket slow = Socket::connectTo(gateway_->address());
  slow.send(get("/", kWrong));
  Socket open = Socket::connectTo(gateway_->address());
  for (int i = 0; i < 5; ++i) {  // the same worker
    open.send(get("/open"));
    EXPECT_EQ(readResponse(open)->status(), 200U);
  }
  EXPECT_FALSE(readable(slow)) << "the hash was ready before five requests";
  EXPECT_EQ(readResponse(slow)->status(), 401U);
  Socket first = Socket::connectTo(gateway_->address());
  first.send(get("/", kLogin));
  EXPECT_EQ(readResponse(first)->status(), 200U);
  Socket other = Socket::connectTo(gateway_->address());
  other.send(get("/", kWrong));
  first.send(get("/", kLogin));
  EXPECT_EQ(readResponse(first)->status(), 200U);
  EXPECT_FALSE(readable(other)) << "what is remembered waits for no hash";
  EXPECT_EQ(readResponse(other)->status(), 401U);
  for (Socket* client : {&slow, &open, &first, &other}) {
    client->close();
  }
  gateway_->expectCleanStop();
}

TEST_F(LoginTest, AClientThatLeavesMeanwhile) {
  start();
  std::vector<std::uint16_t> ports;
  for (const bool reset : {true, false}) {
    Socket gone = Socket::connectTo(gateway_->address());
    ports.push_back(gone.localPort());
    gone.send(get("/", kLogin));
    Socket open = Socket::connectTo(gateway_->address());
    open.send(get("/open"));
    EXPECT_EQ(readResponse(open)->status(), 200U);  // by now the login has begun
    reset ? gone.reset() : gone.close();
  }
  Socket after = Socket::connectTo(gateway_->address());
  after.send(get("/", kLogin));
  EXPECT_EQ(readResponse(after)->status(), 200U);
  for (const std::uint16_t port : ports) {
    const auto event = gateway_->exchangeOf(port);
    ASSERT_TRUE(event);
    EXPECT_EQ(causeOf(*event), "client_closed_request");
  }
  gateway_->expectCleanStop();
}

// A client that has shut its side is asked by 100 (Continue) whether it is there.
unsigned finalStatus(Socket& client) {
  auto answer = readResponse(client);
  while (answer && answer->status() == 100) {
    answer = readResponse(client);
  }
  return answer ? answer->status() : 0;
}

TEST_F(LoginTest, PipelinedAndHalfClosedOnesAreAnswered) {
  start();
  Socket client = Socket::connectTo(gateway_->address());
  client.send(get("/", kLogin) + get("/open") + get("/", kWrong));
  client.finish();
  EXPECT_EQ(finalStatus(client), 200U);
  EXPECT_EQ(finalStatus(client), 200U);
  EXPECT_EQ(finalStatus(client), 401U);
  gateway_->expectCleanStop();
}

TEST_F(LoginTest, ABodyIsNotReadForAStranger) {
  start();
  Socket client = Socket::connectTo(gateway_->address());
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
  const auto answer = readResponse(client);
  EXPECT_EQ(answer->status(), 401U);
  EXPECT_EQ(answer->field("Connection"), "close");
  client.close();
  gateway_->expectCleanStop();
}

TEST_F(LoginTest, StoppingDoesNotWaitForTheQueue) {
  start();
  std::vector<Socket> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(Socket::connectTo(gateway_->address()));
    clients.back().send(get("/", fmt::format("YW5uYTp{}", static_cast<char>('B' + i))));  // anna:A, anna:B …
  }
  clients.push_back(Socket::connectTo(gateway_->address()));
  clients.back().send(get("/", kWrong));
  gateway_->expectCleanStop();
}

TEST_F(LoginTest, NoPasswordIsShown) {
  start();
  std::string told;
  const auto ask = [&](const std::string& request) {
    Socket client = Socket::connectTo(gateway_->address());
    client.send(request);
    client.finish();
    client.receiveToEnd();
    told += client.buffer();
  };
  const std::string login = std::string("Authorization: Basic ") + kLogin + "\r\n";
  const std::string wrong = std::string("Authorization: Basic ") + kWrong + "\r\n";
  const auto with = [](const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n"; };
  ask(with(login));
  ask(with(wrong));
  ask(with(login + login));
  ask(with(login + wrong));
  ask(with("Authorization: Basic anna:S3cr3tValue\r\n"));
  ask(with("Authorization: Basic UzNjcjN0VmFsdWU=\r\n"));  // without a colon
  ask(with("Authorization: Digest S3cr3tValue\r\n"));
  ask(with("Authorization: S3cr3tValue\r\n"));
  gateway_->expectCleanStop();
  const std::vector<json> events = gateway_->exchanges();
  EXPECT_EQ(events.size(), 8U);
  for (const json& event : events) {
    told += event.dump();
  }
  for (const char* secret : {"S3cr3tValue", kLogin, "UzNjcjN0VmFsdWU", "WR0NGV!lue", kWrong, "anna"}) {
    EXPECT_THAT(told, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(told, HasSubstr("WWW-Authenticate: Basic realm=\"restricted\""));
}

TEST_F(LoginTest, TheOriginGetsNoCredentials) {
  ListeningSocket origin;
  const std::string users = files_.write("users", kSlowUsers);
  GatewayConfig config;
  config.origin_url = "http://" + origin.address();
  config.more = fmt::format("routes: [{{origin: origin, auth: {{basic: {{users_file: {}}}}}}}]\n", users);
  gateway_ = Gateway::start(config);
  ASSERT_NE(gateway_, nullptr);
  Socket client = Socket::connectTo(gateway_->address());
  client.send(
      fmt::format("POST / HTTP/1.1\r\nHost: a.example\r\nX-First: 1\r\nauthorization: Basic {0}\r\nConnection: "
                  "Authorization\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Basic {0}\r\n\r\n",
                  kLogin));
  Socket peer = origin.accept();
  const auto request = readRequest(peer);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->count("Authorization"), 0U);
  EXPECT_EQ(request->field("X-First"), "1");
  EXPECT_TRUE(request->trailers.empty());
  peer.send(okResponse("ok"));
  EXPECT_EQ(readResponse(client)->status(), 200U);
  client.close();
  gateway_->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
