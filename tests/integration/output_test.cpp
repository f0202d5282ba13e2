// SPDX-License-Identifier: Apache-2.0
// What goes out beside the traffic: events to their destination, and to the
// client as much about a failure as the configuration allows.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

std::optional<WireMessage> ask(const std::string& address, const std::string& path, const std::string& fields = "") {
  Socket client = Socket::connectTo(address);
  client.send("GET " + path + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n" + fields + "\r\n");
  return readResponse(client);
}

// ---- where events go --------------------------------------------------

std::string contentOf(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream(file).rdbuf();
  return content.str();
}

// Waits for changes in a directory, not for time to pass.
class DirectoryWatch {
 public:
  explicit DirectoryWatch(const std::string& directory) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    ::inotify_add_watch(fd_.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  }
  // Until `file` contains the text.
  bool awaitText(const std::filesystem::path& file, const std::string& text) {
    while (contentOf(file).find(text) == std::string::npos) {
      pollfd waiting{fd_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) {
        return false;
      }
      std::array<char, 4096> events{};
      while (::read(fd_.get(), events.data(), events.size()) > 0) {
      }
    }
    return true;
  }

 private:
  Fd fd_;
};

// The address of the listener, out of the start event.
std::string listenerIn(const std::string& log) {
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line, nullptr, false);
    if (event.is_object() && event.value("event", "") == "start") {
      return event.value("listeners", std::vector<std::string>{""}).front();
    }
  }
  return "";
}

TEST(OutputTest, FileIsReopenedAfterRotation) {
  const PemDirectory directory;
  const std::filesystem::path log = std::filesystem::path(directory.path()) / "events.log";
  const std::filesystem::path rotated = std::filesystem::path(directory.path()) / "events.log.1";
  DirectoryWatch watch(directory.path());
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.log = "{destination: \"" + log.string() + "\"}";
  config.more = "routes: [{respond: {status: 204}}]\n";
  ChildOptions options;
  options.arguments = {GATEWHY_BINARY, "run", "-c", directory.write("gatewhy.yaml", toYaml(config))};
  std::string output;
  auto child = ChildProcess::start(options, [&output](const std::string& line) { output += line; });
  ASSERT_TRUE(child) << child.error();
  ASSERT_TRUE(watch.awaitText(log, "\"start\"")) << (*child)->standardError();
  const std::string address = listenerIn(contentOf(log));
  ASSERT_NE(address, "");
  ASSERT_TRUE(ask(address, "/first"));
  ASSERT_TRUE(watch.awaitText(log, "/first"));
  std::filesystem::rename(log, rotated);
  ASSERT_TRUE(ask(address, "/second"));
  EXPECT_TRUE(watch.awaitText(rotated, "/second")) << "the old file until it is told";
  (*child)->signal(SIGUSR1);
  // Which event is the first in the new file depends on when the signal comes
  // through; that the file appears does not.
  for (int n = 0; n < 10000 && !std::filesystem::exists(log); ++n) {
    ASSERT_TRUE(ask(address, "/between"));
  }
  ASSERT_TRUE(ask(address, "/third"));
  EXPECT_TRUE(watch.awaitText(log, "/third"));
  EXPECT_EQ(contentOf(rotated).find("/third"), std::string::npos);
  (*child)->signal(SIGTERM);
  EXPECT_EQ((*child)->wait(), std::optional(0));
  EXPECT_NE(contentOf(log).find("\"stop\""), std::string::npos);
  EXPECT_EQ(output, "") << "nothing on standard output";
  std::istringstream all(contentOf(rotated) + contentOf(log));
  for (std::string line; std::getline(all, line);) {
    EXPECT_TRUE(json::parse(line, nullptr, false).is_object()) << line;
  }
}

TEST(OutputTest, StandardErrorIsADestination) {
  const PemDirectory directory;
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.log = "{destination: stderr}";
  ChildOptions options;
  options.arguments = {GATEWHY_BINARY, "run", "-c", directory.write("gatewhy.yaml", toYaml(config))};
  std::string output;
  auto child = ChildProcess::start(options, [&output](const std::string& line) { output += line; });
  ASSERT_TRUE(child) << child.error();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (listenerIn((*child)->standardError()).empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(ask(listenerIn((*child)->standardError()), "/here"));
  (*child)->signal(SIGTERM);
  EXPECT_EQ((*child)->wait(), std::optional(0));
  EXPECT_NE((*child)->standardError().find("\"path\":\"/here\""), std::string::npos);
  EXPECT_EQ(output, "");
}

TEST(OutputTest, FailuresOnlyAreLoggedWhereThatIsWanted) {
  GatewayConfig config;
  config.origin_url = "http://127.0.0.1:9";
  config.log = "{destination: stdout, exchanges: failures}";
  config.more = "routes: [{path: /good, respond: {status: 200}}, {origin: origin}]\n";
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  ASSERT_TRUE(ask(gateway->address(), "/good"));
  const auto bad = ask(gateway->address(), "/bad");
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->status(), 521U);
  gateway->expectCleanStop();
  ASSERT_EQ(gateway->exchanges().size(), 1U);
  EXPECT_EQ(causeOf(gateway->exchanges().front()), "connection_refused");
}

