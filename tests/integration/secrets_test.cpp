// SPDX-License-Identifier: Apache-2.0
// Known secrets sent through whatever keeps a piece of what was sent: none may
// be read in the log, an answer, the admin API, the journal's fields, or what
// `why` and `report` say.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "daemon/log/journal.h"
#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/support/command.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "S3cr3tValue";

// What a client may send; S stands for the secret.
const std::vector<std::string>& requests() {
  static const std::vector<std::string> all = {
      "GET /login?password=S&page=2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET /login?access_token=S&x HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET /cb?next=https%3A%2F%2Fa.example%2F%3Fcode%3DS HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET /cas?ticket=S&SAMLResponse=S&back=http://user:S@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: user:S@a.example\r\n\r\n",
      "GET /app;jsessionid=S HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET /?X-Amz-Signature=S HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer S\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic S\r\nno colon here\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization Basic S\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization : Basic S\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: a=1;\r\n b=S\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: a=S\r\nContent-Length: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: S\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nX-Internal: S\r\nTransfer-Encoding: gzip\r\n\r\n",
      "GET / HTTP/1.1\r\nX-Api-Key: S\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
      "GET http://user:S@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "GET /?token=S HTTP/7.7\r\nHost: a.example\r\n\r\n",
      "GET /?token=S\x7F HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "POST /?sig=S HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: S\x01\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nS!\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a.example\r\nSet-Cookie: S\r\nExpect: token=S\r\n\r\n",
      "GET / HTTP/1.1\rAuthorization: S\r\nHost: a.example\r\n\r\n",
  };
  return all;
}

// What an origin may answer before it breaks off or goes on wrongly.
const std::vector<std::string>& answers() {
  static const std::vector<std::string> all = {
      "HTTP/1.1 200 OK\r\nSet-Cookie: session=S\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: session=S\r\nbroken\r\n\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=1,\r\n S\r\n",
      "HTTP/1.1 302 Found\r\nLocation: https://u:S@b.example/cb?code=S\r\n",
      "HTTP/1.1 302 Found\r\nLocation: https://b.example/cb?code=S\r\nContent-Length: x\r\n\r\n",
      "Set-Cookie: S\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX-Auth-Token: S\x01\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSet-Cookie: S\x01\r\n\r\n",
      "HTTP/1.1 502 No\r\nProxy-Status: cdn; error=connection_refused; details=\"https://u:S@x/?token=S\"\r\n"
      "Content-Length: 0\r\n\r\n",
  };
  return all;
}

std::string withSecret(std::string text) {
  for (std::size_t at = text.find('S'); at != std::string::npos; at = text.find('S', at + 1)) {
    // A capital S that stands alone: behind a separator, before anything but a letter.
    const bool alone = at > 0 && std::string_view("=: @D\n").find(text[at - 1]) != std::string_view::npos &&
                       (at + 1 == text.size() || std::isalpha(static_cast<unsigned char>(text[at + 1])) == 0);
    if (alone && text.compare(at, 4, "Set-") != 0) {
      text.replace(at, 1, kSecret);
      at += std::string_view(kSecret).size() - 1;
    }
  }
  return text;
}

