// SPDX-License-Identifier: Apache-2.0
// Programs that other people wrote, in front of gatewhy and behind it. What is
// not installed is skipped.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/recording_origin.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

// Where the program is; "" = not installed.
std::string programPath(const std::string& name) {
  const char* search = std::getenv("PATH");
  std::string directories = std::string(search == nullptr ? "" : search) + ":/usr/bin:/usr/sbin:/sbin";
  while (!directories.empty()) {
    const std::size_t end = std::min(directories.find(':'), directories.size());
    const std::string file = directories.substr(0, end) + "/" + name;
    if (end > 0 && ::access(file.c_str(), X_OK) == 0) {
      return file;
    }
    directories.erase(0, std::min(end + 1, directories.size()));
  }
  return "";
}

#define NEED_PROGRAM(variable, name)                             \
  const std::string variable = programPath(name);                \
  if (variable.empty()) {                                        \
    GTEST_SKIP() << name << " is not installed on this machine"; \
  }

struct Finished {
  int status = -1;
  std::string output;
  std::string errors;
};

Finished runProgram(std::vector<std::string> arguments) {
  Finished finished;
  ChildOptions options;
  options.arguments = std::move(arguments);
  auto child = ChildProcess::start(options, [&](const std::string& line) { finished.output += line + "\n"; });
  if (!child) {
    finished.errors = child.error();
    return finished;
  }
  finished.status = (*child)->wait().value_or(-1);
  finished.errors = (*child)->standardError();
  return finished;
}

// A server that ends with the test. Ready as soon as its port answers.
class Server {
 public:
  Server(std::vector<std::string> arguments, std::uint16_t port,
         std::vector<std::pair<std::string, std::string>> environment = {}) {
    ChildOptions options;
    options.arguments = std::move(arguments);
    options.environment = std::move(environment);
    auto child = ChildProcess::start(options, [](const std::string&) {});
    if (!child) {
      return;
    }
    child_ = std::move(child).value();
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!ready_ && std::chrono::steady_clock::now() < until) {
      ready_ = Socket::connectTo("127.0.0.1:" + std::to_string(port)).open();
      std::this_thread::yield();
    }
  }
  ~Server() {
    if (child_) {
      child_->signal(SIGTERM);
      child_->wait();
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] std::string errors() const { return child_ ? child_->standardError() : "not started"; }

 private:
  std::unique_ptr<ChildProcess> child_;
  bool ready_ = false;
};

std::uint16_t freePort() {
  return ListeningSocket().port();
}

void expectAllSucceeded(const Gateway& gateway) {
  for (const json& event : gateway.exchanges()) {
    EXPECT_EQ(event.value("outcome", ""), "success") << event.dump();
  }
}

// ---- clients ----------------------------------------------------------

class CurlTest : public testing::Test {
 protected:
  void SetUp() override {
    curl_ = programPath("curl");
    if (curl_.empty()) {
      GTEST_SKIP() << "curl is not installed on this machine";
    }
    GatewayConfig config;
    config.origin_url = origin_.url();
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
      expectAllSucceeded(*gateway_);
    }
  }
  [[nodiscard]] std::string url(const std::string& path) const { return "http://" + gateway_->address() + path; }
  [[nodiscard]] Finished curl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {curl_, "-q", "-sS", "--noproxy", "*", "--max-time", "30"});
    return runProgram(std::move(arguments));
  }

  std::string curl_;
  RecordingOrigin origin_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(CurlTest, SeveralUrlsOnOneConnection) {
  const Finished run = curl({"-w", "%{http_code} %{num_connects}\\n", url("/1"), url("/2"), url("/3")});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output, "ok200 1\nok200 0\nok200 0\n");
}

TEST_F(CurlTest, Head) {
  const Finished run = curl({"-I", "-w", "%{http_code}", url("/")});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_NE(run.output.find("HTTP/1.1 200 OK"), std::string::npos) << run.output;
}

TEST_F(CurlTest, Http10) {
  const Finished run = curl({"--http1.0", "-w", "\\n", url("/")});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output, "ok\n");
}

