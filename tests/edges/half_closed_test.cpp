// SPDX-License-Identifier: Apache-2.0
// A tunnel whose origin has said all, while the client goes on: every edge on
// the origin's side now tells of its FIN again.
#include <gtest/gtest.h>

#include <string>

#include "tests/edges/edge_world.h"

namespace gatewhy::test {
namespace {

constexpr std::string_view kAsks = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";
constexpr std::string_view kAgrees =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: edges\r\n\r\n";

class HalfClosedTunnelTest : public testing::TestWithParam<bool> {};

// What the client sends waits in the kernel until the origin takes more.
TEST_P(HalfClosedTunnelTest, PassesWhatTheClientSendsToASlowOrigin) {
  EdgeWorld world({.client = GetParam()});
  world.begin();
  world.clientSays(kAsks);
  world.originSays(kAgrees);
  world.origin().heard.clear();
  world.origin().socket.room = 1000;
  world.origin().fin();
  world.settle();
  ASSERT_TRUE(world.client().socket.shut);
  for (int i = 0; i < 3; ++i) {
    world.client().say(std::string(100'000, '#'));
    world.turn();
  }
  world.origin().socket.giveRoom(1U << 20U);
  world.settle();
  EXPECT_EQ(world.cause(), "");
  EXPECT_TRUE(world.origin().heard == std::string(300'000, '#')) << world.origin().heard.size() << " bytes came";
  world.client().closeNotify();
  world.client().fin();
  world.settle();
  EXPECT_EQ(world.cause(), "none");
  world.end();
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, HalfClosedTunnelTest, testing::Bool());

}  // namespace
}  // namespace gatewhy::test
