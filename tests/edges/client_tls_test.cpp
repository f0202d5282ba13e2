// SPDX-License-Identifier: Apache-2.0
// How a client's TLS ends beside its requests: what breaks it is told, what
// ends it in order is not.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/edges/edge_world.h"

namespace gatewhy::test {
namespace {

constexpr std::string_view kOneGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kShortAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() { world_.begin(); }

  void serveOne() {
    world_.clientSays(kOneGet);
    world_.originSays(kShortAnswer);
    ASSERT_EQ(world_.cause(), "none");
    ASSERT_EQ(world_.events(), 1U);
  }
  void sendsNoRecord() {
    world_.client().socket.in += kNoRecord;
    world_.client().edge();
    world_.settle();
  }

  EdgeWorld world_{{.client = true}};
};

TEST_F(ClientTlsTest, BytesThatAreNoRecordBetweenTwoRequestsAreTold) {
  serveOne();
  sendsNoRecord();
  EXPECT_EQ(world_.events(), 2U);
  EXPECT_EQ(world_.cause(), "client_tls_failed");
  EXPECT_TRUE(world_.clientClosed());
}

TEST_F(ClientTlsTest, AnAlertBetweenTwoRequestsIsTold) {
  serveOne();
  world_.client().alert();
  world_.settle();
  EXPECT_EQ(world_.events(), 2U);
  EXPECT_EQ(world_.cause(), "client_tls_failed");
  EXPECT_TRUE(world_.clientClosed());
}

TEST_F(ClientTlsTest, BeforeTheFirstRequestToo) {
  world_.settle();  // shakes hands
  sendsNoRecord();
  EXPECT_EQ(world_.cause(), "client_tls_failed");
}

TEST_F(ClientTlsTest, AnOrderlyEndBetweenTwoRequestsIsSilent) {
  const std::function<void(Peer&)> ends[] = {
      [](Peer& client) { client.closeNotify(); },
      [](Peer& client) { client.fin(); },
      [](Peer& client) {
        client.closeNotify();
        client.fin();
      },
      [](Peer& client) { client.reset(); },
  };
  for (const auto& end : ends) {
    serveOne();
    end(world_.client());
    world_.settle();
    EXPECT_EQ(world_.events(), 1U);
    EXPECT_TRUE(world_.clientClosed());
    world_.end();
    world_.begin();
  }
}

TEST_F(ClientTlsTest, InsideAHeadItIsNoMereEnd) {
  world_.clientSays("GET / HT");
  sendsNoRecord();
  EXPECT_EQ(world_.cause(), "client_tls_failed");
}

TEST_F(ClientTlsTest, WhileTheOriginThinksItIsNoMereEnd) {
  world_.clientSays(kOneGet);
  sendsNoRecord();
  EXPECT_EQ(world_.cause(), "client_tls_failed");
  EXPECT_TRUE(world_.originClosed());
}

}  // namespace
}  // namespace gatewhy::test