TEST_F(CurlTest, PostAndUploadsOfEveryFraming) {
  const std::string body(2 << 20, 'u');
  const std::string file = gateway_->directory().write("upload", body);
  const std::vector<std::vector<std::string>> ways = {
      {"--data-binary", "@" + file},
      {"--data-binary", "@" + file, "-H", "Expect: 100-continue"},
      {"--data-binary", "@" + file, "-H", "Expect:"},
      {"-T", file},
      {"-T", file, "-H", "Transfer-Encoding: chunked"},
      {"-T", file, "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"},
      {"-F", "file=@" + file},
  };
  for (std::vector<std::string> way : ways) {
    SCOPED_TRACE(way.back());
    way.insert(way.end(), {"-w", "\\n", url("/upload")});
    const Finished run = curl(way);
    EXPECT_EQ(run.status, 0) << run.errors;
    EXPECT_EQ(run.output, "ok\n");
    ASSERT_FALSE(origin_.requests().empty());
    const WireMessage got = origin_.requests().back();
    EXPECT_TRUE(got.complete);
    EXPECT_GE(got.body.size(), body.size());
    EXPECT_TRUE(way.front() == "-F" || got.body == body);
  }
}

TEST(InteropTest, WrkLosesNoRequestAndNoEvent) {
  NEED_PROGRAM(wrk, "wrk");
  OriginServer origin([](Socket& connection) {
    const std::string response = okResponse("hello");
    while (readRequest(connection) && connection.send(response)) {
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  config.workers = 2;
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  const Finished run = runProgram({wrk, "-t1", "-c20", "-d2s", "http://" + gateway->address() + "/"});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output.find("Socket errors"), std::string::npos) << run.output;
  EXPECT_EQ(run.output.find("Non-2xx"), std::string::npos) << run.output;
  const std::size_t at = run.output.find(" requests in ");
  ASSERT_NE(at, std::string::npos) << run.output;
  const std::size_t from = run.output.find_last_of(" \n", at - 1) + 1;
  const auto requests = std::stoull(run.output.substr(from, at - from));
  gateway->expectCleanStop();
  std::size_t whole = 0;
  for (const json& event : gateway->exchanges()) {
    whole += event.value("outcome", "") == "success" ? 1 : 0;
    // At its end wrk leaves what is still running.
    EXPECT_TRUE(event.value("outcome", "") != "failure") << event.dump();
  }
  // The pipe's reader is this test: where it cannot keep up with the proxy,
  // lines are dropped, and `stop` says how many.
  std::size_t dropped = 0;
  for (const json& event : gateway->daemon().events()) {
    dropped += event.value("event", "") == "stop" ? event.value("log_lines_dropped", 0U) : 0U;
  }
  constexpr std::size_t kRunningAtTheEnd = 20;
  EXPECT_GE(whole + dropped, requests);
  EXPECT_LE(whole + dropped, requests + kRunningAtTheEnd);
  fmt::print("wrk: {} requests, {} events, {} dropped\n", requests, whole, dropped);
}

TEST(InteropTest, OpensslSpeaksToATlsListener) {
  NEED_PROGRAM(openssl, "openssl");
  RecordingOrigin origin;
  const PemDirectory pki;
  const Identity ca = selfSigned(authority("Test CA"));
  CertificateSpec leaf;
  leaf.dns_names = {"shop.example"};
  const Identity site = signedBy(ca, leaf);
  for (const auto* version : {"-tls1_2", "-tls1_3"}) {
    GatewayConfig config;
    config.origin_url = origin.url();
    config.listener_more = fmt::format(", tls: {{certificates: [{{certificate: \"{}\", key: \"{}\"}}]}}",
                                       pki.certificates("site.pem", {&site}), pki.key("site.key", site));
    const auto gateway = Gateway::start(config);
    ASSERT_NE(gateway, nullptr);
    const std::string request =
        pki.write("request", "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    const Finished run =
        runProgram({"/bin/sh", "-c",
                    fmt::format("{} s_client -quiet -verify_return_error {} -connect {} -servername shop.example "
                                "-CAfile {} < {}; echo",
                                openssl, version, gateway->address(), pki.certificates("ca.pem", {&ca}), request)});
    EXPECT_NE(run.output.find("HTTP/1.1 200 OK"), std::string::npos) << run.output << run.errors;
    EXPECT_NE(run.output.find("\nok"), std::string::npos) << run.output;
    gateway->expectCleanStop();
    expectAllSucceeded(*gateway);
    ASSERT_EQ(gateway->exchanges().size(), 1U);
    EXPECT_EQ(gateway->exchanges().front().value("/url/scheme"_json_pointer, ""), "https");
  }
}

TEST(InteropTest, ChromiumShowsAPage) {
  NEED_PROGRAM(chromium, "chromium");
  OriginServer origin([](Socket& connection) {
    while (const auto request = readRequest(connection)) {
      const std::string target = request->target();
      std::string body = "none";
      std::string type = "Content-Type: text/plain\r\n";
      if (target == "/") {
        type = "Content-Type: text/html\r\n";
        body =
            "<!doctype html><title>t</title><link rel=stylesheet href=/s.css><p id=out>before</p>"
            "<script src=/a.js></script>";
      } else if (target == "/a.js") {
        type = "Content-Type: text/javascript\r\n";
        body = "document.getElementById('out').textContent = 'written ' + 'by the script';";
      } else if (target == "/s.css") {
        type = "Content-Type: text/css\r\n";
        body = "p { color: green }";
      }
      if (!connection.send(okResponse(body, type))) {
        return;
      }
    }
  });
  GatewayConfig config;
  config.origin_url = origin.url();
  const auto gateway = Gateway::start(config);
  ASSERT_NE(gateway, nullptr);
  const Finished run = runProgram({chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                                   "--user-data-dir=" + gateway->directory().path() + "/profile", "--dump-dom",
                                   "http://" + gateway->address() + "/"});
  EXPECT_NE(run.output.find("written by the script"), std::string::npos) << run.output << run.errors;
  gateway->expectCleanStop();
}

// ---- origins ----------------------------------------------------------

class OriginProgramTest : public testing::Test {
 protected:
  void startGateway() {
    GatewayConfig config;
    config.origin_url = "http://127.0.0.1:" + std::to_string(port_);
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  std::optional<WireMessage> get(Socket& client, const std::string& path, const std::string& fields = "") const {
    client.send("GET " + path + " HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n");
    return readResponse(client);
  }

  PemDirectory directory_;
  std::uint16_t port_ = freePort();
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(OriginProgramTest, NginxWithKeepAliveAndRanges) {
  NEED_PROGRAM(nginx, "nginx");
  const std::string content(300000, 'n');
  directory_.write("page", content);
  const std::string root = directory_.path();
  const std::string config = directory_.write(
      "nginx.conf",
      fmt::format("daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;\n"
                  "events {{}}\nhttp {{ access_log off; client_body_temp_path {0}/body;\n"
                  "proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n"
                  "server {{ listen 127.0.0.1:{1}; root {0}; keepalive_timeout 30s; }} }}\n",
                  root, port_));
  const Server server({nginx, "-p", root, "-e", root + "/error.log", "-c", config}, port_);
  ASSERT_TRUE(server.ready()) << server.errors();
  ASSERT_NO_FATAL_FAILURE(startGateway());
  Socket client = Socket::connectTo(gateway_->address());
  for (int n = 0; n < 5; ++n) {
    const auto response = get(client, "/page");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U);
    EXPECT_EQ(response->body, content);
  }
  const auto part = get(client, "/page", "Range: bytes=10-19\r\n");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->status(), 206U);
  EXPECT_EQ(part->body.size(), 10U);
  const auto missing = get(client, "/missing");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status(), 404U);
  gateway_->expectCleanStop();
  expectAllSucceeded(*gateway_);
  std::size_t reused = 0;
  for (const json& event : gateway_->exchanges()) {
    EXPECT_EQ(event.value("generated_by", ""), "origin");
    reused += event.value("connection_reused", false) ? 1 : 0;
  }
  EXPECT_EQ(reused, 6U) << "one connection to the origin for all seven";
}

TEST_F(OriginProgramTest, PythonAnswersInHttp10) {
  NEED_PROGRAM(python, "python3");
  directory_.write("page", std::string(100000, 'p'));
  const Server server(
      {python, "-m", "http.server", "--bind", "127.0.0.1", "--directory", directory_.path(), std::to_string(port_)},
      port_);
  ASSERT_TRUE(server.ready()) << server.errors();
  ASSERT_NO_FATAL_FAILURE(startGateway());
  Socket client = Socket::connectTo(gateway_->address());
  for (int n = 0; n < 3; ++n) {
    const auto response = get(client, "/page");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U);
    EXPECT_EQ(response->body.size(), 100000U);
  }
  const auto missing = get(client, "/missing");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status(), 404U);
  gateway_->expectCleanStop();
  expectAllSucceeded(*gateway_);
  EXPECT_EQ(gateway_->exchanges().size(), 4U) << "the client's connection outlives the origin's";
}

