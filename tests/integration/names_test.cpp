// SPDX-License-Identifier: Apache-2.0
// An endpoint that is a name with several addresses: each is a host, and DNS
// may name others at any time. Two workers throughout.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"
#include "tests/support/dns_script.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// A DNS server whose answers the test changes.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~NameServer() {
    stopping_ = true;
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void say(const std::string& action, const std::vector<std::string>& addresses = {}) {
    const std::lock_guard lock(mutex_);
    rules_ = {DnsRule{.name = "*", .type = "*", .action = action, .values = addresses, .ttl = 1, .ede_text = {}}};
    asked_ = 0;
  }
  // Until it was asked after the last say().
  void awaitQuestion() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return asked_ > 0; })) << "nobody asks DNS";
  }
  [[nodiscard]] std::size_t timesAsked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  [[nodiscard]] bool wasAsked() { return timesAsked() > 0; }

 private:
  void run() {
    while (!stopping_) {
      std::array<char, 4096> query{};
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      pollfd waiting{socket_.get(), POLLIN, 0};
      ::poll(&waiting, 1, 100);
      const ssize_t got = ::recvfrom(socket_.get(), query.data(), query.size(), MSG_DONTWAIT,
                                     reinterpret_cast<sockaddr*>(&peer), &size);
      if (got <= 0) {
        continue;
      }
      const std::lock_guard lock(mutex_);
      if (const auto answer = answerDns({query.data(), static_cast<std::size_t>(got)}, rules_)) {
        ::sendto(socket_.get(), answer->data(), answer->size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
      }
      ++asked_;
      changed_.notify_all();
    }
  }

  Fd socket_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<DnsRule> rules_;  // guarded by mutex_
  std::size_t asked_ = 0;       // guarded by mutex_
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// A machine of the service: says its address. /held waits until release().
class Machine {
 public:
  Machine(std::string ip, std::uint16_t port)
      : ip_(std::move(ip)), server_([this](Socket& peer) { serve(peer); }, 0, {.ip = ip_, .port = port}) {}
  ~Machine() {
    release();
    server_.stop();
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] std::string address() const { return server_.address(); }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void awaitHeld() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return held_; }));
  }
  // Until nobody is connected.
  void awaitNobody() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return peers_ == 0; })) << peers_ << " still here";
  }

 private:
  void serve(Socket& peer) {
    count(1);
    while (const auto request = readRequest(peer)) {
      if (request->target() == "/held") {
        std::unique_lock lock(mutex_);
        held_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, kPatience, [this] { return released_; });
      }
      if (!peer.send(okResponse(ip_))) {
        break;
      }
    }
    count(-1);
  }
  void count(int change) {
    const std::lock_guard lock(mutex_);
    peers_ += change;
    changed_.notify_all();
  }

  const std::string ip_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, released_ = false;  // guarded by mutex_
  int peers_ = 0;                         // guarded by mutex_
  OriginServer server_;
};

struct Answer {
  unsigned status = 0;
  std::string body, cookie;
};

