// SPDX-License-Identifier: Apache-2.0
// Many at once, and much at once.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using Clock = std::chrono::steady_clock;

// From /proc/PID/status, in KiB.
std::uint64_t memoryOf(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string name;
  std::uint64_t value = 0;
  while (status >> name) {
    if (name == key + ":" && status >> value) {
      return value;
    }
  }
  return 0;
}

// How many clients this process and its children can have: each is a
// descriptor here, two in the daemon, and one more here for the origin's end.
std::size_t affordableClients(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t kElse = 200;
  const std::size_t most = limit.rlim_cur <= kElse ? 0 : (static_cast<std::size_t>(limit.rlim_cur) - kElse) / 2;
  if (most < wanted) {
    fmt::print("only {} clients instead of {}: the hard limit of descriptors is {}\n", most, wanted, limit.rlim_max);
  }
  return std::min(wanted, most);
}

// Sockets that an epoll loop serves; each has what it received.
class Crowd {
 public:
  Crowd() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

  void add(Fd fd) {
    const int number = fd.get();
    ::fcntl(number, F_SETFL, O_NONBLOCK);
    if (members_.size() <= static_cast<std::size_t>(number)) {
      members_.resize(static_cast<std::size_t>(number) + 1);
    }
    members_[static_cast<std::size_t>(number)] = Member{std::move(fd), {}};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = number;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event);
  }
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  [[nodiscard]] std::vector<int> wait(int timeout_ms) {
    std::array<epoll_event, 512> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    std::vector<int> ready;
    for (int n = 0; n < count; ++n) {
      ready.push_back(events[static_cast<std::size_t>(n)].data.fd);
    }
    return ready;
  }
  // False: the member's connection has ended.
  bool receive(int fd) {
    Member& member = members_[static_cast<std::size_t>(fd)];
    std::array<char, 4096> block{};
    const ssize_t size = ::recv(fd, block.data(), block.size(), 0);
    if (size > 0) {
      member.received.append(block.data(), static_cast<std::size_t>(size));
    }
    return size > 0 || (size < 0 && errno == EAGAIN);
  }
  std::string& received(int fd) { return members_[static_cast<std::size_t>(fd)].received; }
  void drop(int fd) { members_[static_cast<std::size_t>(fd)].fd.reset(); }

 private:
  struct Member {
    Fd fd;
    std::string received;
  };
  Fd epoll_;
  std::vector<Member> members_;
};

// Answers nobody before `batch` requests have come, then everybody.
class PatientOrigin {
 public:
  explicit PatientOrigin(std::size_t batch) : batch_(batch), thread_([this] { run(); }) {}
  ~PatientOrigin() {
    stopping_ = true;
    listening_.stop();
    thread_.join();
  }
  PatientOrigin(const PatientOrigin&) = delete;
  PatientOrigin& operator=(const PatientOrigin&) = delete;

  [[nodiscard]] std::string url() const { return "http://" + listening_.address(); }
  [[nodiscard]] std::size_t answered() const { return answered_; }

 private:
  void run() {
    crowd_.watch(listening_.fd());
    while (!stopping_) {
      for (const int fd : crowd_.wait(1000)) {
        if (fd == listening_.fd()) {
          acceptOne();
        } else {
          serve(fd);
        }
      }
    }
  }
  void acceptOne() {
    Fd fd(::accept4(listening_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.valid()) {
      crowd_.add(std::move(fd));
    }
  }
  void serve(int fd) {
    if (!crowd_.receive(fd)) {
      crowd_.drop(fd);
      return;
    }
    std::string& received = crowd_.received(fd);
    if (!received.ends_with("\r\n\r\n")) {
      return;
    }
    received.clear();
    waiting_.push_back(fd);
    if (waiting_.size() < batch_ - std::min(batch_ - 1, answered_.load())) {
      return;
    }
    const std::string response = okResponse("together");
    for (const int peer : waiting_) {
      answered_ += ::send(peer, response.data(), response.size(), MSG_NOSIGNAL) > 0 ? 1 : 0;
    }
    waiting_.clear();
  }

  std::size_t batch_;
  ListeningSocket listening_{4096};
  Crowd crowd_;
  std::vector<int> waiting_;
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// Loopback has one address too few ports for everything at once, and many addresses.
Fd connectFrom(std::size_t number, const std::string& address) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(number / 4000));
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
    return {};
  }
  return fd;
}

// Those that the log shows, and those that it says it lost: so many successes
// at once may be more than a starved reader takes in time.
std::size_t countExchanges(Gateway& gateway, std::size_t wanted) {
  std::size_t told = 0;
  (void)gateway.daemon().waitFor([&](const nlohmann::json& event) {
    told += event.value("event", "") == "exchange" ? 1 : event.value("lost_lines", std::size_t{0});
    return told == wanted;
  });
  return told;
}

