// SPDX-License-Identifier: Apache-2.0
// The admin listener of the real binary: what it answers, to whom, and what
// goes on while others depend on it.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "proxy/net/address.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class AdminTest : public testing::Test {
 protected:
  void start(GatewayConfig config = {}) {
    if (config.origin_url.empty()) {
      config.origin_url = "http://127.0.0.1:9";  // nobody listens there
    }
    config.admin = "{address: \"127.0.0.1:0\"}";
    config_ = config;
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
    ASSERT_NE(admin(), "");
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }
  [[nodiscard]] const std::string& admin() const { return gateway_->daemon().adminAddress(); }
  [[nodiscard]] std::optional<WireMessage> ask(const std::string& bytes) const {
    Socket socket = Socket::connectTo(admin());
    socket.send(bytes);
    return readResponse(socket);
  }
  [[nodiscard]] std::string get(const std::string& path, const std::string& fields = "") const {
    const auto answer = ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n");
    return answer && answer->status() == 200 ? answer->body : "";
  }
  [[nodiscard]] unsigned statusOf(const std::string& bytes) const {
    const auto answer = ask(bytes);
    return answer ? answer->status() : 0;
  }
  void fail(const std::string& path) const {
    Socket client = Socket::connectTo(gateway_->address());
    client.send("GET " + path + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(readResponse(client));
    client.receiveToEnd();  // the answer leaves before its event is kept, the FIN behind it
  }

  GatewayConfig config_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(AdminTest, ServesHealthToKeptAliveAndPipeliningClients) {
  start();
  Socket socket = Socket::connectTo(admin());
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  socket.send(request + request + "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (const char* body : {"alive\n", "alive\n", "ready\n"}) {
    const auto answer = readResponse(socket);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status(), 200U);
    EXPECT_EQ(answer->body, body);
    EXPECT_EQ(answer->fault, "");
  }
  socket.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = readResponse(socket, true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status(), 200U);
  EXPECT_NE(head->field("Content-Length"), "0");
}