// ---- what the client is told ------------------------------------------

// A gateway whose origin fails in six ways, by path.
class DiscloseTest : public testing::Test {
 protected:
  static constexpr std::string_view kSecretName = "internal-db-7.test";
  struct Failure {
    std::string path;
    std::string cause;
    unsigned extended;
    unsigned standard;
    std::string proxy_error;
  };
  const std::vector<Failure> failures_ = {
      {"/refused/", "connection_refused", 521, 502, "connection_refused"},
      {"/garbage/", "response_not_http", 520, 502, "http_protocol_error"},
      {"/empty/", "empty_response", 520, 502, "connection_terminated"},
      {"/silent/", "response_timeout", 524, 504, "http_response_timeout"},
      {"/framing/", "response_framing_invalid", 520, 502, "http_protocol_error"},
      {"/name/", "dns_nxdomain", 523, 502, "dns_error"},
      {"/certificate/", "tls_not_spoken", 525, 502, "tls_protocol_error"},
  };

  void start(const std::string& diagnostics) {
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.origin_more = "timeouts: {response_head: 300ms}\nretry: {attempts: 0}";
    config.diagnostics = diagnostics;
    config.more = "routes:\n";
    for (const auto* name : {"refused", "name", "certificate"}) {
      config.more += "  - {path: /" + std::string(name) + "/, origin: " + name + "}\n";
    }
    config.more += "  - {origin: origin}\ndns: {servers: [\"127.0.0.1:1\"], hosts_file: true}\n";
    config.more_origins =
        "  refused: {endpoints: [\"http://127.0.0.1:" + std::to_string(closed_port_) +
        "\"]}\n  name: {endpoints: [\"http://" + std::string(kSecretName) +
        ":8123\"]}\n  certificate: {endpoints: [\"https://127.0.0.1:" + std::to_string(origin_.port()) + "\"]}\n";
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }

