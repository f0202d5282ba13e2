// SPDX-License-Identifier: Apache-2.0
// Attackers of several kinds, each beside a client that behaves and must lose
// nothing.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

constexpr const char* kGet = "GET /good HTTP/1.1\r\nHost: shop.example\r\n\r\n";

OriginServer::Serve answering() {
  return [](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse("here"));
    }
  };
}

// A request on a connection of its own, as a client that behaves.
unsigned statusOfNewcomer(const Gateway& gateway, std::string_view request = kGet) {
  Socket client = Socket::connectTo(gateway.address());
  client.send(request);
  const auto response = readResponse(client);
  return response ? response->status() : 0;
}

std::uint64_t valueOf(pid_t pid, const std::string& key) {  // of /proc/PID/status, in KiB
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string name; status >> name;) {
    if (std::uint64_t value = 0; name == key + ":" && status >> value) {
      return value;
    }
  }
  return 0;
}

bool saidMessage(Gateway& gateway, const std::string& cause) {
  return gateway.daemon()
      .waitFor([&](const nlohmann::json& event) {
        return event.value("event", "") == "message" && event.value("cause", "") == cause;
      })
      .has_value();
}

// ---- idle clients -------------------------------------------------------

TEST(FloodsTest, IdleClientsGiveWayWhicheverWorkerHasThem) {
  OriginServer origin(answering());
  GatewayConfig config{.origin_url = origin.url()};
  config.limits = "{connections: 20}";
  config.workers = 2;
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  std::vector<Socket> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(Socket::connectTo(gateway->address()));
    idle.back().send(kGet);
    ASSERT_TRUE(readResponse(idle.back()));
  }
  std::vector<Socket> newcomers;
  for (int i = 0; i < 20; ++i) {
    newcomers.push_back(Socket::connectTo(gateway->address()));
    newcomers.back().send(kGet);
    const auto response = readResponse(newcomers.back());
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U) << i;
  }
  for (Socket& gone : idle) {
    gone.receiveToEnd();
    EXPECT_EQ(gone.end(), Socket::End::Fin);
  }
  EXPECT_TRUE(saidMessage(*gateway, "client_idle_closed"));
  gateway->expectCleanStop();
}

TEST(FloodsTest, IdleClientsGiveWayWhereDescriptorsRunOut) {
  OriginServer origin(answering());
  GatewayConfig config{.origin_url = origin.url()};
  config.origin_more = "keep_alive: {idle: 0}";
  config.wrapper = {"/usr/bin/prlimit", "--nofile=64:64"};
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  EXPECT_TRUE(saidMessage(*gateway, "proxy_fd_exhausted"));  // 64 is less than what is configured
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(Socket::connectTo(gateway->address()));
    clients.back().send(kGet);
    const auto response = readResponse(clients.back());
    ASSERT_TRUE(response) << i;
    EXPECT_EQ(response->status(), 200U) << i;
  }
  gateway->expectCleanStop();
}

// ---- slow uploads -------------------------------------------------------

// Notes each upload when its head has come, and how many there were at once.
class UploadOrigin {
 public:
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] int most() const { return most_; }
  [[nodiscard]] int seen() const { return seen_; }

 private:
  void serve(Socket& connection) {
    while (auto request = readHead(connection)) {
      const bool upload = request->start_line.starts_with("POST");
      if (upload) {
        ++seen_;
        const int now = ++running_;
        int most = most_;
        while (now > most && !most_.compare_exchange_weak(most, now)) {
        }
        readRequestBody(connection, *request);
        --running_;
      }
      connection.send(okResponse(upload ? "stored" : "here"));
    }
  }
  std::atomic<int> running_ = 0, most_ = 0, seen_ = 0;
  OriginServer server_{[this](Socket& connection) { serve(connection); }};
};

// The 1,100 of the real attack, scaled: a tenth more than the origin's places.
TEST(FloodsTest, SlowUploadsLeaveHalfOfTheOrigin) {
  constexpr std::size_t kPlaces = 20;
  constexpr std::size_t kUploads = 22;
  UploadOrigin origin;
  GatewayConfig config{.origin_url = origin.url()};
  config.origin_more = "limits: {connections: 20}\ntimeouts: {connect: 40s}";
  config.workers = 2;
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  std::vector<Socket> uploads;
  for (std::size_t i = 0; i < kUploads; ++i) {
    uploads.push_back(Socket::connectTo(gateway->address()));
    uploads.back().send("POST /slow HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 20\r\n\r\n0123456789");
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(statusOfNewcomer(*gateway), 200U) << "GET " << i;
    EXPECT_EQ(statusOfNewcomer(*gateway, "POST /whole HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\n\r\nbody"),
              200U)
        << "POST " << i;
  }
  EXPECT_LE(origin.most(), static_cast<int>(kPlaces / 2) + 1);  // and a whole one, while it is read
  for (Socket& upload : uploads) {
    upload.send("0123456789");
  }
  for (Socket& upload : uploads) {
    const auto response = readResponse(upload);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U) << response->body;
  }
  EXPECT_EQ(origin.seen(), static_cast<int>(kUploads) + 30);
  gateway->expectCleanStop();
}