class NamesTest : public testing::Test {
 protected:
  NamesTest() { dns_.say("addresses", {"127.0.0.1", "127.0.0.2"}); }
  void start(const std::string& settings = "") {
    config_.workers = 2;
    config_.admin = "{address: \"127.0.0.1:0\"}";
    config_.origin_url = fmt::format("http://shop.internal.test:{}", one_.port());
    config_.origin_more = settings;
    config_.more = fmt::format("dns: {{servers: [\"{}\"], hosts_file: false, search: false}}\n", dns_.address());
    gateway_ = Gateway::start(config_);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  // Of a connection of its own, so that both workers get some.
  [[nodiscard]] Answer ask(const std::string& path = "/", const std::string& fields = "") const {
    Socket socket = Socket::connectTo(gateway_->address());
    socket.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + "\r\n");
    const auto answer = readResponse(socket);
    const std::string cookie = answer ? answer->field("Set-Cookie") : "";
    return answer
               ? Answer{.status = answer->status(), .body = answer->body, .cookie = cookie.substr(0, cookie.find(';'))}
               : Answer{};
  }
  [[nodiscard]] std::map<std::string, int> whoAnswers(int requests = 40) const {
    std::map<std::string, int> who;
    for (int i = 0; i < requests; ++i) {
      const Answer answer = ask();
      ++who[answer.status == 200 ? answer.body : std::to_string(answer.status)];
    }
    return who;
  }
  // Requests until the log has such an event; nothing fails meanwhile.
  std::optional<json> askUntil(const std::function<bool(const json&)>& happens) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      for (const json& event : gateway_->daemon().events()) {
        if (happens(event)) {
          return event;
        }
      }
      EXPECT_EQ(ask().status, 200U);
    }
    std::string said;
    for (const json& event : gateway_->daemon().events()) {
      said += event.value("event", "") == "exchange" ? "" : event.dump() + "\n";
    }
    ADD_FAILURE() << "DNS was asked " << dns_.timesAsked() << " times since; what was said:\n" << said;
    return std::nullopt;
  }
  static std::function<bool(const json&)> hostsAre(std::size_t count, const std::string& joined = "") {
    return [=](const json& event) {
      const auto& list = event.value("joined", std::vector<std::string>());
      return event.value("event", "") == "hosts" && event.value("hosts", 0U) == count &&
             (joined.empty() || std::find(list.begin(), list.end(), joined) != list.end());
    };
  }
  [[nodiscard]] std::size_t hostEvents() const {
    const std::vector<json> events = gateway_->daemon().events();
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [](const json& event) { return event.value("event", "") == "hosts"; }));
  }
  [[nodiscard]] std::string admin(const std::string& path) const {
    Socket socket = Socket::connectTo(gateway_->daemon().adminAddress());
    socket.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto answer = readResponse(socket);
    return answer ? answer->body : "";
  }

  Machine one_{"127.0.0.1", 0};
  std::unique_ptr<Machine> two_ = std::make_unique<Machine>("127.0.0.2", one_.port());
  Machine three_{"127.0.0.3", one_.port()};
  NameServer dns_;
  GatewayConfig config_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(NamesTest, EachAddressIsAHostAndShownAsOne) {
  start();
  const auto hosts = askUntil(hostsAre(2));
  ASSERT_TRUE(hosts);
  EXPECT_EQ(hosts->value("endpoint", ""), config_.origin_url);
  EXPECT_EQ(hosts->value("joined", std::vector<std::string>()),
            (std::vector<std::string>{one_.address(), two_->address()}));
  const auto who = whoAnswers();
  EXPECT_EQ(who.size(), 2U);
  EXPECT_NEAR(who.at("127.0.0.1"), who.at("127.0.0.2"), 4) << "in turn, on each worker";
  const json endpoint = json::parse(admin("/api/v1/origins")).at("/origins/0/endpoints/0"_json_pointer);
  ASSERT_EQ(endpoint.value("hosts", json::array()).size(), 2U) << endpoint.dump(1);
  EXPECT_EQ(endpoint.at("/hosts/1/address"_json_pointer), two_->address());
  EXPECT_EQ(endpoint.at("/hosts/1/state"_json_pointer), "in_use");
  EXPECT_EQ(endpoint.at("/hosts/1/connections"_json_pointer).get<int>() > 0, true);
  EXPECT_THAT(admin("/metrics"), HasSubstr(fmt::format("gatewhy_endpoint_hosts{{origin=\"origin\",endpoint=\"{}\","
                                                       "state=\"in_use\"}} 2",
                                                       config_.origin_url)));
  const auto list = runCommand({GATEWHY_BINARY, "endpoint", "list", "--admin", gateway_->daemon().adminAddress()});
  EXPECT_THAT(list.output, HasSubstr(fmt::format("{} ({}) in_use", config_.origin_url, two_->address())));
}

TEST_F(NamesTest, OneIsEjectedByItselfAndRequestsGoToTheOther) {
  start("eject: {failures: 2, for: 60s}\n");
  ASSERT_TRUE(askUntil(hostsAre(2)));
  const std::string dead = two_->address();
  two_.reset();
  const auto eject = askUntil([](const json& event) { return event.value("event", "") == "eject"; });
  ASSERT_TRUE(eject);
  EXPECT_EQ(eject->value("address", ""), dead);
  EXPECT_EQ(eject->value("endpoint", ""), config_.origin_url);
  EXPECT_THAT(eject->value("message", ""),
              HasSubstr(fmt::format("{} ({}) is out of use for 60", config_.origin_url, dead)));
  EXPECT_EQ(whoAnswers(), (std::map<std::string, int>{{"127.0.0.1", 40}}));
  const json endpoint = json::parse(admin("/api/v1/origins")).at("/origins/0/endpoints/0"_json_pointer);
  EXPECT_EQ(endpoint.at("/hosts/1/state"_json_pointer), "ejected") << endpoint.dump(1);
  EXPECT_EQ(endpoint.value("state", ""), "up");
  EXPECT_THAT(admin("/metrics"), HasSubstr("state=\"out\"} 1"));
}

