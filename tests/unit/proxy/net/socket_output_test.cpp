// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/socket_output.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <string>

#include "tests/edges/fake_kernel.h"

namespace gatewhy {
namespace {

using State = SocketOutput::State;
using Step = SocketOutput::Step;

constexpr std::size_t kMuch = 40'000;  // is not copied to get behind what is held

struct SocketOutputTest : testing::Test {
  void takes(std::size_t bytes) { socket.room = bytes; }
  std::size_t queued() const { return output.size(); }

  test::FakeKernel kernel;
  test::FakeSocket socket;
  SplicePipes pipes;
  Transport transport{Fd(kernel.open(socket))};
  SocketOutput output{transport, pipes};
};

TEST_F(SocketOutputTest, SendsAtOnce) {
  EXPECT_EQ(output.send("head", false), Step::Sent);
  EXPECT_EQ(socket.out, "head");
  EXPECT_EQ(output.written(), 4U);
  EXPECT_FALSE(output.unsent() || output.blocked());
}

TEST_F(SocketOutputTest, WhatIsHeldGoesWithWhatIsSentBehindIt) {
  EXPECT_EQ(output.send("head ", true), Step::Kept);
  EXPECT_EQ(output.send("5\r\n", true), Step::Kept);
  EXPECT_EQ(socket.out, "");
  EXPECT_TRUE(output.unsent());
  EXPECT_FALSE(output.blocked()) << "nothing but the caller is waited for";
  EXPECT_EQ(output.send("body", false), Step::Sent);
  EXPECT_EQ(socket.out, "head 5\r\nbody");
}

TEST_F(SocketOutputTest, SmallDataIsHeldForItsTail) {
  EXPECT_EQ(output.sendData("body", "\r\n"), Step::Kept);
  EXPECT_EQ(output.flush(), Step::Sent);
  EXPECT_EQ(socket.out, "body\r\n");
}

TEST_F(SocketOutputTest, LargeDataLeavesWithWhatIsHeld) {
  const std::string data(kMuch, '#');
  EXPECT_EQ(output.send("head ", true), Step::Kept);
  EXPECT_EQ(output.sendData(data, "\r\n"), Step::Sent);
  EXPECT_EQ(socket.out, "head " + data + "\r\n");
}

// Wherever the socket stops taking, the rest follows in order and once.
TEST_F(SocketOutputTest, KeepsWhatTheSocketDoesNotTake) {
  const std::string data(kMuch, '#');
  const std::string all = "head " + data + "\r\n";
  for (const std::size_t room :
       {std::size_t{0}, std::size_t{3}, std::size_t{5}, std::size_t{6}, kMuch, all.size() - 1}) {
    SCOPED_TRACE(room);
    socket.out.clear();
    takes(room);
    ASSERT_EQ(output.send("head ", true), Step::Kept);
    EXPECT_EQ(output.sendData(data, "\r\n"), Step::Blocked);
    EXPECT_TRUE(output.blocked() && output.waits());
    EXPECT_EQ(queued(), all.size() - room);
    EXPECT_EQ(output.send("more", false), Step::Kept) << "it would overtake";
    takes(1);
    EXPECT_EQ(output.flush(), Step::Blocked);
    takes(SIZE_MAX);
    EXPECT_EQ(output.flush(), Step::Sent);
    EXPECT_EQ(socket.out, all + "more");
    EXPECT_FALSE(output.unsent());
  }
}

TEST_F(SocketOutputTest, FinFollowsTheLastByte) {
  takes(2);
  EXPECT_EQ(output.send("body", false), Step::Blocked);
  output.shutdownWrite();
  EXPECT_EQ(output.state(), State::Ending);
  EXPECT_FALSE(socket.shut);
  takes(SIZE_MAX);
  EXPECT_EQ(output.flush(), Step::Sent);
  EXPECT_EQ(output.state(), State::Ended);
  EXPECT_EQ(socket.out, "body");
  EXPECT_TRUE(socket.shut);
}

TEST_F(SocketOutputTest, FinLeavesAtOnceWhereNothingIsQueued) {
  output.shutdownWrite();
  EXPECT_EQ(output.state(), State::Ended);
  EXPECT_TRUE(socket.shut);
}

TEST_F(SocketOutputTest, ABreakIsToldOnce) {
  socket.reset = true;
  EXPECT_EQ(output.send("head", false), Step::Broke);
  EXPECT_EQ(output.state(), State::Broken);
  EXPECT_TRUE(output.blocked()) << "nobody is to send more";
  EXPECT_EQ(output.send("body", false), Step::Kept);
  EXPECT_EQ(output.sendData(std::string(kMuch, '#'), {}), Step::Kept);
  EXPECT_EQ(output.flush(), Step::Kept);
  EXPECT_EQ(output.splicePipe(), nullptr);
}

TEST_F(SocketOutputTest, APipeGoesBehindTheBytes) {
  takes(2);
  SplicePipe* const pipe = output.splicePipe();
  ASSERT_NE(pipe, nullptr);
  ASSERT_EQ(output.send("head ", true), Step::Kept);
  ASSERT_EQ(::write(pipe->writeEnd(), "body", 4), 4);
  pipe->put(4);
  EXPECT_EQ(output.flush(), Step::Blocked);
  takes(5);
  EXPECT_EQ(output.flush(), Step::Blocked);
  EXPECT_EQ(socket.out, "head bo");
  EXPECT_TRUE(output.blocked());
  takes(SIZE_MAX);
  EXPECT_EQ(output.flush(), Step::Sent);
  EXPECT_EQ(socket.out, "head body");
  EXPECT_EQ(output.written(), 9U);
  EXPECT_EQ(output.splicePipe(), pipe) << "one for the whole message";
  output.endMessage();
}

TEST_F(SocketOutputTest, AskedWhetherItArrived) {
  ASSERT_EQ(output.send("answer", false), Step::Sent);
  EXPECT_EQ(output.arrived(), true);
  socket.unacknowledged = 6;
  EXPECT_EQ(output.arrived(), std::nullopt);
  socket.reset = true;
  EXPECT_EQ(output.arrived(), false);
  socket.unacknowledged = 0;
  EXPECT_EQ(output.arrived(), true) << "whatever became of the connection since";
}

TEST_F(SocketOutputTest, ItsOwnFinIsNoByteThatIsMissing) {
  ASSERT_EQ(output.send("answer", false), Step::Sent);
  output.shutdownWrite();
  socket.unacknowledged = 1;
  EXPECT_EQ(output.arrived(), true);
  socket.unacknowledged = 2;
  EXPECT_EQ(output.arrived(), std::nullopt);
}

TEST_F(SocketOutputTest, LendsABufferOnlyWhileNothingIsQueued) {
  std::string spare;
  spare.reserve(1000);
  output.swapBuffer(spare);
  EXPECT_LT(spare.capacity(), 1000U);
  ASSERT_EQ(output.send("held", true), Step::Kept);
  output.swapBuffer(spare);
  EXPECT_EQ(spare, "");
  EXPECT_EQ(output.flush(), Step::Sent);
  EXPECT_EQ(socket.out, "held");
}

}  // namespace
}  // namespace gatewhy