  static void serve(Socket& connection) {
    constexpr char kTlsHandshake = '\x16';
    if (!connection.receive() || connection.buffer().front() == kTlsHandshake) {
      connection.send("HTTP/1.1 400 What\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const auto request = readRequest(connection);
    if (!request) {
      return;
    }
    if (request->target() == "/garbage/") {
      connection.send("SECRET-BANNER 10.11.12.13 is not HTTP\r\n\r\n");
    } else if (request->target() == "/framing/") {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nX-Secret: SECRET-FIELD\r\n\r\n");
    } else if (request->target() == "/silent/") {
      connection.receiveToEnd();
    }
  }

  // The origin's whereabouts and words, which are nobody's business.
  void expectNothingInternal(const WireMessage& response) const {
    std::string all = response.start_line + "\n" + response.body;
    for (const auto& [name, value] : response.fields) {
      all += "\n" + name + ": " + value;
    }
    // Random digits may be those of a port.
    const std::string id = response.field("X-Request-ID");
    for (std::size_t at = 0; !id.empty() && (at = all.find(id)) != std::string::npos;) {
      all.erase(at, id.size());
    }
    for (const std::string& secret :
         {std::string("127.0.0.1"), std::to_string(origin_.port()), std::to_string(closed_port_),
          std::string(kSecretName), std::string("internal-db"), std::string("8123"), std::string("SECRET"),
          std::string("10.11.12.13"), std::string("ECONNREFUSED"), std::string("errno"),
          gateway_->directory().path()}) {
      EXPECT_EQ(all.find(secret), std::string::npos) << secret << " in\n" << all;
    }
  }

  OriginServer origin_{serve};
  std::uint16_t closed_port_ = ListeningSocket().port();
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(DiscloseTest, NoneLeavesStatusAndRequestId) {
  start("{disclose: none}");
  for (const Failure& failure : failures_) {
    for (const auto* accept : {"text/html", "application/problem+json", "text/plain"}) {
      SCOPED_TRACE(failure.path + " as " + accept);
      const auto response = ask(gateway_->address(), failure.path, std::string("Accept: ") + accept + "\r\n");
      ASSERT_TRUE(response);
      EXPECT_GE(response->status(), 500U);
      EXPECT_EQ(response->count("X-Request-ID"), 1U);
      expectNothingInternal(*response);
      EXPECT_EQ(response->body.find(failure.cause), std::string::npos) << response->body;
      EXPECT_EQ(response->field("Proxy-Status").find("details"), std::string::npos);
    }
  }
  gateway_->expectCleanStop();
}

TEST_F(DiscloseTest, CauseNamesTheCauseAndNoPlace) {
  start("{disclose: cause}");
  for (const Failure& failure : failures_) {
    for (const auto* accept : {"text/html", "application/problem+json", "text/plain"}) {
      SCOPED_TRACE(failure.path + " as " + accept);
      const auto response = ask(gateway_->address(), failure.path, std::string("Accept: ") + accept + "\r\n");
      ASSERT_TRUE(response);
      expectNothingInternal(*response);
      EXPECT_NE(response->body.find(response->field("X-Request-ID")), std::string::npos) << response->body;
      EXPECT_EQ(response->field("Proxy-Status").find("details"), std::string::npos);
    }
  }
  gateway_->expectCleanStop();
}

TEST_F(DiscloseTest, StatusesFollowTheProfile) {
  for (const bool extended : {true, false}) {
    start(extended ? "{profile: extended}" : "{profile: standard}");
    for (const Failure& failure : failures_) {
      if (failure.path == "/name/") {
        continue;  // without a DNS server there is no NXDOMAIN
      }
      SCOPED_TRACE(failure.path);
      const auto response = ask(gateway_->address(), failure.path, "Accept: application/problem+json\r\n");
      ASSERT_TRUE(response);
      EXPECT_EQ(response->status(), extended ? failure.extended : failure.standard);
      EXPECT_EQ(response->field("Content-Type"), "application/problem+json");
      EXPECT_EQ(response->field("Cache-Control"), "no-store");
      EXPECT_NE(response->field("Proxy-Status").find("error=" + failure.proxy_error), std::string::npos)
          << response->field("Proxy-Status");
      const json problem = json::parse(response->body, nullptr, false);
      ASSERT_TRUE(problem.is_object()) << response->body;
      EXPECT_EQ(problem.value("cause", ""), failure.cause);
      EXPECT_EQ(problem.value("status", 0U), response->status());
      EXPECT_EQ(problem.value("request_id", ""), response->field("X-Request-ID"));
      for (const auto* key : {"type", "title", "detail", "instance"}) {
        EXPECT_TRUE(problem.contains(key)) << key << " not in " << response->body;
      }
    }
    gateway_->expectCleanStop();
  }
}

TEST_F(DiscloseTest, OverrideReplacesTheStatusAndNothingElse) {
  start("{statuses: {connection_refused: 503, response_timeout: 599}}");
  auto response = ask(gateway_->address(), "/refused/", "Accept: application/problem+json\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status(), 503U);
  EXPECT_NE(response->body.find("connection_refused"), std::string::npos);
  response = ask(gateway_->address(), "/silent/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status(), 599U);
  response = ask(gateway_->address(), "/empty/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status(), 520U);
  gateway_->expectCleanStop();
  EXPECT_EQ(gateway_->exchanges().front().value("/diagnosis/standard_status"_json_pointer, 0), 502);
}

TEST_F(DiscloseTest, EvidenceTellsWhatWasSeen) {
  start("{disclose: evidence}");
  const auto refused = ask(gateway_->address(), "/refused/", "Accept: application/problem+json\r\n");
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->body.find("ECONNREFUSED"), std::string::npos) << refused->body;
  EXPECT_NE(refused->field("Proxy-Status").find("details="), std::string::npos) << refused->field("Proxy-Status");
  const auto garbage = ask(gateway_->address(), "/garbage/", "Accept: text/html\r\n");
  ASSERT_TRUE(garbage);
  EXPECT_NE(garbage->body.find("SECRET-BANNER"), std::string::npos) << garbage->body;
  gateway_->expectCleanStop();
}

TEST_F(DiscloseTest, FormFollowsAccept) {
  start("{}");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Accept: text/html\r\n", "text/html"},
      {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", "text/html"},
      {"Accept: application/problem+json\r\n", "application/problem+json"},
      {"Accept: application/json\r\n", "application/problem+json"},
      {"Accept: text/plain\r\n", "text/plain"},
      {"Accept: text/html;q=0.1, application/problem+json;q=0.9\r\n", "application/problem+json"},
      {"Accept: image/png\r\n", "text/plain"},
      {"", "text/plain"},
  };
  for (const auto& [accept, type] : cases) {
    SCOPED_TRACE(accept);
    const auto response = ask(gateway_->address(), "/refused/", accept);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->field("Content-Type").substr(0, type.size()), type);
    EXPECT_TRUE(response->complete);
  }
  // What a client says must not become markup, and HEAD has no body.
  const auto page = ask(gateway_->address(), "/refused/<script>alert(1)</script>", "Accept: text/html\r\n");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->body.find("<script>alert"), std::string::npos);
  Socket client = Socket::connectTo(gateway_->address());
  client.send("HEAD /refused/ HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(readResponse(client, true));
  client.receiveToEnd();
  EXPECT_EQ(client.buffer(), "");
  gateway_->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
