// SPDX-License-Identifier: Apache-2.0
// Whose window keeps an answer here, since when, and how much of it: whatever
// closed it, and in whatever order.
#include "tests/unit/proxy/http/h2/h2_world.h"

namespace gatewhy::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kWindowSetting = 4;  // SETTINGS_INITIAL_WINDOW_SIZE
constexpr std::size_t kConnection = 65535;   // octets: what a connection's window begins with

// "stream for 2 s, 6 bytes", as it is at that moment.
std::string stopped(const H2World& world, H2StreamId stream) {
  const auto closed = world.session.closedWindow(stream);
  if (!closed) {
    return "open";
  }
  return fmt::format("{} for {} s, {} bytes",
                     closed->stream && closed->connection ? "both"
                     : closed->stream                     ? "stream"
                                                          : "connection",
                     std::chrono::duration_cast<std::chrono::seconds>(world.now - closed->since).count(),
                     closed->waiting);
}

void pass(H2World& world, std::chrono::seconds time) {
  world.now += time;
  world.session.at(world.now);
}

// Two requests, whose answers begin.
void begin(H2World& world, std::uint32_t stream_window) {
  world.feed(h2Preface() + h2Settings({{kWindowSetting, stream_window}}) + h2Headers(1, kGet) + h2Headers(3, kGet));
  world.session.submitHead(1, 200, "", false);
  world.session.submitHead(3, 200, "", false);
  world.read();
}

TEST(H2ClosedWindow, AStreamsOwnIsClosedByItsBody) {
  H2World world;
  begin(world, 10);
  pass(world, 1s);
  world.session.submitData(1, "0123456789", false);
  world.read();
  EXPECT_EQ(stopped(world, 1), "open");  // nothing waits
  pass(world, 2s);
  world.session.submitData(1, "abcdef", false);
  world.read();
  EXPECT_EQ(stopped(world, 1), "stream for 2 s, 6 bytes");
  EXPECT_EQ(stopped(world, 3), "open");
  world.session.submitData(3, "sibling", true);
  world.read();
  EXPECT_EQ(world.seen.bodies[3], "sibling");
  EXPECT_EQ(stopped(world, 3), "open");
  EXPECT_EQ(stopped(world, 1), "stream for 2 s, 6 bytes");
}

TEST(H2ClosedWindow, ALittleThatPassesBeginsTheTimeAnew) {
  H2World world;
  begin(world, 10);
  world.session.submitData(1, "0123456789abcdef", false);
  world.read();
  pass(world, 5s);
  world.feed(h2WindowUpdate(1, 2));
  EXPECT_EQ(stopped(world, 1), "stream for 0 s, 4 bytes");
  pass(world, 3s);
  EXPECT_EQ(stopped(world, 1), "stream for 3 s, 4 bytes");
  world.feed(h2WindowUpdate(1, 4));
  EXPECT_EQ(stopped(world, 1), "open");
}

TEST(H2ClosedWindow, SettingsCloseWhatWasOpen) {
  H2World world;
  begin(world, 10);
  pass(world, 5s);
  world.feed(h2Settings({{kWindowSetting, 0}}));
  pass(world, 2s);
  world.session.submitData(1, "abc", false);
  world.read();
  EXPECT_EQ(stopped(world, 1), "stream for 2 s, 3 bytes");
  // … and nothing closes twice.
  world.feed(h2Settings({{kWindowSetting, 0}}) + h2SettingsAck());
  pass(world, 1s);
  EXPECT_EQ(stopped(world, 1), "stream for 3 s, 3 bytes");
}

TEST(H2ClosedWindow, OneThatNeverOpenedIsClosedFromTheBeginning) {
  H2World world;
  begin(world, 0);
  pass(world, 4s);
  world.session.submitData(1, "abc", true);
  world.read();
  EXPECT_EQ(stopped(world, 1), "stream for 4 s, 3 bytes");
}

TEST(H2ClosedWindow, TheConnectionsIsClosedByASibling) {
  H2World world;
  begin(world, 1 << 20);
  pass(world, 1s);
  world.session.submitData(1, std::string(kConnection, 'x'), true);
  world.read();
  pass(world, 2s);
  world.session.submitData(3, "more", true);
  world.read();
  EXPECT_EQ(stopped(world, 1), "open");
  EXPECT_EQ(stopped(world, 3), "connection for 2 s, 4 bytes");
}

TEST(H2ClosedWindow, BothCountFromTheFirst) {
  H2World world;
  begin(world, kConnection - 10);
  world.session.submitData(1, std::string(kConnection, 'x'), true);
  world.read();
  pass(world, 1s);
  world.session.submitData(3, "0123456789abc", true);
  world.read();
  EXPECT_EQ(stopped(world, 1), "both for 1 s, 10 bytes");
  EXPECT_EQ(stopped(world, 3), "connection for 0 s, 3 bytes");
}

TEST(H2ClosedWindow, OutputThatIsNotReadIsNoWindow) {
  H2World world;
  begin(world, 1 << 24);
  world.feed(h2WindowUpdate(0, 1 << 24));
  world.session.submitData(1, std::string(1 << 20, 'x'), false);
  EXPECT_TRUE(world.session.blocked(1));
  EXPECT_EQ(stopped(world, 1), "open");
}

// Who gives an answer up that it did not let come.
TEST(H2ClosedWindow, IsStillToldWhenTheStreamWasReset) {
  H2World world;
  begin(world, 10);
  world.session.submitData(1, "0123456789abcdef", false);
  world.read();
  pass(world, 2s);
  std::string at_reset;
  world.on_gone = [&](H2StreamId stream) { at_reset = stopped(world, stream); };
  world.feed(h2RstStream(1, 8));
  EXPECT_EQ(at_reset, "stream for 2 s, 6 bytes");
  world.session.release(1);
  EXPECT_EQ(stopped(world, 1), "open");
}

}  // namespace
}  // namespace gatewhy::test
