// SPDX-License-Identifier: Apache-2.0
// One gatewhy, hundreds of requests that someone could misread. Each is
// refused, explained, and stays away from the origin.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/integration/gateway.h"
#include "tests/integration/hostile_requests.h"
#include "tests/integration/http_wire.h"
#include "tests/integration/recording_origin.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using Fault = HostileRequest::Fault;

std::string replaceAll(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string printable(std::string_view bytes) {
  return json(std::string(bytes.substr(0, 300))).dump(-1, ' ', true, json::error_handler_t::replace);
}

class HostileRequestsTest : public testing::Test {
 protected:
  void SetUp() override {
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.origin_more = "keep_alive: {idle: 16, timeout: 10s}";
    config.limits = "{client_head_timeout: 1s, request_body: 1MiB}";
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }

  static std::string pathOf(std::size_t index) { return "/hostile" + std::to_string(index) + "/"; }
  static std::string tailPathOf(std::size_t index) { return "/behind" + std::to_string(index) + "/"; }

  // Sends it, with a whole good request behind it that must not be seen.
  void attack(const HostileRequest& request, std::size_t index) {
    std::string bytes = replaceAll(request.bytes, "{path}", pathOf(index));
    const std::size_t size = bytes.size();
    if (request.fault != Fault::Refusal) {
      bytes += "GET " + tailPathOf(index) + " HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    }
    Socket client = Socket::connectTo(gateway_->address());
    ASSERT_TRUE(client.open());
    client.send(bytes);  // may fail: a refusal does not wait for the rest
    const auto response = readResponse(client);
    ASSERT_TRUE(response) << "no answer";
    const unsigned status = response->status();
    EXPECT_NE(std::find(request.statuses.begin(), request.statuses.end(), status), request.statuses.end())
        << "status " << status;
    EXPECT_TRUE(response->complete) << response->fault;
    EXPECT_EQ(response->count("X-Request-ID"), 1U);
    if (status == 405) {
      EXPECT_FALSE(response->field("Allow").empty());
    }
    client.finish();
    client.receiveToEnd();
    EXPECT_EQ(client.buffer(), "") << "a second answer";
    checkEvent(request, gateway_->exchangeOf(response->field("X-Request-ID")), status, size);
  }

  // That the origin saw nothing means something only if it can see.
  void sendGoodRequest() {
    Socket client = Socket::connectTo(gateway_->address());
    client.send(
        "POST /good HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    const auto response = readResponse(client);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200U);
  }

  static void checkEvent(const HostileRequest& request, const std::optional<json>& event, unsigned status,
                         std::size_t size) {
    ASSERT_TRUE(event) << "no event";
    EXPECT_EQ(event->value("outcome", ""), "failure") << event->dump();
    EXPECT_EQ(event->value("/http/response/status_code"_json_pointer, 0U), status) << event->dump();
    EXPECT_EQ(event->value("generated_by", ""), "proxy") << event->dump();
    EXPECT_EQ(event->value("severity", ""), causeOf(*event) == "proxy_loop" ? "ERROR" : "WARN") << event->dump();
    if (request.fault != Fault::Refusal) {
      EXPECT_NE(event->value("/diagnosis/evidence/parse_error"_json_pointer, ""), "") << event->dump();
      const auto offset = event->value("/diagnosis/evidence/parse_offset"_json_pointer, -1);
      EXPECT_GE(offset, 0) << event->dump();
      EXPECT_LE(offset, static_cast<int>(size)) << event->dump();
    }
  }

  // After the daemon's end: all that ever reached the origin is known.
  void checkOrigin(const std::vector<HostileRequest>& rows) const {
    std::map<std::string, bool> reached;  // path → was it whole?
    for (const WireMessage& request : origin_.requests()) {
      reached[request.target()] = reached[request.target()] || request.complete;
      EXPECT_EQ(request.fault, "");
      EXPECT_EQ(request.target().find("/behind"), std::string::npos) << request.target();
    }
    EXPECT_TRUE(reached["/good"]);
    std::string everything;
    for (const std::string& transcript : origin_.transcripts()) {
      everything += transcript;
    }
    EXPECT_EQ(everything.find("/behind"), std::string::npos) << "bytes behind a refused request reached the origin";
    for (std::size_t index = 0; index < rows.size(); ++index) {
      SCOPED_TRACE(rows[index].family + ": " + printable(rows[index].bytes));
      if (rows[index].fault == Fault::Body) {
        EXPECT_FALSE(reached[pathOf(index)]) << "the origin got a whole request";
      } else {
        EXPECT_EQ(everything.find(pathOf(index)), std::string::npos) << "the origin got it";
      }
    }
  }

  RecordingOrigin origin_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(HostileRequestsTest, AreRefusedExplainedAndNotForwarded) {
  const std::vector<HostileRequest> rows = hostileRequests();
  EXPECT_GT(rows.size(), 500U);
  RecordProperty("requests", static_cast<int>(rows.size()));
  for (std::size_t index = 0; index < rows.size(); ++index) {
    SCOPED_TRACE(rows[index].family + ": " + printable(rows[index].bytes));
    attack(rows[index], index);
  }
  EXPECT_EQ(gateway_->exchanges().size(), rows.size()) << "one event for each";
  sendGoodRequest();
  gateway_->expectCleanStop();
  origin_.stop();
  checkOrigin(rows);
}

}  // namespace
}  // namespace gatewhy::test