TEST_F(NamesTest, AnAddressThatLeavesIsDrainedAndANewOneIsUsed) {
  start();
  ASSERT_TRUE(askUntil(hostsAre(2)));
  EXPECT_THAT(whoAnswers(), SizeIs(2));
  std::vector<Socket> held;
  for (int i = 0; i < 6; ++i) {  // on either worker, in turn at both
    held.push_back(Socket::connectTo(gateway_->address()));
    held.back().send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  one_.awaitHeld();
  two_->release();
  dns_.say("addresses", {"127.0.0.2", "127.0.0.3"});
  const auto changed = askUntil(hostsAre(2, three_.address()));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->value("left", std::vector<std::string>()), std::vector<std::string>{one_.address()});
  const auto who = whoAnswers();
  EXPECT_EQ(who.size(), 2U);
  EXPECT_TRUE(who.contains("127.0.0.2") && who.contains("127.0.0.3"));
  one_.release();
  std::set<std::string> answers;
  for (Socket& socket : held) {
    const auto answer = readResponse(socket);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status(), 200U);
    answers.insert(answer->body);
  }
  EXPECT_TRUE(answers.contains("127.0.0.1")) << "what was under way is finished";
  one_.awaitNobody();
}

TEST_F(NamesTest, WhileDnsFailsTheAddressesStay) {
  start();
  ASSERT_TRUE(askUntil(hostsAre(2)));
  const std::size_t before = hostEvents();
  dns_.say("servfail");
  askUntil([this](const json&) { return dns_.wasAsked(); });
  EXPECT_THAT(whoAnswers(), SizeIs(2));
  EXPECT_EQ(hostEvents(), before);
}

TEST_F(NamesTest, ANameThatIsNoMoreIsSaid) {
  start();
  ASSERT_TRUE(askUntil(hostsAre(2)));
  dns_.say("nxdomain");
  const auto end = std::chrono::steady_clock::now() + kPatience;
  Answer answer;
  do {
    answer = ask();
  } while (answer.status == 200 && std::chrono::steady_clock::now() < end);
  EXPECT_NE(answer.status, 200U);
  const auto event = gateway_->daemon().waitFor([](const json& one) { return causeOf(one) == "dns_nxdomain"; });
  EXPECT_TRUE(event);
  EXPECT_TRUE(gateway_->daemon().waitFor(hostsAre(0)));
}

TEST_F(NamesTest, AClientStaysWithAnAddress) {
  start("sticky: {cookie: gw}\n");
  ASSERT_TRUE(askUntil(hostsAre(2)));
  const Answer first = ask();
  ASSERT_EQ(first.status, 200U);
  const std::string cookie = "Cookie: " + first.cookie + "\r\n";
  for (int i = 0; i < 8; ++i) {
    const Answer next = ask("/", cookie);
    EXPECT_EQ(next.body, first.body);
    EXPECT_EQ(next.cookie, "") << "it knows";
  }
  gateway_->reload(config_);
  EXPECT_EQ(ask("/", cookie).body, first.body);
  dns_.say("addresses", {first.body == "127.0.0.1" ? "127.0.0.2" : "127.0.0.1", "127.0.0.3"});
  ASSERT_TRUE(askUntil(hostsAre(2, three_.address())));
  const Answer moved = ask("/", cookie);
  EXPECT_NE(moved.body, first.body);
  EXPECT_NE(moved.cookie, "");
}

TEST_F(NamesTest, EachIsCheckedWithoutAnyRequest) {
  two_.reset();
  start("health: {path: /healthz, interval: 100ms, unhealthy: 2}\n");
  const std::string dead = fmt::format("127.0.0.2:{}", one_.port());
  const auto down = gateway_->daemon().waitFor(
      [&](const json& event) { return event.value("state", "") == "down" && event.value("address", "") == dead; });
  ASSERT_TRUE(down);
  EXPECT_EQ(causeOf(*down), "connection_refused");
  EXPECT_EQ(whoAnswers(10), (std::map<std::string, int>{{"127.0.0.1", 10}}));
  dns_.say("addresses", {"127.0.0.1", "127.0.0.3"});
  EXPECT_TRUE(gateway_->daemon().waitFor([&](const json& event) {
    return event.value("state", "") == "up" && event.value("address", "") == three_.address();
  }));
  EXPECT_THAT(whoAnswers(), SizeIs(2));
}

TEST_F(NamesTest, AnOperatorDrainsTheNameAsAWhole) {
  start();
  ASSERT_TRUE(askUntil(hostsAre(2)));
  const std::vector<std::string> command{GATEWHY_BINARY, "endpoint", "drain",
                                         "origin",       "--admin",  gateway_->daemon().adminAddress()};
  EXPECT_EQ(runCommand(command).status, 0);
  EXPECT_EQ(ask().status, 503U);
  const auto list = runCommand({GATEWHY_BINARY, "endpoint", "list", "--admin", gateway_->daemon().adminAddress()});
  EXPECT_THAT(list.output, HasSubstr(fmt::format("({}) drained since", two_->address())));
}

}  // namespace
}  // namespace gatewhy::test