class SecretsTest : public testing::Test {
 protected:
  // Plays each request to an origin that gives each answer in turn; returns what clients were told.
  std::string play(const std::string& origin_url, const std::string& listener_more = "") {
    GatewayConfig config;
    config.origin_url = origin_url;
    config.listener_more = listener_more;
    config.diagnostics = "{disclose: evidence}";
    config.log = "{destination: stdout, redact: {headers: [x-internal]}}";
    config.admin = "{address: \"127.0.0.1:0\"}";
    gateway_ = Gateway::start(config);
    return gateway_ ? gateway_->address() : "";
  }
  static std::string told(const std::string& address, const std::string& request) {
    std::string all;
    for (const char* accept : {"text/html", "application/problem+json", "text/plain"}) {
      Socket client = Socket::connectTo(address);
      std::string bytes = request;
      const std::size_t host = bytes.find("\r\nHost:");
      if (host != std::string::npos) {
        bytes.insert(host, fmt::format("\r\nAccept: {}", accept));
      }
      client.send(bytes);
      client.finish();
      client.receiveToEnd();
      all += client.buffer();
    }
    return all;
  }
  // After the end: every place where an event is shown.
  void expectNothingShown(std::size_t least, bool something_hidden = true) {
    Socket admin = Socket::connectTo(gateway_->daemon().adminAddress());
    admin.send("GET /api/v1/events?limit=2000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    admin.receiveToEnd();
    EXPECT_THAT(admin.buffer(), Not(HasSubstr(kSecret)));
    EXPECT_THAT(admin.buffer(), HasSubstr("200 OK"));
    gateway_->expectCleanStop();
    const std::vector<json> events = gateway_->exchanges();
    EXPECT_GE(events.size(), least);
    std::string log;
    for (const json& event : events) {
      const std::string line = event.dump();
      EXPECT_THAT(line, Not(HasSubstr(kSecret)));
      log += line + "\n";
      for (const std::string& field : journalFields(line)) {
        EXPECT_THAT(field, Not(HasSubstr(kSecret)));
      }
    }
    EXPECT_EQ(log.find("…") != std::string::npos, something_hidden);
    const std::string file = gateway_->directory().write("events.json", log);
    for (const json& event : events) {
      const CommandResult why = runCommand({GATEWHY_BINARY, "why", event.value("request_id", "?"), "--log", file});
      EXPECT_EQ(why.status, 0) << why.errors;
      EXPECT_THAT(why.output, Not(HasSubstr(kSecret)));
    }
    const std::string page = gateway_->directory().path() + "/report.html";
    const CommandResult report = runCommand({GATEWHY_BINARY, "report", file, "--html", page});
    EXPECT_EQ(report.status, 0) << report.errors;
    EXPECT_THAT(report.output, Not(HasSubstr(kSecret)));
    EXPECT_THAT(runCommand({"/bin/cat", page}).output, Not(HasSubstr(kSecret)));
  }

  std::unique_ptr<Gateway> gateway_;
};

TEST_F(SecretsTest, OfClients) {
  const std::string address = play("http://127.0.0.1:9");
  ASSERT_NE(address, "");
  for (const std::string& request : requests()) {
    const std::string bytes = withSecret(request);
    ASSERT_THAT(bytes, HasSubstr(kSecret));
    EXPECT_THAT(told(address, bytes), Not(HasSubstr(kSecret))) << request;
  }
  expectNothingShown(requests().size());
}

TEST_F(SecretsTest, OfOrigins) {
  std::size_t next = 0;
  OriginServer origin([&next](Socket& connection) {
    if (readRequest(connection)) {
      connection.send(withSecret(answers().at(next)));
    }
  });
  const std::string address = play(origin.url());
  ASSERT_NE(address, "");
  for (; next < answers().size(); ++next) {
    const std::string answer = told(address, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    const bool passed_on =
        answer.find("X-Generated-By") == std::string::npos && answers()[next].find("502") != std::string::npos;
    if (!passed_on) {  // what an origin says itself is its own
      EXPECT_THAT(answer, Not(HasSubstr(kSecret))) << answers()[next];
    }
  }
  expectNothingShown(answers().size());
}

// The first bytes of what came in place of a ClientHello.
TEST_F(SecretsTest, OfPlainRequestsOnATlsPort) {
  const Identity identity = selfSigned({.common_name = "a.example"});
  const PemDirectory pems;
  const std::string address =
      play("http://127.0.0.1:9", fmt::format(", tls: {{certificates: [{{certificate: {}, key: {}}}]}}",
                                             pems.certificates("a.pem", {&identity}), pems.key("a.key", identity)));
  ASSERT_NE(address, "");
  told(address, withSecret("GET /?token=S HTTP/1.1\r\nHost: a.example\r\n\r\n"));
  told(address, withSecret("GET / HTTP/1.1\r\nCookie: S\r\n\r\n"));
  expectNothingShown(2, false);  // as of now they are not kept at all
}

}  // namespace
}  // namespace gatewhy::test
