// SPDX-License-Identifier: Apache-2.0
// What an origin's silence comes to, in each state of waiting for it.
#include "proxy/origin/h2_liveness.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>

#include "proxy/http/h2/h2_code.h"

namespace gatewhy::test::h2_liveness {
namespace {

using namespace std::chrono_literals;
using Wait = H2Liveness::Wait;

const char* nameOf(Wait wait) {
  switch (wait) {
    case Wait::Nothing:
      return "Nothing";
    case Wait::Settings:
      return "Settings";
    case Wait::Silence:
      return "Silence";
    case Wait::Pong:
      return "Pong";
  }
  return "";
}

class LivenessWorld final : private H2Liveness::Owner {
 public:
  explicit LivenessWorld(const H2Patience& patience) : liveness(loop, patience, *this) {}
  void enter(Wait wait) {
    if (wait != Wait::Settings) {
      liveness.onSettings(wait != Wait::Nothing);
    }
    if (wait == Wait::Pong) {
      letTimePass();
    }
    ASSERT_STREQ(nameOf(liveness.waitsFor()), nameOf(wait));
    told.clear();
  }
  // Until something comes of it.
  void letTimePass() {
    const Wait before = liveness.waitsFor();
    while (told.empty() && liveness.waitsFor() == before) {
      loop.turn();
    }
  }
  void letTimePass(std::chrono::milliseconds time) {
    bool over = false;
    Deadline deadline(loop, [&over] { over = true; });
    deadline.arm(time);
    while (!over) {
      loop.turn();
    }
  }

  EventLoop loop;
  std::string told;
  StreamFault fault;

 private:
  void onPingDue(std::uint64_t opaque) override { told += "ping:" + std::to_string(opaque) + " "; }
  void onLate(const StreamFault& late) override {
    fault = late;
    told += late.how == StreamFault::How::NoSettings ? "no settings " : "no pong ";
  }