TEST(CrowdTest, TenThousandAtOnceAreAllAnswered) {
  const std::size_t clients = affordableClients(kSanitized ? 2000 : 10000);
  ASSERT_GT(clients, 100U);
  // The daemon has the same descriptors and needs two for each exchange.
  PatientOrigin origin(clients);
  GatewayConfig config;
  config.origin_url = origin.url();
  config.origin_more = "limits: {connections: 0, pending: 0}\ntimeouts: {response_head: 5m}";
  config.limits = "{connections: 20000, client_head_timeout: 5m}";
  config.workers = 2;
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  const std::uint64_t before = memoryOf(gateway->daemon().pid(), "VmRSS");
  Crowd crowd;
  const std::string request = "GET /crowd HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  for (std::size_t n = 0; n < clients; ++n) {
    Fd fd = connectFrom(n, gateway->address());
    ASSERT_TRUE(fd.valid()) << "client " << n << ", errno " << errno;
    ASSERT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    crowd.add(std::move(fd));
  }
  std::size_t answered = 0;
  std::uint64_t peak = 0;
  const auto until = Clock::now() + 2 * kPatience;
  while (answered < clients && Clock::now() < until) {
    for (const int fd : crowd.wait(1000)) {
      peak = peak == 0 ? memoryOf(gateway->daemon().pid(), "VmRSS") : peak;
      ASSERT_TRUE(crowd.receive(fd)) << "closed without an answer: " << crowd.received(fd);
      if (crowd.received(fd).ends_with("together")) {
        ASSERT_EQ(crowd.received(fd).rfind("HTTP/1.1 200 ", 0), 0U);
        ++answered;
        crowd.drop(fd);
      } else {
        ASSERT_EQ(crowd.received(fd).find("HTTP/1.1 5"), std::string::npos) << crowd.received(fd);
      }
    }
  }
  EXPECT_EQ(answered, clients);
  EXPECT_EQ(origin.answered(), clients);
  EXPECT_EQ(countExchanges(*gateway, clients), clients);
  fmt::print("{} clients at once: daemon {} KiB before, {} KiB with all of them, {:.1f} KiB each\n", clients, before,
             peak, static_cast<double>(peak - before) / static_cast<double>(clients));
  gateway->expectCleanStop();
}

TEST(CrowdTest, SlowHeadsDoNotKeepOthersOut) {
  const std::size_t slow = affordableClients(kSanitized ? 1000 : 3000);
  PatientOrigin origin(1);
  GatewayConfig config;
  config.origin_url = origin.url();
  config.limits = "{client_head_timeout: 2s}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Crowd crowd;
  const std::string beginning = "GET /slow HTTP/1.1\r\nHost: shop.example\r\nX-Slow: ";
  for (std::size_t n = 0; n < slow; ++n) {
    Fd fd = connectFrom(n, gateway->address());
    ASSERT_TRUE(fd.valid());
    ASSERT_GT(::send(fd.get(), beginning.data(), beginning.size(), MSG_NOSIGNAL), 0);
    crowd.add(std::move(fd));
  }
  for (int n = 0; n < 20; ++n) {
    Socket good = Socket::connectTo(gateway->address());
    good.send("GET /good HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    const auto response = readResponse(good);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U);
  }
  std::size_t refused = 0;
  const auto until = Clock::now() + kPatience;
  while (refused < slow && Clock::now() < until) {
    for (const int fd : crowd.wait(1000)) {
      if (!crowd.receive(fd)) {
        EXPECT_EQ(crowd.received(fd).rfind("HTTP/1.1 408 ", 0), 0U) << crowd.received(fd);
        ++refused;
        crowd.drop(fd);
      }
    }
  }
  EXPECT_EQ(refused, slow);
  EXPECT_EQ(countExchanges(*gateway, slow + 20), slow + 20);
  gateway->expectCleanStop();
}

// Nobody but this endpoint could get them a second time: what has been sent to
// it is not kept.
TEST(CrowdTest, UploadsThatWaitForTheirAnswerAreNotKept) {
  constexpr int kUploads = 100;
  constexpr std::size_t kSize = 60000;
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool answer = false;
  OriginServer origin([&](Socket& connection) {
    if (!readRequest(connection)) {
      return;
    }
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [&] { return answer; });
    connection.send(okResponse("done"));
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  std::vector<Socket> clients;
  std::uint64_t before = 0;
  for (int n = 0; n < kUploads; ++n) {
    clients.push_back(Socket::connectTo(gateway->address()));
    clients.back().send(fmt::format("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n", kSize) +
                        std::string(kSize, 'u'));
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, kPatience, [&] { return waiting == n + 1; }));
    before = n == 0 ? memoryOf(gateway->daemon().pid(), "VmRSS") : before;
  }
  const std::uint64_t all = memoryOf(gateway->daemon().pid(), "VmRSS");
  fmt::print("{} uploads of {} bytes: {:.1f} KiB each\n", kUploads, kSize,
             static_cast<double>(all - before) / kUploads);
  if (!kSanitized) {
    EXPECT_LT(all - before, kUploads * 32);
  }
  {
    const std::lock_guard lock(mutex);
    answer = true;
  }
  changed.notify_all();
  for (Socket& client : clients) {
    const auto response = readResponse(client);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U);
  }
  gateway->expectCleanStop();
}

