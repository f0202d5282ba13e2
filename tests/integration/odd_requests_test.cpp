// SPDX-License-Identifier: Apache-2.0
// Requests that look strange and are legal: each reaches the origin, with its
// meaning as it was and its framing written anew.
#include <gtest/gtest.h>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/recording_origin.h"

namespace gatewhy::test {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct OddRequest {
  std::string name;
  std::string bytes;
  std::string start_line;  // as the origin must get it; "" = as it was sent
  std::string body;        // as the origin must get it
  Fields fields;           // among those that the origin must get; "-" = none of that name
  std::string host = "shop.example";
};

std::string get(const std::string& fields) {
  return "GET /odd HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /odd HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body, const std::string& fields = "") {
  return post(fields + "Transfer-Encoding: chunked\r\n", body);
}

std::vector<OddRequest> odd() {
  const std::string big(15UL * 1024, 'c');
  const Fields no_body = {{"Content-Length", "-"}, {"Transfer-Encoding", "-"}};
  return {
      // Start lines.
      {"plain", get(""), "", "", no_body},
      {"empty lines before", "\r\n\r\n" + get(""), "GET /odd HTTP/1.1", "", {}},
      {"unknown method", "BREW /odd HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"lower-case method", "get /odd HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"every token mark in the method", "M!#$%&'*+-.^_`|~9 /odd HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"PATCH", "PATCH /odd HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nab", "", "ab", {}},
      {"PROPFIND with a body",
       "PROPFIND /odd HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nab",
       "",
       "ab",
       {}},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"HTTP/1.2", "GET /odd HTTP/1.2\r\nHost: shop.example\r\n\r\n", "GET /odd HTTP/1.1", "", {}},
      {"HTTP/1.0", "GET /odd HTTP/1.0\r\nHost: shop.example\r\n\r\n", "GET /odd HTTP/1.1", "", {}},
      {"HTTP/1.0 keep-alive",
       "GET /odd HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n",
       "GET /odd HTTP/1.1",
       "",
       {{"Connection", "-"}}},
      {"HTTP/1.0 with a length",
       "POST /odd HTTP/1.0\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nab",
       "POST /odd HTTP/1.1",
       "ab",
       {{"Content-Length", "2"}}},
      {"HTTP/1.0 without Host", "GET /odd HTTP/1.0\r\n\r\n", "GET /odd HTTP/1.1", "", {}, "*"},
      // Targets.
      {"root", "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"absolute form",
       "GET http://shop.example/odd?a=b HTTP/1.1\r\nHost: shop.example\r\n\r\n",
       "GET /odd?a=b HTTP/1.1",
       "",
       {}},
      {"absolute form, upper case",
       "GET HTTP://SHOP.example/odd HTTP/1.1\r\nHost: shop.EXAMPLE\r\n\r\n",
       "GET /odd HTTP/1.1",
       "",
       {},
       "SHOP.example"},
      {"absolute form, port that is the default",
       "GET http://shop.example:80/odd HTTP/1.1\r\nHost: shop.example\r\n\r\n",
       "GET /odd HTTP/1.1",
       "",
       {},
       "shop.example:80"},
      {"absolute form without a path",
       "GET http://shop.example HTTP/1.1\r\nHost: shop.example\r\n\r\n",
       "GET / HTTP/1.1",
       "",
       {}},
      {"absolute form with a query only",
       "GET http://shop.example?a HTTP/1.1\r\nHost: shop.example\r\n\r\n",
       "GET /?a HTTP/1.1",
       "",
       {}},
      {"absolute form in HTTP/1.0", "GET http://shop.example/odd HTTP/1.0\r\n\r\n", "GET /odd HTTP/1.1", "", {}},
      {"OPTIONS of the server in absolute form",
       "OPTIONS http://shop.example HTTP/1.1\r\nHost: shop.example\r\n\r\n",
       "OPTIONS * HTTP/1.1",
       "",
       {}},
      {"empty query", "GET /odd? HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"question marks", "GET /odd?a?b??c=%3F HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"double slashes", "GET //odd///x//..//. HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"dot segments stay", "GET /a/../b/./c HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"percent encodings stay", "GET /a/%2e%2E/%2f%ff%C3%A9%25 HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"sub-delims", "GET /a;b=c,d!$&'()*+,;=:@~-._ HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"a URL in the path", "GET /http://other.example:99/a@b HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"colon at the start of the path", "GET /:80 HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      {"8 KiB target", "GET /" + std::string(8192, 'p') + " HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "", {}},
      // Hosts.
      {"host with a port", "GET /odd HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n", "", "", {}, "shop.example:8080"},
      {"host with an empty port", "GET /odd HTTP/1.1\r\nHost: shop.example:\r\n\r\n", "", "", {}, "shop.example:"},
      {"host in IPv6", "GET /odd HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "", "", {}, "[2001:db8::1]:80"},
      {"host in IPv4", "GET /odd HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "", "", {}, "192.0.2.1"},
      {"host with an underscore and a final dot",
       "GET /odd HTTP/1.1\r\nHost: a_b.example.\r\n\r\n",
       "",
       "",
       {},
       "a_b.example."},
      {"host without a space", "GET /odd HTTP/1.1\r\nHost:shop.example\r\n\r\n", "", "", {}},
      {"host with many", "GET /odd HTTP/1.1\r\nHost: \t shop.example \t \r\n\r\n", "", "", {}},
      {"host last", "GET /odd HTTP/1.1\r\nX-A: b\r\nhOST: shop.example\r\n\r\n", "", "", {{"X-A", "b"}}},
      // Fields.
      {"empty value", get("X-Empty:\r\nX-Blank:   \r\n"), "", "", {{"X-Empty", ""}, {"X-Blank", ""}}},
      {"no space", get("X-A:b\r\n"), "", "", {{"X-A", "b"}}},
      {"blanks around and inside", get("X-A: \t b \t c  \t\r\n"), "", "", {{"X-A", "b \t c"}}},
      {"obs-text", get("X-A: caf\xc3\xa9 \xff\x80\r\n"), "", "", {{"X-A", "caf\xc3\xa9 \xff\x80"}}},
      {"every token mark in a name", get("!#$%&'*+-.^_`|~9: b\r\n"), "", "", {{"!#$%&'*+-.^_`|~9", "b"}}},
      {"one-letter name", get("x: y\r\n"), "", "", {{"x", "y"}}},
      {"underscored framing name",
       get("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n"),
       "",
       "",
       {{"Content_Length", "-"}, {"Transfer_Encoding", "-"}, {"Content-Length", "-"}, {"Transfer-Encoding", "-"}}},
      {"colons in a value", get("X-A: : a: b:\r\n"), "", "", {{"X-A", ": a: b:"}}},
      {"repeated fields keep their order", get("X-A: 1\r\nX-B: 2\r\nx-a: 3\r\n"), "", "", {{"X-A", "1, 3"}}},
      {"15 KiB cookie", get("Cookie: a=" + big + "\r\n"), "", "", {{"Cookie", "a=" + big}}},
      {"200 fields",
       [] {
         std::string fields;
         for (int n = 0; n < 200; ++n) {
           fields += "X-" + std::to_string(n) + ": v\r\n";
         }
         return get(fields);
       }(),
       "",
       "",
       {{"X-0", "v"}, {"X-199", "v"}}},
      {"nominated field goes no further",
       get("Connection: X-Hop, close\r\nX-Hop: 1\r\nX-Stays: 2\r\n"),
       "",
       "",
       {{"X-Hop", "-"}, {"X-Stays", "2"}, {"Connection", "-"}}},
      {"empty list members", get("Connection: , ,keep-alive,,\r\n"), "", "", {{"Connection", "-"}}},
      {"TE without trailers", get("Connection: TE\r\nTE: gzip;q=0.5\r\n"), "", "", {{"TE", "-"}}},
      {"TE with trailers", get("Connection: TE\r\nTE: trailers, deflate\r\n"), "", "", {{"TE", "trailers"}}},
      {"Upgrade without nomination", get("Upgrade: websocket\r\n"), "", "", {{"Upgrade", "-"}}},
      {"h2c upgrade is not passed on",
       get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"),
       "",
       "",
       {{"Upgrade", "-"}, {"HTTP2-Settings", "-"}}},
      {"proxy fields",
       get("Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nAuthorization: Basic eA==\r\n"),
       "",
       "",
       {{"Proxy-Connection", "-"}, {"Proxy-Authorization", "-"}, {"Authorization", "Basic eA=="}}},
      {"claimed forwarding is not believed",
       get("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\n"),
       "",
       "",
       {{"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-Proto", "http"}}},
      {"a Via before us",
       get("Via: 1.0 first\r\nVia: 1.1 second\r\n"),
       "",
       "",
       {{"Via", "1.0 first, 1.1 second, 1.1 gatewhy"}}},
      {"expectation without a body", get("Expect: 100-continue\r\n"), "", "", no_body},
      {"expectation in HTTP/1.0",
       "GET /odd HTTP/1.0\r\nHost: shop.example\r\nExpect: something\r\n\r\n",
       "GET /odd HTTP/1.1",
       "",
       {{"Expect", "-"}}},
      // Bodies.
      {"length zero", post("Content-Length: 0\r\n", ""), "", "", {{"Content-Length", "0"}}},
      {"no length", post("", ""), "", "", {{"Transfer-Encoding", "-"}}},
      {"leading zeros", post("Content-Length: 0005\r\n", "hello"), "", "hello", {{"Content-Length", "5"}}},
      {"blanks around the length", post("Content-Length: \t5 \t\r\n", "hello"), "", "hello", {{"Content-Length", "5"}}},
      {"body on GET", "GET /odd HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello", "", "hello", {}},
      {"chunked body on GET",
       "GET /odd HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       "",
       "hello",
       {{"Transfer-Encoding", "chunked"}, {"Content-Length", "-"}}},
      {"body on DELETE",
       "DELETE /odd HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello",
       "",
       "hello",
       {}},
      {"a request as a body",
       post("Content-Length: 36\r\n", "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n"),
       "",
       "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n",
       {}},
      {"chunks",
       chunked("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n"),
       "",
       "hello world",
       {{"Transfer-Encoding", "chunked"}}},
      {"empty chunked body", chunked("0\r\n\r\n"), "", "", {}},
      {"zeros before a chunk size", chunked("00000005\r\nhello\r\n000\r\n\r\n"), "", "hello", {}},
      {"hexadecimal in both cases",
       chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
       "",
       "01234567890123456789",
       {}},
      {"CHUNKED",
       post("TRANSFER-ENCODING: ChunKed\r\n", "5\r\nhello\r\n0\r\n\r\n"),
       "",
       "hello",
       {{"Transfer-Encoding", "chunked"}}},
      {"chunk extensions are dropped", chunked("5;a;b=c;d=\"e;\\\"f\"\r\nhello\r\n0;last\r\n\r\n"), "", "hello", {}},
      {"blanks in chunk extensions", chunked("5 ; a = b\r\nhello\r\n0\r\n\r\n"), "", "hello", {}},
      {"CR LF in chunk data", chunked("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), "", "\r\n0\r\n\r\n", {}},
      {"trailers",
       chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Two:\r\n\r\n", "Trailer: X-Sum\r\n"),
       "",
       "hello",
       {{"Trailer", "X-Sum"}}},
      {"40 KiB in one-byte chunks",
       [] {
         std::string body;
         for (int n = 0; n < 40 * 1024; ++n) {
           body += "1\r\nz\r\n";
         }
         return chunked(body + "0\r\n\r\n");
       }(),
       "",
       std::string(40UL * 1024, 'z'),
       {}},
      {"expectation with a body", post("Expect: 100-CONTINUE\r\nContent-Length: 5\r\n", "hello"), "", "hello", {}},
  };
}

class OddRequestsTest : public testing::Test {
 protected:
  void SetUp() override {
    GatewayConfig config;
    config.origin_url = origin_.url();
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }

  static void checkFields(const OddRequest& request, const WireMessage& got) {
    if (request.host != "*") {
      EXPECT_EQ(got.field("Host"), request.host);
    }
    for (const auto& [name, value] : request.fields) {
      if (value == "-") {
        EXPECT_EQ(got.count(name), 0U) << name << ": " << got.field(name);
      } else {
        EXPECT_GE(got.count(name), 1U) << name;
        EXPECT_EQ(got.field(name), value) << name;
      }
    }
    EXPECT_EQ(got.count("X-Request-ID"), 1U);
    EXPECT_EQ(got.count("Via"), 1U);
    EXPECT_EQ(got.count("CDN-Loop"), 1U);
    EXPECT_EQ(got.count("traceparent"), 1U);
  }

  void checkOne(const OddRequest& request, Socket& client) {
    const std::size_t before = origin_.requests().size();
    client.send(request.bytes);
    auto response = readResponse(client);
    while (response && response->status() == 100) {
      response = readResponse(client);
    }
    ASSERT_TRUE(response) << "no answer";
    EXPECT_EQ(response->status(), 200U) << response->body;
    EXPECT_EQ(response->body, "ok");
    const std::vector<WireMessage> requests = origin_.requests();
    ASSERT_EQ(requests.size(), before + 1) << "not one request at the origin";
    const WireMessage& got = requests.back();
    EXPECT_EQ(got.fault, "");
    EXPECT_TRUE(got.complete);
    EXPECT_EQ(got.start_line,
              request.start_line.empty() ? request.bytes.substr(0, request.bytes.find("\r\n")) : request.start_line);
    EXPECT_EQ(got.body, request.body);
    checkFields(request, got);
  }

  RecordingOrigin origin_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(OddRequestsTest, PassReframed) {
  const std::vector<OddRequest> requests = odd();
  EXPECT_GT(requests.size(), 60U);
  for (const OddRequest& request : requests) {
    SCOPED_TRACE(request.name);
    Socket client = Socket::connectTo(gateway_->address());
    checkOne(request, client);
  }
  gateway_->expectCleanStop();
  for (const nlohmann::json& event : gateway_->exchanges()) {
    EXPECT_EQ(event.value("outcome", ""), "success") << event.dump();
  }
  EXPECT_EQ(gateway_->exchanges().size(), requests.size());
}

// The same on one connection, octet by octet: where a segment ends means nothing.
TEST_F(OddRequestsTest, PassOctetByOctet) {
  for (const OddRequest& request : odd()) {
    constexpr std::size_t kMost = 1500;
    if (request.bytes.size() > kMost) {
      continue;
    }
    SCOPED_TRACE(request.name);
    Socket client = Socket::connectTo(gateway_->address());
    client.sendAtOnce();
    const std::string last = request.bytes.substr(request.bytes.size() - 1);
    for (std::size_t at = 0; at + 1 < request.bytes.size(); ++at) {
      client.send(request.bytes.substr(at, 1));
    }
    OddRequest rest = request;
    rest.bytes = last;
    rest.start_line =
        request.start_line.empty() ? request.bytes.substr(0, request.bytes.find("\r\n")) : request.start_line;
    checkOne(rest, client);
  }
  gateway_->expectCleanStop();
}

TEST_F(OddRequestsTest, PipelinedAreAnsweredInOrder) {
  Socket client = Socket::connectTo(gateway_->address());
  std::string bytes;
  constexpr int kRequests = 100;
  for (int n = 0; n < kRequests; ++n) {
    const std::string path = "/p" + std::to_string(n);
    if (n % 3 == 0) {
      bytes += "POST " + path + " HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello";
    } else if (n % 3 == 1) {
      bytes += "POST " + path +
               " HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    } else {
      bytes += "\r\nGET " + path + " HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    }
  }
  client.send(bytes);
  for (int n = 0; n < kRequests; ++n) {
    const auto response = readResponse(client);
    ASSERT_TRUE(response) << n;
    EXPECT_EQ(response->status(), 200U);
  }
  client.finish();
  client.receiveToEnd();
  EXPECT_EQ(client.buffer(), "");
  const std::vector<WireMessage> requests = origin_.requests();
  ASSERT_EQ(requests.size(), static_cast<std::size_t>(kRequests));
  for (int n = 0; n < kRequests; ++n) {
    const WireMessage& got = requests[static_cast<std::size_t>(n)];
    EXPECT_EQ(got.target(), "/p" + std::to_string(n));
    EXPECT_EQ(got.body, n % 3 == 2 ? "" : "hello");
  }
  gateway_->expectCleanStop();
}

TEST_F(OddRequestsTest, TrailersReachTheOrigin) {
  Socket client = Socket::connectTo(gateway_->address());
  client.send(chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n", "Trailer: X-Sum\r\n"));
  ASSERT_TRUE(readResponse(client));
  ASSERT_EQ(origin_.requests().size(), 1U);
  const WireMessage got = origin_.requests().front();
  EXPECT_EQ(got.trailers, (Fields{{"X-Sum", "1"}})) << "those that may be merged, and no others";
}

}  // namespace
}  // namespace gatewhy::test