TEST_F(AdminTest, RefusesWhatIsNotForIt) {
  start();
  EXPECT_EQ(statusOf("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421U);
  EXPECT_EQ(statusOf("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"), 200U);
  EXPECT_EQ(statusOf("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404U);
  EXPECT_EQ(statusOf("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"), 403U);
  EXPECT_EQ(statusOf("POST /healthz HTTP/1.1\r\nHost: localhost\r\nX-Gatewhy-Action: 1\r\n\r\n"), 405U);
  EXPECT_EQ(statusOf("DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405U);
  EXPECT_EQ(statusOf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"), 413U);
  EXPECT_EQ(statusOf("GET /healthz?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /healthz?%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /api/v1/events?limit=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /api/v1/events?since=yesterday HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /api/v1/events?of_each=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /api/v1/events?of_each=1&since=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n"), 400U);
  EXPECT_EQ(statusOf("GET /healthz HTTP/1.1\r\n\r\n"), 400U) << "Host is required";
  EXPECT_EQ(statusOf("GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400U);
  const auto page = ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(page);
  EXPECT_THAT(page->field("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page->field("Content-Security-Policy"), testing::Not(HasSubstr("unsafe")));
  EXPECT_EQ(page->count("Access-Control-Allow-Origin"), 0U);
}

TEST_F(AdminTest, KeepsFailures) {
  start();
  fail("/first");
  fail("/second");
  const json all = json::parse(get("/api/v1/events"));
  ASSERT_EQ(all["events"].size(), 2U);
  const json& first = all["events"][0];
  EXPECT_EQ(first["url"]["path"], "/first");
  EXPECT_EQ(first["diagnosis"]["cause"], "connection_refused");
  EXPECT_EQ(first["id"].get<std::uint64_t>() + 1, all["events"][1]["id"].get<std::uint64_t>());
  EXPECT_EQ(all["next"], all["events"][1]["id"]);
  const auto logged = gateway_->exchangeOf(first["request_id"].get<std::string>());
  ASSERT_TRUE(logged);
  json without_id = first;
  without_id.erase("id");
  EXPECT_EQ(without_id, *logged) << "the event as it was logged";

  const auto size = [&](const std::string& query) {
    return json::parse(get("/api/v1/events?" + query))["events"].size();
  };
  EXPECT_EQ(size("request_id=" + first["request_id"].get<std::string>()), 1U);
  EXPECT_EQ(size("since=" + first["id"].dump()), 1U);
  EXPECT_EQ(size("since=" + first["timestamp"].get<std::string>()), 2U);
  EXPECT_EQ(size("since=2999-01-01T00:00:00Z"), 0U);
  EXPECT_EQ(size("cause=response_timeout"), 0U);
  EXPECT_EQ(size("origin=origin&limit=1"), 1U);
  EXPECT_EQ(size("of_each=1"), 1U);

  const json origins = json::parse(get("/api/v1/origins"));
  const json& origin = origins["origins"][0];
  EXPECT_EQ(origin["causes"], json({{"connection_refused", 2}}));
  EXPECT_EQ(origin["exchanges"], 2);
  EXPECT_EQ(origin["endpoints"][0]["state"], "failing");
  EXPECT_EQ(origin["endpoints"][0]["failures"], json({{"connection_refused", 2}}));
  EXPECT_EQ(origin["endpoints"][0]["rescued"], json::object());
  EXPECT_EQ(origin["endpoints"][0]["last_failure"]["cause"], "connection_refused");
  EXPECT_EQ(origin["last_failure"]["cause"], "connection_refused");
  const json history = json::parse(get("/api/v1/history"));
  EXPECT_EQ(history["origins"][0]["causes"]["connection_refused"].size(), 120U);
  EXPECT_EQ(json::parse(get("/api/v1/status"))["readiness"], "ready");
  EXPECT_GT(json::parse(get("/api/v1/causes"))["causes"].size(), 100U);
}

TEST_F(AdminTest, PoolIsSeen) {
  OriginServer origin([](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse("fine"));
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  start(config);
  fail("/");  // does not: the connection is parked then
  const json endpoint = json::parse(get("/api/v1/origins"))["origins"][0]["endpoints"][0];
  EXPECT_EQ(endpoint["connections"]["idle"], 1);
  EXPECT_EQ(endpoint["connections"]["in_use"], 0);
  EXPECT_THAT(get("/metrics"), HasSubstr("gatewhy_origin_connections{origin=\"origin\",state=\"idle\"} 1\n"));
}

TEST_F(AdminTest, StreamsFailuresAndGoesOnWhereAReaderLeft) {
  start();
  Socket stream = Socket::connectTo(admin());
  stream.send("GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(stream.receiveUntil("retry: 2000\n\n"));
  EXPECT_THAT(stream.buffer(), HasSubstr("Content-Type: text/event-stream\r\n"));
  fail("/one");
  ASSERT_TRUE(stream.receiveUntil("\"path\":\"/one\""));
  ASSERT_TRUE(stream.receiveUntil("}\n\n"));
  const std::size_t at = stream.buffer().find("\nid: ") + 5;
  const std::string id = stream.buffer().substr(at, stream.buffer().find('\n', at) - at);
  stream.close();
  fail("/two");
  Socket again = Socket::connectTo(admin());
  again.send("GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: " + id + "\r\n\r\n");
  ASSERT_TRUE(again.receiveUntil("\"path\":\"/two\""));
  EXPECT_EQ(again.buffer().find("\"/one\""), std::string::npos);
}

TEST_F(AdminTest, CountersGoOnOverAReload) {
  start();
  fail("/before");
  GatewayConfig changed = config_;
  changed.more = "routes: [{path: /fixed, respond: {status: 204}}, {origin: origin}]\n";
  gateway_->reload(changed);
  fail("/after");
  const std::string metrics = get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("gatewhy_exchanges_total{route=\"*\",origin=\"origin\",code=\"521\"} 2\n"));
  EXPECT_THAT(metrics, HasSubstr("gatewhy_exchanges_total{route=\"*/fixed\",origin=\"\",code=\"204\"} 0\n"));
  EXPECT_THAT(metrics,
              HasSubstr("gatewhy_diagnoses_total{origin=\"origin\",cause=\"response_timeout\",status=\"524\"} 0\n"))
      << "there before it happens";
  EXPECT_THAT(metrics, HasSubstr("gatewhy_retries_total{origin=\"origin\",cause=\"stale_connection\"} 0\n"));
  EXPECT_THAT(metrics,
              HasSubstr("gatewhy_findings_total{origin=\"origin\",finding=\"401_without_www_authenticate\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("gatewhy_config_last_reload_successful 1\n"));
  changed.more = "routes: [{origin: nowhere}]\n";
  gateway_->reload(changed);
  EXPECT_THAT(get("/metrics"), HasSubstr("gatewhy_config_last_reload_successful 0\n"));
}

TEST_F(AdminTest, ReloadCommandWaitsAndTellsTheOutcome) {
  start();
  const auto reload = [&](std::string& output) {
    ChildOptions options;
    options.arguments = {GATEWHY_BINARY, "reload", "--admin", admin()};
    auto child = ChildProcess::start(options, [&](const std::string& line) { output += line + "\n"; });
    const auto status = child ? (*child)->wait() : std::optional<int>();
    output += child ? (*child)->standardError() : "";
    return status;
  };
  std::string output;
  EXPECT_EQ(reload(output), 0);
  EXPECT_EQ(output, "reloaded\n");
  GatewayConfig changed = config_;
  changed.more = "routes: [{origin: nowhere}]\n";
  gateway_->directory().write("gatewhy.yaml", toYaml(changed));
  output.clear();
  EXPECT_EQ(reload(output), 1);
  EXPECT_THAT(output, HasSubstr("unknown origin 'nowhere'"));
  EXPECT_THAT(output, HasSubstr("the running configuration stays in force"));
  EXPECT_EQ(json::parse(get("/api/v1/status"))["config"]["reloads"], 1) << "the daemon was not asked";
  gateway_->reload(changed);
  const json config = json::parse(get("/api/v1/status"))["config"];
  EXPECT_EQ(config["reloads"], 2);
  EXPECT_EQ(config["last_reload"]["outcome"], "refused");
  EXPECT_EQ(config["generations"], 1);
  EXPECT_THAT(get("/metrics"), HasSubstr("gatewhy_config_generations 1\n"));
}

// The longest idle one makes room; a probe never finds the door shut.
TEST_F(AdminTest, SilentConnectionsGiveWay) {
  start();
  std::vector<Socket> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(Socket::connectTo(admin()));
    ASSERT_TRUE(silent.back().open());
    if (i % 2 == 0) {
      silent.back().send("GET /healthz HT");  // a head that never ends is no more
    }
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(get("/healthz"), "alive\n");
    EXPECT_EQ(get("/readyz"), "ready\n");
  }
  silent.front().receiveToEnd();
  EXPECT_NE(silent.front().end(), Socket::End::Late) << "the first of them was let go";
}

// What readers do not take is bounded in all, whoever they are.
TEST_F(AdminTest, ReadersWhoDoNotReadCostLittle) {
  start();
  const std::string path = "/" + std::string(1900, 'x');
  for (int i = 0; i < 1000; ++i) {
    fail(path);
  }
  ASSERT_GT(get("/api/v1/events?limit=2000").size(), 2000000U);
  const auto resident = [&] {
    std::ifstream file(fmt::format("/proc/{}/statm", gateway_->daemon().pid()));
    std::uint64_t size = 0;
    std::uint64_t pages = 0;
    file >> size >> pages;
    return pages * static_cast<std::uint64_t>(::getpagesize());
  };
  const std::uint64_t before = resident();
  std::vector<Socket> readers;
  for (int i = 0; i < 120; ++i) {
    readers.push_back(Socket::connectTo(admin(), 4096));
    readers.back().send("GET /api/v1/events?limit=2000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  EXPECT_EQ(get("/healthz"), "alive\n");
  if (!kSanitized) {
    EXPECT_LT(resident() - std::min(before, resident()), 64U << 20U);
  }
  const auto busy = ask("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->status(), 503U);
  EXPECT_EQ(busy->field("Retry-After"), "1");
  readers.clear();
  EXPECT_EQ(get("/healthz"), "alive\n");
}

// Reads what comes and drops it; how many connections the other side has ended
// when all of them are over, or kPatience is.
std::size_t drain(const std::vector<Socket>& sockets) {
  std::vector<pollfd> open;
  for (const Socket& socket : sockets) {
    open.push_back({.fd = socket.fd(), .events = POLLIN, .revents = 0});
  }
  std::vector<char> bytes(1U << 16U);
  std::size_t ended = 0;
  while (!open.empty() &&
         ::poll(open.data(), open.size(), static_cast<int>(kPatience / std::chrono::milliseconds(1))) > 0) {
    std::erase_if(open, [&](const pollfd& ready) {
      const ssize_t size = ready.revents == 0 ? 1 : ::recv(ready.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
      ended += size == 0 ? 1 : 0;
      return size == 0 || (size < 0 && errno != EAGAIN);
    });
  }
  return ended;
}

// However much is asked for at once, a probe waits for one page at most.
TEST_F(AdminTest, ProbesDoNotWaitForPages) {
  start();
  std::string many;
  for (int i = 0; i < 1100; ++i) {  // as many as are read at once
    many += "GET /api/v1/origins HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  many += "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  std::vector<Socket> askers;
  for (int i = 0; i < 30; ++i) {
    askers.push_back(Socket::connectTo(admin()));
    askers.back().send(many);
  }
  std::size_t ended = 0;
  std::thread reader([&] { ended = drain(askers); });
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(get("/healthz"), "alive\n");
    EXPECT_EQ(get("/readyz"), "ready\n");
  }
  const auto probed = std::chrono::steady_clock::now() - began;
  reader.join();
  EXPECT_EQ(ended, askers.size()) << "who asks for pages gets them";
  const auto all = std::chrono::steady_clock::now() - began;
  fmt::print("ten probes took {} ms of {}\n", probed / std::chrono::milliseconds(1),
             all / std::chrono::milliseconds(1));
  EXPECT_LT(probed * 4, all);
}

TEST_F(AdminTest, MetricsAreWellFormed) {
  start();
  fail("/");
  const std::string text = get("/metrics");
  ASSERT_THAT(text, HasSubstr("# TYPE gatewhy_exchanges_total counter\n"));
  const std::string open = get("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
  EXPECT_THAT(open, HasSubstr("# TYPE gatewhy_exchanges counter\n"));
  EXPECT_THAT(open, HasSubstr(" # {trace_id=\""));
  EXPECT_THAT(open, testing::EndsWith("\n# EOF\n"));
  if (::access("/usr/bin/promtool", X_OK) != 0) {
    GTEST_SKIP() << "promtool (Debian: prometheus) is not installed on this machine";
  }
  ChildOptions options;
  const std::string file = gateway_->directory().write("metrics", text);
  options.arguments = {"/bin/sh", "-c", "promtool check metrics < " + file};
  std::string output;
  auto child = ChildProcess::start(options, [&output](const std::string& line) { output += line + "\n"; });
  ASSERT_TRUE(child) << child.error();
  EXPECT_EQ((*child)->wait(), std::optional(0)) << output;
  EXPECT_EQ(output + (*child)->standardError(), "");
}

TEST_F(AdminTest, IsNotReadyWhileDraining) {
  GatewayConfig config;
  config.drain = "{delay: 30s, timeout: 5s}";
  start(config);
  EXPECT_EQ(get("/readyz"), "ready\n");
  gateway_->daemon().signal(SIGTERM);
  ASSERT_TRUE(gateway_->daemon().waitFor([](const json& event) { return event.value("event", "") == "drain"; }));
  const auto answer = ask("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status(), 503U);
  EXPECT_EQ(answer->body, "draining\n");
  EXPECT_EQ(get("/healthz"), "alive\n");
}

TEST_F(AdminTest, SuccessorTakesTheListenerOver) {
  start();
  const std::string before = admin();
  gateway_->daemon().signal(SIGUSR2);
  const auto again = [first = true](const json& event) mutable {
    return event.value("event", "") == "start" && !std::exchange(first, false);
  };
  const auto started = gateway_->daemon().waitFor(again);
  ASSERT_TRUE(started);
  EXPECT_EQ(started->value("admin", ""), before);
  ASSERT_TRUE(gateway_->daemon().waitFor([](const json& event) { return event.value("event", "") == "stop"; }));
  EXPECT_EQ(get("/readyz"), "ready\n");
  const auto handed = gateway_->daemon().waitFor([](const json& event) {
    return event.value("message", "").find("the successor has taken over") != std::string::npos;
  });
  ASSERT_TRUE(handed);
  ::kill(handed->value("pid", 0), SIGTERM);  // it holds the output's other end
}

TEST(AdminAddress, BusyDefaultIsNoReasonNotToServe) {
  const ListeningSocket nobody;
  // Taken by this or, where it is taken already, by another.
  const Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = Address::parse("127.0.0.1:9180");
  if (::bind(taken.get(), address->get(), address->size) == 0) {
    ASSERT_EQ(::listen(taken.get(), 1), 0);
  }
  const PemDirectory directory;
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.admin = "{}";
  auto daemon = DaemonProcess::start(directory.write("gatewhy.yaml", toYaml(config)));
  ASSERT_TRUE(daemon) << daemon.error();
  EXPECT_EQ((*daemon)->adminAddress(), "");
  EXPECT_TRUE((*daemon)->waitFor([](const json& event) {
    return event.value("severity", "") == "WARN" && event.value("message", "").find("no admin listener") == 0;
  }));
  expectCleanEnd(**daemon, (*daemon)->stop());
}

TEST(AdminAddress, BusyConfiguredOneIs) {
  const ListeningSocket taken;
  const PemDirectory directory;
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.admin = fmt::format("{{address: \"{}\"}}", taken.address());
  ChildOptions options;
  options.arguments = {GATEWHY_BINARY, "run", "-c", directory.write("gatewhy.yaml", toYaml(config))};
  auto child = ChildProcess::start(options, [](const std::string&) {});
  ASSERT_TRUE(child) << child.error();
  EXPECT_EQ((*child)->wait(), std::optional(1));
  EXPECT_THAT((*child)->standardError(), HasSubstr("cannot listen on " + taken.address()));
  EXPECT_THAT((*child)->standardError(),
              HasSubstr(fmt::format(": taken by {} (pid {})", program_invocation_short_name, ::getpid())))
      << "who it is that listens there";
}

TEST(AdminAddress, UnixSocketIsNotForEverybody) {
  const PemDirectory directory;
  const std::string path = directory.path() + "/admin.sock";
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.admin = "{address: \"unix:" + path + "\"}";
  auto daemon = DaemonProcess::start(directory.write("gatewhy.yaml", toYaml(config)));
  ASSERT_TRUE(daemon) << daemon.error();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  const auto address = Address::unixPath(path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(fd.get(), address->get(), address->size), 0);
  Socket socket(std::move(fd));
  socket.send("GET /healthz HTTP/1.1\r\nHost: anything.example\r\n\r\n");
  const auto answer = readResponse(socket);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "alive\n") << "no browser's page comes through a unix socket";
  expectCleanEnd(**daemon, (*daemon)->stop());
}

TEST_F(AdminTest, PageLivesInChromium) {
  const std::string modules = std::string(GATEWHY_SOURCE_DIR) + "/tests/npm/node_modules";
  for (const std::string& needed :
       {std::string("/usr/bin/chromium"), std::string("/usr/bin/node"), modules + "/playwright-core"}) {
    if (!std::filesystem::exists(needed)) {
      GTEST_SKIP() << needed << " is not installed on this machine (make test-deps)";
    }
  }
  start();
  ChildOptions options;
  options.environment = {{"NODE_PATH", modules}};
  options.arguments = {"/usr/bin/node", std::string(GATEWHY_SOURCE_DIR) + "/tests/integration/admin_page.js",
                       "/usr/bin/chromium", "http://" + admin() + "/", "http://" + gateway_->address()};
  if (const char* screenshots = std::getenv("GATEWHY_SCREENSHOTS")) {
    options.arguments.emplace_back(screenshots);
  }
  std::string output;
  auto child = ChildProcess::start(options, [&output](const std::string& line) { output += line + "\n"; });
  ASSERT_TRUE(child) << child.error();
  EXPECT_EQ((*child)->wait(), std::optional(0));
  EXPECT_EQ(output, "ok\n") << (*child)->standardError();
}

}  // namespace
}  // namespace gatewhy::test
