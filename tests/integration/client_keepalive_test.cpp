// SPDX-License-Identifier: Apache-2.0
// limits.client_keepalive_requests and limits.client_keepalive_time: a
// connection is told of its end before it ends, and loses no request.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/gateway.h"
#include "tests/integration/h2_client.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

constexpr std::string_view kPlainGet = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

class ClientKeepAliveTest : public testing::Test {
 protected:
  void start(const std::string& limits) {
    GatewayConfig config;
    config.origin_url = origin_.url();
    config.listener_more = ", http2: true";
    config.limits = limits;
    gateway_ = Gateway::start(config);
    ASSERT_NE(gateway_, nullptr);
  }
  void TearDown() override {
    if (gateway_) {
      gateway_->expectCleanStop();
    }
  }

  OriginServer origin_{[](Socket& connection) {
    while (readRequest(connection)) {
      connection.send(okResponse("fine"));
    }
  }};
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(ClientKeepAliveTest, TheLastAnswerOfAnHttp1ConnectionSaysClose) {
  start("{client_keepalive_requests: 2}");
  Socket client = Socket::connectTo(gateway_->address());
  client.send(kPlainGet);
  const auto first = readResponse(client);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->field("Connection"), "");
  client.send(kPlainGet);
  const auto last = readResponse(client);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->field("Connection"), "close");
  EXPECT_EQ(last->body, "fine");
  client.receiveToEnd();
  EXPECT_EQ(client.end(), Socket::End::Fin);
}

// The third was on its way before the client could know.
TEST_F(ClientKeepAliveTest, Http2SaysGoawayAndServesWhatIsOnItsWay) {
  start("{client_keepalive_requests: 2}");
  H2Client client(Socket::connectTo(gateway_->address()));
  const std::int32_t streams[] = {client.request(H2Client::get("/1")), client.request(H2Client::get("/2")),
                                  client.request(H2Client::get("/3"))};
  for (const std::int32_t stream : streams) {
    const H2ClientAnswer& answer = client.await(stream);
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.body, "fine");
  }
  EXPECT_TRUE(client.awaitEnd()) << "the connection was kept";
  ASSERT_EQ(client.goAways().size(), 2U) << "announced, then final";
  EXPECT_EQ(client.goAways().front().last_stream, 0x7fffffff);
  EXPECT_EQ(client.goAways().back().last_stream, streams[2]);
  EXPECT_EQ(client.goAways().back().code, 0U);
}

TEST_F(ClientKeepAliveTest, AnOldHttp1ConnectionEnds) {
  start("{client_keepalive_time: 300ms}");
  Socket client = Socket::connectTo(gateway_->address());
  std::optional<WireMessage> answer;
  do {
    client.send(kPlainGet);
    answer = readResponse(client);
    ASSERT_TRUE(answer) << "it ended without a word";
  } while (answer->field("Connection") != "close");
  EXPECT_EQ(answer->body, "fine");
}

TEST_F(ClientKeepAliveTest, AnOldHttp2ConnectionEnds) {
  start("{client_keepalive_time: 300ms}");
  H2Client client(Socket::connectTo(gateway_->address()));
  while (client.goAways().empty()) {
    const H2ClientAnswer& answer = client.await(client.request(H2Client::get("/")));
    ASSERT_TRUE(answer.ended) << "it ended without a word";
  }
  EXPECT_TRUE(client.awaitEnd());
  EXPECT_EQ(client.goAways().back().code, 0U);
}

}  // namespace
}  // namespace gatewhy::test
