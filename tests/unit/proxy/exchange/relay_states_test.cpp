// SPDX-License-Identifier: Apache-2.0
// Every state of a relay, and all that can come in it.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include "proxy/exchange/relay.h"
#include "proxy/net/transport.h"
#include "tests/support/state_table.h"

namespace gatewhy::test::relay_states {
namespace {

using State = Relay::State;

constexpr std::array<std::string_view, 6> kStates = {"Idle", "Flowing", "SinkFull", "Ending", "Ended", "Broken"};

class Source final : public BodySource {
 public:
  explicit Source(std::string& log) : log_(log) {}
  void resumeBody() override { log_ += "resume "; }

 private:
  std::string& log_;
};

class Sink final : public BodySink {
 public:
  explicit Sink(std::string& log) : log_(log) {}
  void sendData(std::string_view data) override { log_ += "data:" + std::string(data) + " "; }
  void sendEnd(std::string_view data, std::string_view trailers) override {
    log_ += "end:" + std::string(data) + std::string(trailers) + " ";
  }
  void flush() override { log_ += "flush "; }
  [[nodiscard]] bool sendBlocked() const override { return blocked; }
  [[nodiscard]] SplicePipe* splicePipe() override { return pipe; }

  bool blocked = false;
  SplicePipe* pipe = nullptr;

 private:
  std::string& log_;
};

// `copied`: with a tee, as a request's has.
struct RelayWorld {
  explicit RelayWorld(bool copied = false) {
    if (copied) {
      relay.tee(copy);
    }
    relay.join(source, sink);
  }
  void enter(std::string_view state) {
    if (state != "Idle") {
      relay.open();
    }
    if (state == "SinkFull") {
      sink.blocked = true;
    } else if (state == "Ending" || state == "Ended") {
      sink.blocked = state == "Ending";
      relay.takeEnd({}, {});
    } else if (state == "Broken") {
      relay.stop();
    }
    ASSERT_EQ(kStates[static_cast<std::size_t>(relay.state())], state);
    log.clear();
  }

  std::string log;  // words, each followed by a blank
  Source source{log};
  Sink sink{log};
  RequestBody copy;
  Relay relay;
};

const Events<RelayWorld> kEvents = {
    {"open", [](RelayWorld& world) { world.relay.open(); }},
    {"bytes", [](RelayWorld& world) { world.relay.take("ab"); }},
    {"bytes that are not all taken",
     [](RelayWorld& world) {
       world.sink.blocked = true;
       world.relay.take("ab");
     }},
    {"a batch has come", [](RelayWorld& world) { world.relay.flush(); }},
    {"the end", [](RelayWorld& world) { world.relay.takeEnd("c", "T: u\r\n"); }},
    {"the end, not all taken",
     [](RelayWorld& world) {
       world.sink.blocked = true;
       world.relay.takeEnd("c", {});
     }},
    {"the sink takes more",
     [](RelayWorld& world) {
       world.sink.blocked = false;
       world.relay.resume();
     }},
    {"a tunnel opens", [](RelayWorld& world) { world.relay.openTunnel(); }},
    {"the sink is gone", [](RelayWorld& world) { world.relay.stop(); }},
    {"another sink", [](RelayWorld& world) { world.relay.join(world.source, world.sink); }},
};

// What the two ends are told, and the state that follows.
constexpr EventRow<6> kTable[] = {
    //  Idle  Flowing  SinkFull  Ending  Ended  Broken
    {"open", {"> Flowing", kNever, kNever, kNever, kNever, kNever}},
    {"bytes", {"> Idle", "data:ab > Flowing", "data:ab > SinkFull", kNever, kNever, "> Broken"}},
    {"bytes that are not all taken",
     {"> Idle", "data:ab > SinkFull", "data:ab > SinkFull", kNever, kNever, "> Broken"}},
    {"a batch has come", {"> Idle", "flush > Flowing", "flush > SinkFull", "> Ending", "> Ended", "> Broken"}},
    {"the end", {"> Idle", "end:cT: u\r\n > Ended", "end:cT: u\r\n > Ending", kNever, kNever, "> Broken"}},
    {"the end, not all taken", {"> Idle", "end:c > Ending", "end:c > Ending", kNever, kNever, "> Broken"}},
    {"the sink takes more",
     {"resume > Idle", "resume > Flowing", "resume > Flowing", "> Ended", "> Ended", "> Broken"}},
    {"a tunnel opens", {"> Flowing", "> Flowing", "> SinkFull", "> SinkFull", "> Flowing", kNever}},
    {"the sink is gone", {"> Broken", "> Broken", "> Broken", "> Broken", "> Ended", "> Broken"}},
    {"another sink", {"> Idle", "> Idle", "> Idle", "> Idle", "> Idle", "> Idle"}},
};

TEST(RelayStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        RelayWorld world;
        world.enter(state);
        kEvents.at(event)(world);
        return world.log + "> " + std::string(kStates[static_cast<std::size_t>(world.relay.state())]);
      },
      true);
}