 public:
  H2Liveness liveness;
};

constexpr const char* kNever = "-";

struct Row {
  const char* event;
  std::function<void(LivenessWorld&)> play;
  //                              Nothing  Settings  Silence  Pong
  std::array<const char*, 4> then;
  std::array<const char*, 4> told;
};

const std::array<Row, 8> kTable{{
    {"SETTINGS",
     [](auto& world) { world.liveness.onSettings(false); },
     {kNever, "Nothing", kNever, kNever},
     {"", "", "", ""}},
    {"SETTINGS while streams are open",
     [](auto& world) { world.liveness.onSettings(true); },
     {kNever, "Silence", kNever, kNever},
     {"", "", "", ""}},
    {"a stream",
     [](auto& world) { world.liveness.onBusy(); },
     {"Silence", "Settings", "Silence", "Pong"},
     {"", "", "", ""}},
    {"the last stream's end",
     [](auto& world) { world.liveness.onIdle(); },
     {"Nothing", "Settings", "Nothing", "Nothing"},
     {"", "", "", ""}},
    {"the answer to a PING",
     [](auto& world) { world.liveness.onPong(); },
     {"Nothing", "Settings", "Silence", "Silence"},
     {"", "", "", ""}},
    {"bytes",
     [](auto& world) { world.liveness.onBytes(); },
     {"Nothing", "Settings", "Silence", "Pong"},
     {"", "", "", ""}},
    {"time",
     [](auto& world) { world.letTimePass(); },
     {kNever, "Settings", "Pong", "Pong"},
     {"", "no settings ", "ping:1 ", "no pong "}},
    {"bytes, and time",
     [](auto& world) {
       world.liveness.onBytes();
       world.letTimePass();
     },
     {kNever, "Settings", "Pong", "Silence"},
     {"", "no settings ", "ping:1 ", ""}},
}};

TEST(H2LivenessStates, EachRowIsSo) {
  for (const Row& row : kTable) {
    for (std::size_t at = 0; at < row.then.size(); ++at) {
      if (std::string(row.then[at]) == kNever) {
        continue;
      }
      const Wait before = static_cast<Wait>(at);
      SCOPED_TRACE(std::string(row.event) + " in " + nameOf(before));
      LivenessWorld world({.settings = 10ms, .silence = 10ms, .pong = 10ms, .next_ping = 10ms});
      world.enter(before);
      row.play(world);
      EXPECT_STREQ(nameOf(world.liveness.waitsFor()), row.then[at]);
      EXPECT_EQ(world.told, row.told[at]);
    }
  }
}

TEST(H2Liveness, AFaultSaysWhatWasWaitedForAndHowLong) {
  LivenessWorld beginning({.settings = 10ms});
  beginning.letTimePass();
  EXPECT_EQ(beginning.fault.how, StreamFault::How::NoSettings);
  EXPECT_EQ(beginning.fault.code, numberOf(H2Code::SettingsTimeout));
  EXPECT_EQ(beginning.fault.limit_ms, 10U);
  EXPECT_GE(beginning.fault.elapsed_ms, 10);
  LivenessWorld later({.silence = 10ms, .pong = 20ms});
  later.enter(Wait::Pong);
  later.letTimePass();
  EXPECT_EQ(later.fault.how, StreamFault::How::PingTimeout);
  EXPECT_EQ(later.fault.code, numberOf(H2Code::NoError));
  EXPECT_EQ(later.fault.limit_ms, 20U);
  EXPECT_GE(later.fault.elapsed_ms, 20);
  EXPECT_LT(later.fault.elapsed_ms, 5000) << "since the PING";
}

TEST(H2Liveness, SilenceBeginsWithTheLastByte) {
  LivenessWorld world({.silence = 100ms});
  world.enter(Wait::Silence);
  world.letTimePass(50ms);
  const TimePoint last = EventLoop::now();
  world.liveness.onBytes();
  world.letTimePass();
  while (world.told.empty()) {
    world.loop.turn();
  }
  EXPECT_GE(EventLoop::now() - last, 99ms);  // it is counted in whole milliseconds
}

// gRPC servers allow one PING in five minutes.
TEST(H2Liveness, BehindAnAnswerTheNextPingHasTime) {
  LivenessWorld world({.silence = 10ms, .pong = 10ms, .next_ping = 100ms});
  world.enter(Wait::Pong);
  const TimePoint answered = EventLoop::now();
  world.liveness.onBytes();  // it is bytes, too
  world.liveness.onPong();
  world.letTimePass();
  EXPECT_GE(EventLoop::now() - answered, 100ms);
  EXPECT_EQ(world.told, "ping:2 ");
}

TEST(H2Liveness, NothingIsToldOnceItIsStopped) {
  LivenessWorld world({.settings = 10ms});
  world.liveness.stop();
  world.letTimePass(30ms);
  EXPECT_EQ(world.told, "");
}

// What is dead is found out before its answer is given up.
TEST(H2Patience, FollowsTheTimeoutsOfRequests) {
  OriginTimeouts timeouts;
  timeouts.connect = 2000ms;
  timeouts.response_head = 10000ms;
  timeouts.response_idle = 8000ms;
  const H2Patience patience = H2Patience::of(timeouts);
  EXPECT_EQ(patience.settings, 2000ms);
  EXPECT_EQ(patience.silence, 4000ms) << "half of the shorter";
  EXPECT_EQ(patience.pong, 6000ms);
  timeouts.connect = 20000ms;
  timeouts.response_head = timeouts.response_idle = 600000ms;
  const H2Patience longer = H2Patience::of(timeouts);
  EXPECT_EQ(longer.silence, H2Patience().silence);
  EXPECT_EQ(longer.pong, H2Patience().pong);
  timeouts.connect = timeouts.response_head = timeouts.response_idle = 0ms;
  EXPECT_EQ(H2Patience::of(timeouts).settings, H2Patience().settings);
  EXPECT_EQ(H2Patience::of(timeouts).silence, H2Patience().silence);
}

}  // namespace
}  // namespace gatewhy::test::h2_liveness