TEST_F(OriginProgramTest, NodeEchoesWebSockets) {
  NEED_PROGRAM(node, "node");
  if (!std::filesystem::exists("/usr/share/nodejs/ws")) {
    GTEST_SKIP() << "the module ws (Debian: node-ws) is not installed on this machine";
  }
  const std::string server_code = R"(
const http = require('http'), WebSocket = require('ws');
const server = http.createServer((request, response) => {
  let size = 0;
  request.on('data', part => size += part.length);
  request.on('end', () => { response.write('chunk one '); response.end('size ' + size); });
});
new WebSocket.Server({server}).on('connection', s => s.on('message', (m, binary) => s.send(m, {binary: binary === true || Buffer.isBuffer(m) && binary !== false})));
server.listen(+process.argv[2], '127.0.0.1');
)";
  const std::string client_code = R"(
const WebSocket = require('ws');
const socket = new WebSocket('ws://' + process.argv[2] + '/chat');
const sizes = [1, 125, 126, 65535, 65536, 1000000];
let at = 0, bytes = 0;
socket.on('open', () => socket.send('x'.repeat(sizes[0])));
socket.on('message', m => {
  bytes += m.length;
  if (++at < sizes.length) socket.send('x'.repeat(sizes[at])); else socket.close(1000, 'bye');
});
socket.on('close', code => { console.log('echoed', bytes, 'closed', code); process.exit(0); });
socket.on('error', e => { console.log('error', e.message); process.exit(1); });
)";
  const std::vector<std::pair<std::string, std::string>> environment = {{"NODE_PATH", "/usr/share/nodejs"}};
  const Server server({node, directory_.write("server.js", server_code), std::to_string(port_)}, port_, environment);
  ASSERT_TRUE(server.ready()) << server.errors();
  ASSERT_NO_FATAL_FAILURE(startGateway());
  Socket client = Socket::connectTo(gateway_->address());
  client.send("POST /x HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  const auto response = readResponse(client);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "chunk one size 5");
  const Finished run = runProgram({"/usr/bin/env", "NODE_PATH=/usr/share/nodejs", node,
                                   directory_.write("client.js", client_code), gateway_->address()});
  EXPECT_EQ(run.status, 0) << run.output << run.errors;
  EXPECT_EQ(run.output, "echoed 1131323 closed 1000\n");
  const auto tunnel = gateway_->daemon().waitFor(
      [](const json& event) { return event.value("/url/path"_json_pointer, "") == "/chat"; });
  ASSERT_TRUE(tunnel);
  EXPECT_EQ(tunnel->value("/http/response/status_code"_json_pointer, 0), 101);
  EXPECT_EQ(tunnel->value("outcome", ""), "success") << tunnel->dump();
  gateway_->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
