// SPDX-License-Identifier: Apache-2.0
// A daemon that is replaced while it serves: reloads, binary upgrades
// (SIGUSR2), and a restart through systemd's descriptor store. Nothing that a
// client has sent may be lost by any of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

// Asks without pause, on kept-alive connections, and counts.
class Clients {
 public:
  Clients(std::string address, std::size_t number) : address_(std::move(address)) {
    for (std::size_t i = 0; i < number; ++i) {
      threads_.emplace_back([this, i] { run(i % 2 == 1); });
    }
  }
  ~Clients() { stop(); }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  [[nodiscard]] std::size_t answered() const { return answered_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }
  // Until that many more have been answered.
  void awaitMore(std::size_t more) const {
    const std::size_t target = answered_ + more;
    while (answered_ < target && lost_ == 0) {
      std::this_thread::yield();
    }
  }

 private:
  void run(bool closes) {
    Socket connection;
    while (!stop_) {
      if (!connection.open()) {
        connection = Socket::connectTo(address_);
      }
      connection.send(closes ? "GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
                             : "GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n");
      const auto response = readResponse(connection);
      const bool good = response && response->complete && response->status() == 200 && response->body == "hello";
      (good ? answered_ : lost_).fetch_add(1);
      if (!good || response->field("Connection") == "close") {
        connection.close();
      }
    }
  }

  std::string address_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> answered_ = 0, lost_ = 0;
  std::vector<std::thread> threads_;
};

OriginServer::Serve always(const std::string& body) {
  return [body](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse(body));
    }
  };
}

bool says(const json& event, std::string_view text) {
  return event.value("message", "").find(text) != std::string::npos;
}

// Sends SIGUSR2 and waits until the successor has taken over; its process id.
pid_t upgrade(Gateway& gateway, pid_t pid) {
  ::kill(pid, SIGUSR2);
  const auto event = gateway.daemon().waitFor([pid](const json& candidate) {
    return says(candidate, "the successor has taken over") && candidate.value("predecessor", 0) == pid;
  });
  EXPECT_TRUE(event) << "no upgrade";
  return event ? event->value("pid", 0) : 0;
}

// The successors of a daemon, which are nobody's children until it ends. What
// a failed test leaves running is ended with this.
class Successors {
 public:
  Successors() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Successors() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
    }
  }
  Successors(const Successors&) = delete;
  Successors& operator=(const Successors&) = delete;
  void add(pid_t pid) { pids_.push_back(pid); }
  // Waits for each; their exit statuses.
  std::vector<int> ends() {
    std::vector<int> all;
    for (const pid_t pid : pids_) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      all.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    }
    pids_.clear();
    return all;
  }

 private:
  std::vector<pid_t> pids_;
};

TEST(Handover, ReloadsAndUpgradesUnderLoadLoseNothing) {
  Successors successors;
  OriginServer origin(always("hello"));
  GatewayConfig config{.origin_url = origin.url(), .workers = 2};
  config.log = "{destination: stdout, exchanges: failures}";  // else this test's reading is what holds everybody up
  auto gateway = Gateway::start(config);
  ASSERT_TRUE(gateway);
  const pid_t first = gateway->daemon().pid();
  pid_t pid = first;
  {
    Clients clients(gateway->address(), 6);
    for (int round = 0; round < 3; ++round) {
      clients.awaitMore(50);
      if (pid == first) {
        gateway->reload(config);
      } else {
        ::kill(pid, SIGHUP);
      }
      clients.awaitMore(50);
      pid = upgrade(*gateway, pid);
      ASSERT_GT(pid, 0);
      successors.add(pid);
    }
    clients.awaitMore(50);
    clients.stop();
    EXPECT_EQ(clients.lost(), 0U);
    EXPECT_GT(clients.answered(), 300U);
  }
  // The first has gone by itself; each successor ended but the last, which is told to.
  ::kill(pid, SIGTERM);
  EXPECT_EQ(successors.ends(), std::vector<int>(3, 0));
  gateway->expectCleanStop();
  std::size_t stops = 0;
  for (const json& event : gateway->daemon().events()) {
    stops += event.value("event", "") == "stop" && event.value("connections_cut", 1) == 0 ? 1U : 0U;
    EXPECT_EQ(causeOf(event), "") << event.dump();
  }
  EXPECT_EQ(stops, 4U);
}