RequestHead upload() {
  RequestHead head;
  head.body = BodyKind::Chunked;
  return head;
}

// What came before a sink was open goes first, and may go a second time.
TEST(RelayCopy, GoesToEachSinkAnew) {
  RelayWorld world(true);
  world.copy.begin(upload());
  world.copy.wantCopy(true);
  EXPECT_TRUE(world.relay.wants(false)) << "there is room for it";
  world.relay.take("ab");
  world.relay.open();
  world.relay.take("cd");
  EXPECT_EQ(world.log, "data:ab data:cd ");
  world.log.clear();
  world.relay.stop();
  world.relay.join(world.source, world.sink);
  world.relay.open();
  world.relay.takeEnd("e", "T: u\r\n");
  EXPECT_EQ(world.log, "data:abcd end:eT: u\r\n ");
  world.log.clear();
  world.relay.join(world.source, world.sink);
  world.relay.open();
  EXPECT_EQ(world.log, "end:abcdeT: u\r\n ");
  EXPECT_EQ(world.relay.moved(), 5U);
}

TEST(RelayCopy, AFullSinkIsReadAheadOnlyIntoIt) {
  RelayWorld world(true);
  world.copy.begin(upload());
  world.copy.wantCopy(true);
  world.relay.open();
  world.sink.blocked = true;
  EXPECT_TRUE(world.relay.wants(false));
  world.relay.take(std::string(RequestBody::kMostKept, 'x'));
  EXPECT_FALSE(world.relay.wants(false)) << "it is full";
  world.relay.take("y");
  EXPECT_TRUE(world.copy.incomplete()) << "beyond that there is no second time";
  world.sink.blocked = false;
  EXPECT_TRUE(world.relay.wants(false));
}

// ---- the kernel moves it -------------------------------------------------

class RelaySplice : public testing::Test {
 protected:
  RelaySplice() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    from = Transport(Fd(ends[0]));
    peer = Transport(Fd(ends[1]));
    pipe = pipes.take();
    world.sink.pipe = pipe.get();
    world.relay.open();
    world.log.clear();
  }
  SpliceResult splice() { return world.relay.splice(from, 2 * kSpliceFrom); }

  SplicePipes pipes;
  std::unique_ptr<SplicePipe> pipe;
  Transport from, peer;
  RelayWorld world;
};

TEST_F(RelaySplice, WhatItMovesIsCountedAndGoesOn) {
  EXPECT_EQ(splice().status, SpliceStatus::WouldBlock);
  ASSERT_EQ(peer.write("abc", 3).size, 3U);
  const SpliceResult got = splice();
  EXPECT_EQ(got.status, SpliceStatus::Ok);
  EXPECT_EQ(got.size, 3U);
  EXPECT_EQ(pipe->held(), 3U);
  EXPECT_EQ(world.relay.moved(), 3U);
  EXPECT_EQ(world.log, "flush ");
  peer.close();
  EXPECT_EQ(splice().status, SpliceStatus::Ended);
}

TEST_F(RelaySplice, NotWhereThereIsNoPipeOrSomebodyWantsToSeeIt) {
  world.sink.pipe = nullptr;
  EXPECT_EQ(splice().status, SpliceStatus::Unsupported);
  world.sink.pipe = pipe.get();
  world.copy.begin(upload());
  world.copy.wantCopy(true);
  world.relay.tee(world.copy);
  EXPECT_EQ(splice().status, SpliceStatus::Unsupported) << "the copy wants it";
  world.copy.dropCopy();
  EXPECT_EQ(splice().status, SpliceStatus::WouldBlock);
  world.relay.stop();
  EXPECT_EQ(splice().status, SpliceStatus::Unsupported) << "nothing flows";
}

}  // namespace
}  // namespace gatewhy::test::relay_states