// Nothing is held back from an origin with places: what a dialogue's client
// waits for before it goes on.
TEST(FloodsTest, UploadsReachAnIdleOriginAtOnce) {
  OriginServer origin([](Socket& connection) {
    while (connection.receiveUntil("\r\n\r\n")) {
      connection.buffer().clear();
      connection.send("HTTP/1.1 100 Continue\r\n\r\n");
      if (connection.receiveUntil("0\r\n\r\n")) {
        connection.buffer().clear();
        connection.send(okResponse("stored"));
      }
    }
  });
  GatewayConfig config{.origin_url = origin.url()};
  config.origin_more = "limits: {connections: 4}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  for (const std::string more :
       {"Expect: 100-continue\r\n", "Content-Type: application/grpc\r\nTE: trailers\r\n", ""}) {
    Socket client = Socket::connectTo(gateway->address());
    client.send("POST /dialogue HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n" + more + "\r\n");
    EXPECT_TRUE(client.receiveUntil("100 Continue\r\n\r\n")) << more;  // the origin's, for it has the head
    client.buffer().clear();
    client.send("1\r\nx\r\n");
    client.send("0\r\n\r\n");
    EXPECT_TRUE(client.receiveUntil("stored")) << more;
  }
  gateway->expectCleanStop();
}

// ---- memory -------------------------------------------------------------

// Unfinished heads until the limit: they are refused, the process lives, and
// who behaves is served again once they are gone.
void fillWithHeads(Gateway& gateway) {
  const std::string unfinished = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Fill: " + std::string(28000, 'f');
  std::vector<Socket> heads;
  bool refused = false;
  for (int i = 0; i < 6000 && !refused; ++i) {
    heads.push_back(Socket::connectTo(gateway.address()));
    ASSERT_TRUE(heads.back().open());
    heads.back().send(unfinished);
    if (i % 50 == 49) {
      refused = statusOfNewcomer(gateway) == 503;
    }
  }
  EXPECT_TRUE(refused);
  const auto event = gateway.daemon().waitFor(
      [](const nlohmann::json& candidate) { return causeOf(candidate) == "proxy_memory_exhausted"; });
  ASSERT_TRUE(event);
  fmt::print("refused after {} heads of 28 KB\n", heads.size());
  heads.clear();
  unsigned status = 0;
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       status != 200 && std::chrono::steady_clock::now() < until;) {
    status = statusOfNewcomer(gateway);
  }
  EXPECT_EQ(status, 200U);
}

TEST(FloodsTest, AMemoryLimitIsKept) {
  if (kSanitized) {
    GTEST_SKIP() << "a sanitizer's own memory is over any limit";
  }
  OriginServer origin(answering());
  GatewayConfig config{.origin_url = origin.url()};
  config.limits = "{memory: 96MiB}";
  config.workers = 2;
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  fillWithHeads(*gateway);
  EXPECT_LT(valueOf(gateway->daemon().pid(), "VmHWM"), 96U * 1024);
  gateway->expectCleanStop();
}