constexpr std::uint64_t kBig = kSanitized ? 128ULL << 20 : 1ULL << 30;
constexpr std::uint64_t kMemoryLimitKib = 100 * 1024;

void expectModestMemory(Gateway& gateway) {
  const std::uint64_t peak = memoryOf(gateway.daemon().pid(), "VmHWM");
  fmt::print("{} MiB through the daemon, which had at most {} KiB\n", kBig >> 20, peak);
  if (!kSanitized) {
    EXPECT_LT(peak, kMemoryLimitKib);
  }
}

// Reads that many bytes of `Content-Length` body and keeps none.
std::uint64_t swallow(Socket& socket, std::uint64_t most) {
  std::uint64_t total = 0;
  while (total < most) {
    if (socket.buffer().empty() && !socket.receive()) {
      break;
    }
    total += socket.buffer().size();
    socket.buffer().clear();
  }
  return total;
}

void pour(Socket& socket, std::uint64_t size) {
  const std::string block(1 << 20, 'b');
  for (; size > 0 && socket.send(block); size -= block.size()) {
  }
}

TEST(CrowdTest, BigResponseIsStreamed) {
  OriginServer origin([](Socket& connection) {
    if (readRequest(connection)) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
      pour(connection, kBig);
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send("GET /big HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
  const auto head = readHead(client);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status(), 200U);
  EXPECT_EQ(swallow(client, kBig), kBig);
  const auto event = gateway->exchangeOf(client.localPort());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->value("/http/response/body/size"_json_pointer, 0ULL), kBig);
  expectModestMemory(*gateway);
  gateway->expectCleanStop();
}

TEST(CrowdTest, BigUploadIsStreamed) {
  std::atomic<std::uint64_t> arrived = 0;
  OriginServer origin([&](Socket& connection) {
    if (readHead(connection)) {
      arrived = swallow(connection, kBig);
      connection.send(okResponse("thanks"));
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send("PUT /big HTTP/1.1\r\nHost: shop.example\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
  pour(client, kBig);
  const auto response = readResponse(client);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status(), 200U);
  EXPECT_EQ(arrived, kBig);
  const auto event = gateway->exchangeOf(client.localPort());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->value("/http/request/body/size"_json_pointer, 0ULL), kBig);
  expectModestMemory(*gateway);
  gateway->expectCleanStop();
}

// A client that reads nothing must not make the daemon hoard the response.
TEST(CrowdTest, ResponseToAReaderThatSleepsIsHeldBack) {
  std::atomic<std::uint64_t> poured = 0;
  OriginServer origin([&](Socket& connection) {
    if (readRequest(connection)) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
      poured = connection.sendUntilFull(kBig);
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address(), 8192);
  client.send("GET /big HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  const std::uint16_t port = client.localPort();
  client.awaitReadable();
  while (poured == 0) {
    std::this_thread::yield();
  }
  EXPECT_LT(poured, kBig / 4) << "the daemon took it all";
  expectModestMemory(*gateway);
  client.reset();
  EXPECT_TRUE(gateway->exchangeOf(port));
  gateway->expectCleanStop();
}

// keep_alive.idle is what stays, not what a crowd may use: connections beyond
// it serve the crowd's next requests, and are closed when those do not come.
TEST(Crowd, ConnectionsBeyondTheIdleLimitServeOnceMoreBeforeTheyGo) {
  constexpr int kTogether = 3;
  std::barrier together(kTogether);
  std::atomic<int> connections = 0;
  std::atomic<int> ended = 0;
  OriginServer origin([&](Socket& connection) {
    ++connections;
    while (const auto request = readRequest(connection)) {
      if (request->target() == "/together") {
        together.arrive_and_wait();
      }
      connection.send(okResponse("here"));
    }
    ++ended;
  });
  GatewayConfig config{.origin_url = origin.url()};
  config.origin_more = "keep_alive: {idle: 1, timeout: 1h}";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  std::vector<Socket> clients;
  for (int i = 0; i < kTogether; ++i) {
    clients.push_back(Socket::connectTo(gateway->address()));
  }
  for (int round = 0; round < 2; ++round) {
    for (Socket& client : clients) {
      client.send("GET /together HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    }
    for (Socket& client : clients) {
      const auto response = readResponse(client);
      ASSERT_TRUE(response);
      EXPECT_EQ(response->status(), 200U);
    }
  }
  EXPECT_EQ(connections, kTogether);
  const auto until = Clock::now() + kPatience;
  while (ended < kTogether - 1 && Clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(ended, kTogether - 1) << "all but one go";
  clients.front().send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  EXPECT_TRUE(readResponse(clients.front()));
  EXPECT_EQ(connections, kTogether) << "the one that stayed serves on";
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