// Who waits in a listener's queue when the last client has gone is somebody.
TEST(Handover, WhoIsQueuedAtAStopIsAnswered) {
  OriginServer origin(always("hello"));
  const GatewayConfig config{.origin_url = origin.url(), .workers = 2};
  for (int round = 0; round < 20; ++round) {
    auto gateway = Gateway::start(config);
    ASSERT_TRUE(gateway);
    const pid_t pid = gateway->daemon().pid();
    ::kill(pid, SIGSTOP);
    Socket client = Socket::connectTo(gateway->address());
    client.send("GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    ::kill(pid, SIGTERM);
    ::kill(pid, SIGCONT);
    const auto response = readResponse(client);
    ASSERT_TRUE(response) << "round " << round << ", end " << static_cast<int>(client.end());
    EXPECT_EQ(response->body, "hello");
    gateway->expectCleanStop();
  }
}

TEST(Handover, ListenersOnPortZeroHaveEachTheirOwn) {
  Successors successors;
  OriginServer origin(always("hello"));
  GatewayConfig config{.origin_url = origin.url(), .workers = 2};
  config.more_listeners = ", {address: \"127.0.0.1:0\"}";
  auto gateway = Gateway::start(config);
  ASSERT_TRUE(gateway);
  const std::vector<std::string> addresses = gateway->daemon().listeners();
  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_NE(addresses[0], addresses[1]);
  const auto answers = [](const std::string& address) {
    Socket client = Socket::connectTo(address);
    client.send("GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    const auto response = readResponse(client);
    if (!response || response->body != "hello") {
      ADD_FAILURE() << address << ": open " << client.open() << ", end " << static_cast<int>(client.end()) << ", "
                    << (response ? response->start_line + " " + response->fault + " " + response->body : "nothing");
      return false;
    }
    return true;
  };
  const auto both_answer = [&] { return answers(addresses[0]) && answers(addresses[1]); };
  EXPECT_TRUE(both_answer());
  gateway->reload(config);
  EXPECT_TRUE(both_answer()) << "after a reload";

  const pid_t successor = upgrade(*gateway, gateway->daemon().pid());
  ASSERT_GT(successor, 0);
  successors.add(successor);
  EXPECT_TRUE(both_answer()) << "after an upgrade";

  config.more_listeners = "";
  gateway->directory().write("gatewhy.yaml", toYaml(config));
  ::kill(successor, SIGHUP);
  const auto reloaded = gateway->daemon().waitFor(
      [](const json& event) { return event.value("event", "") == "reload" && event["listeners"].size() == 1; });
  ASSERT_TRUE(reloaded);
  EXPECT_EQ(reloaded->at("listeners").at(0), addresses[0]) << "the first stays";
  ::kill(successor, SIGTERM);
  EXPECT_EQ(successors.ends(), std::vector<int>(1, 0));
  gateway->expectCleanStop();
}

TEST(Handover, ASuccessorThatCannotStartChangesNothing) {
  OriginServer origin(always("hello"));
  auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_TRUE(gateway);
  Clients clients(gateway->address(), 2);
  gateway->directory().write("gatewhy.yaml", "listeners: 7\n");
  gateway->daemon().signal(SIGUSR2);
  const auto event =
      gateway->daemon().waitFor([](const json& candidate) { return says(candidate, "upgrade: failed"); });
  ASSERT_TRUE(event);
  EXPECT_EQ(event->value("problem", ""), "it ended with status 78");
  clients.awaitMore(20);
  clients.stop();
  EXPECT_EQ(clients.lost(), 0U);
  gateway->daemon().stop();
}

// ---- the service manager ----------------------------------------------

// Plays systemd: a notify socket, and the descriptor store behind it.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  // Messages up to and with the first that contains `text`; "" where none came.
  std::string awaitText(std::string_view text) {
    for (;;) {
      const std::string message = receive();
      if (message.empty() || message.find(text) != std::string::npos) {
        return message;
      }
    }
  }
  [[nodiscard]] std::vector<Fd>& stored() { return stored_; }
  [[nodiscard]] const std::string& storedName() const { return stored_name_; }

 private:
  std::string receive() {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
    const std::string said(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr; part_of = CMSG_NXTHDR(&message, part_of)) {
      const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part_of) + i * sizeof fd, sizeof fd);
        stored_.emplace_back(fd);
      }
      stored_name_ = said.substr(said.find("FDNAME=") + 7);
    }
    return said;
  }

  Fd fd_;
  std::vector<Fd> stored_;
  std::string stored_name_;
};

TEST(Handover, TheServiceManagerIsToldAndKeepsTheSockets) {
  OriginServer origin(always("hello"));
  const PemDirectory directory;
  NotifySocket notify(directory.path() + "/notify");
  const std::string file = directory.write("gatewhy.yaml", toYaml({.origin_url = origin.url(), .workers = 2}));
  ChildOptions options;
  options.environment = {{"NOTIFY_SOCKET", directory.path() + "/notify"}, {"WATCHDOG_USEC", "300000"}};
  auto started = DaemonProcess::start(file, options);
  ASSERT_TRUE(started) << started.error();
  DaemonProcess& daemon = **started;

  EXPECT_NE(notify.awaitText("READY=1").find("STATUS="), std::string::npos);
  ASSERT_EQ(notify.stored().size(), 2U) << "one socket per worker";
  EXPECT_EQ(notify.storedName(), "127.0.0.1_0");
  EXPECT_NE(notify.awaitText("WATCHDOG=1"), "");
  EXPECT_NE(notify.awaitText("STATUS=0 client connections"), "");
  daemon.signal(SIGHUP);
  EXPECT_NE(notify.awaitText("RELOADING=1").find("MONOTONIC_USEC="), std::string::npos);
  EXPECT_NE(notify.awaitText("READY=1"), "");
  daemon.signal(SIGTERM);
  EXPECT_NE(notify.awaitText("STOPPING=1"), "");
  EXPECT_NE(notify.awaitText("EXTEND_TIMEOUT_USEC="), "");
  EXPECT_EQ(daemon.stop(), 0);

  // Between the two processes: the store keeps the queue, so the client waits.
  Socket client = Socket::connectTo(daemon.listeners().front());
  client.send("GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
  // Passed as systemd passes them: from 3 on, for a process that a shell has become.
  ChildOptions again;
  again.arguments = {"/bin/sh", "-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""};
  again.environment = {{"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "127.0.0.1_0:127.0.0.1_0"}};
  again.inherited = {notify.stored()[0].get(), notify.stored()[1].get()};
  auto restarted = DaemonProcess::start(file, again);
  ASSERT_TRUE(restarted) << restarted.error();
  EXPECT_EQ((*restarted)->listeners(), daemon.listeners()) << "port 0, and yet the same port";
  const auto response = readResponse(client);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ((*restarted)->stop(), 0);
}

}  // namespace
}  // namespace gatewhy::test