// Newcomers that ask and newcomers that upload, side by side, until it ends.
class Load {
 public:
  explicit Load(const Gateway& gateway) {
    for (int i = 0; i < 2; ++i) {
      threads_.emplace_back([this, &gateway] { run(gateway, kGet); });
      threads_.emplace_back([this, &gateway] { run(gateway, upload()); });
    }
  }
  ~Load() { end(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  void end() {
    over_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  [[nodiscard]] int served() const { return served_; }
  [[nodiscard]] int refused() const { return refused_; }  // 503
  [[nodiscard]] int lost() const { return lost_; }        // anything else, or nothing
  // What was lost, a line each. After end().
  [[nodiscard]] const std::string& lostOnes() const { return lost_ones_; }

 private:
  static std::string upload() {
    constexpr std::size_t kSize = 300000;
    return fmt::format("POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n{}", kSize,
                       std::string(kSize, 'u'));
  }
  void run(const Gateway& gateway, const std::string& request) {
    while (!over_) {
      Socket client = Socket::connectTo(gateway.address());
      const std::uint16_t port = client.localPort();
      client.send(request);
      const auto response = readResponse(client);
      const unsigned status = response ? response->status() : 0;
      ++(status == 200 ? served_ : status == 503 ? refused_ : lost_);
      if (status != 200 && status != 503) {
        const std::lock_guard lock(mutex_);
        lost_ones_ +=
            fmt::format("{:.4} from port {}: {} {}\n", request, port, status,
                        nlohmann::json(client.buffer()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      }
    }
  }
  std::atomic<bool> over_ = false;
  std::atomic<int> served_ = 0, refused_ = 0, lost_ = 0;
  std::mutex mutex_;
  std::string lost_ones_;
  std::vector<std::thread> threads_;
};

// Heads that do not end as fast as they can be sent, whatever the answers are:
// far more than the limit holds.
void pressWithHeads(Gateway& gateway) {
  constexpr std::size_t kHeads = 3000;
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  const std::string unfinished = "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Fill: " + std::string(28000, 'f');
  std::vector<Socket> heads;
  for (std::size_t i = 0; i < std::min<std::size_t>(kHeads, descriptors.rlim_max / 2); ++i) {
    heads.push_back(Socket::connectTo(gateway.address()));
    if (heads.back().open()) {
      heads.back().send(unfinished);  // may fail: it is refused, or not heard at all
    }
  }
  EXPECT_TRUE(gateway.daemon().waitFor(
      [](const nlohmann::json& candidate) { return causeOf(candidate) == "proxy_memory_exhausted"; }));
  // It heals while the attackers are still there: what does not end goes first.
  unsigned status = 0;
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       status != 200 && std::chrono::steady_clock::now() < until;) {
    status = statusOfNewcomer(gateway);
  }
  EXPECT_EQ(status, 200U);
}

void fillWithHeadsUnderLoad(Gateway& gateway) {
  Load load(gateway);
  fillWithHeads(gateway);
  load.end();
  fmt::print("beside it {} requests served, {} refused, {} lost\n", load.served(), load.refused(), load.lost());
  EXPECT_GT(load.served(), 0);
  EXPECT_EQ(load.lost(), 0) << load.lostOnes();
}

TEST(FloodsTest, ALimitOfAddressesIsKept) {
  if (kSanitized) {
    GTEST_SKIP() << "a sanitizer takes all addresses there are";
  }
  OriginServer origin(answering());
  GatewayConfig config{.origin_url = origin.url()};
  std::uint64_t usual = 0;
  if (const auto first = Gateway::start(config)) {
    EXPECT_EQ(statusOfNewcomer(*first), 200U);
    usual = valueOf(first->daemon().pid(), "VmSize");
    first->expectCleanStop();
  }
  ASSERT_NE(usual, 0U);
  config.wrapper = {"/usr/bin/prlimit", fmt::format("--as={}", (usual * 5 / 4 + 32 * 1024) * 1024)};
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  fillWithHeadsUnderLoad(*gateway);
  pressWithHeads(*gateway);
  gateway->expectCleanStop();
}

// A control group of memory, where this test may make one: of the first kind or
// of the second.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::uint64_t bytes) {
    for (const bool first : {true, false}) {
      directory_ = fmt::format("/sys/fs/cgroup/{}gatewhy-test-{}", first ? "memory/" : "", ::getpid());
      if (::mkdir(directory_.c_str(), 0755) != 0) {
        continue;
      }
      static_cast<void>(first || write("memory.swap.max", "0"));
      made_ = write(first ? "memory.limit_in_bytes" : "memory.max", std::to_string(bytes));
      if (made_) {
        return;
      }
      ::rmdir(directory_.c_str());
    }
  }
  ~MemoryGroup() {
    if (made_) {
      ::rmdir(directory_.c_str());
    }
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  [[nodiscard]] bool made() const { return made_; }
  // Puts what follows into the group.
  [[nodiscard]] std::vector<std::string> wrapper() const {
    return {"/bin/sh", "-c", "echo $$ >" + directory_ + "/cgroup.procs && exec \"$@\"", "sh"};
  }

 private:
  [[nodiscard]] bool write(const std::string& file, const std::string& text) const {
    std::fstream stream(directory_ + "/" + file, std::ios::in | std::ios::out);  // makes none
    stream << text << std::flush;
    return stream.good();
  }
  std::string directory_;
  bool made_ = false;
};

// What is over it the kernel kills: this one is still there at the end.
TEST(FloodsTest, ALimitOfAControlGroupIsKept) {
  if (kSanitized) {
    GTEST_SKIP() << "a sanitizer's own memory is over any limit";
  }
  const MemoryGroup group(64UL << 20U);
  if (!group.made()) {
    GTEST_SKIP() << "no control group of memory can be made here";
  }
  OriginServer origin(answering());
  GatewayConfig config{.origin_url = origin.url()};
  config.workers = 2;
  config.wrapper = group.wrapper();
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  fillWithHeadsUnderLoad(*gateway);
  pressWithHeads(*gateway);
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
