// SPDX-License-Identifier: Apache-2.0
// Every state of what passes between two sides, and all that can come in it.
#include <gtest/gtest.h>

#include <optional>

#include "proxy/exchange/passage.h"
#include "tests/support/state_table.h"

namespace gatewhy::test::passage_states {
namespace {

using State = Passage::State;
using Taken = Passage::Taken;

constexpr std::array<std::string_view, 5> kStates = {"Apart", "Asking", "Answering", "Tunnel", "Over"};
constexpr std::array<std::string_view, 4> kTaken = {"More", "Whole", "TooMuch", "Over"};

// A client, or an origin.
class Side final : public BodySink, public BodySource {
 public:
  Side(std::string name, std::string& log) : name_(std::move(name)), log_(log) {}
  void sendData(std::string_view data) override { log_ += name_ + ":" + std::string(data) + " "; }
  void sendEnd(std::string_view data, std::string_view trailers) override {
    log_ += name_ + ":end:" + std::string(data) + std::string(trailers) + " ";
  }
  void flush() override { log_ += name_ + ":flush "; }
  [[nodiscard]] bool sendBlocked() const override { return false; }
  void resumeBody() override { log_ += name_ + ":resume "; }

 private:
  std::string name_;
  std::string& log_;
};

RequestHead upload() {
  RequestHead head;
  head.body = BodyKind::Chunked;
  return head;
}

struct PassageWorld {
  PassageWorld() { passage.begin(upload()); }
  void enter(std::string_view state) {
    if (state != "Apart") {
      passage.join(client, origin, false);
    }
    if (state == "Answering" || state == "Over") {
      passage.openRequest();
      passage.openAnswer();
    } else if (state == "Tunnel") {
      passage.openTunnel();
    }
    if (state == "Over") {
      passage.endAnswer({});
    }
    ASSERT_EQ(stateName(), state);
    log.clear();
  }
  [[nodiscard]] std::string_view stateName() const { return kStates[static_cast<std::size_t>(passage.state())]; }

  std::string log;  // words, each followed by a blank
  Side client{"client", log}, origin{"origin", log};
  std::optional<Taken> taken;
  Passage passage;
};

const Events<PassageWorld> kEvents = {
    {"an origin", [](PassageWorld& world) { world.passage.join(world.client, world.origin, false); }},
    {"the origin is left", [](PassageWorld& world) { world.passage.leave(); }},
    {"the request goes out", [](PassageWorld& world) { world.passage.openRequest(); }},
    {"bytes of the client", [](PassageWorld& world) { world.taken = world.passage.takeRequest("ab", false, {}, 0); }},
    {"bytes beyond the limit",
     [](PassageWorld& world) { world.taken = world.passage.takeRequest("ab", false, {}, 1); }},
    {"the client's last", [](PassageWorld& world) { world.taken = world.passage.takeRequest({}, true, {}, 0); }},
    {"the client sends no more of its body", [](PassageWorld& world) { world.passage.cutRequest(); }},
    {"the answer begins", [](PassageWorld& world) { world.passage.openAnswer(); }},
    {"bytes of the origin", [](PassageWorld& world) { world.passage.takeAnswer("cd"); }},
    {"a batch of the origin has come", [](PassageWorld& world) { world.passage.flushAnswer(); }},
    {"the answer ends", [](PassageWorld& world) { world.passage.endAnswer("T: u\r\n"); }},
    {"a tunnel opens", [](PassageWorld& world) { world.passage.openTunnel(); }},
    {"the origin ends its half",
     [](PassageWorld& world) { EXPECT_FALSE(world.passage.endOriginHalf()) << "the client's goes on"; }},
    {"the origin takes more", [](PassageWorld& world) { world.passage.resumeRequest(); }},
    {"the client takes more", [](PassageWorld& world) { world.passage.resumeAnswer(); }},
};

// What the two sides are told, the state that follows, and what the client's
// bytes have come to.
constexpr EventRow<5> kTable[] = {
    //  Apart  Asking  Answering  Tunnel  Over
    {"an origin", {"> Asking", kNever, kNever, kNever, kNever}},
    {"the origin is left", {"> Apart", "> Apart", "> Apart", "> Apart", "> Apart"}},
    {"the request goes out", {kNever, "client:resume > Asking", kNever, kNever, kNever}},
    {"bytes of the client",
     {"> Apart More", "> Asking More", "origin:ab > Answering More", "origin:ab > Tunnel More", "> Over More"}},
    {"bytes beyond the limit",
     {"> Apart TooMuch", "> Asking TooMuch", "> Answering TooMuch", "origin:ab > Tunnel More", "> Over TooMuch"}},
    {"the client's last",
     {"> Apart Whole", "> Asking Whole", "origin:end: > Answering Whole", "origin:end: > Tunnel More", "> Over Whole"}},
    {"the client sends no more of its body", {"> Apart", kNever, "> Answering", kNever, "> Over"}},
    {"the answer begins", {kNever, "> Answering", kNever, kNever, kNever}},
    {"bytes of the origin", {kNever, kNever, "client:cd > Answering", "client:cd > Tunnel", kNever}},
    {"a batch of the origin has come",
     {kNever, "> Asking", "client:flush > Answering", "client:flush > Tunnel", "> Over"}},
    {"the answer ends", {kNever, kNever, "client:end:T: u\r\n > Over", kNever, kNever}},
    {"a tunnel opens", {kNever, "> Tunnel", kNever, kNever, kNever}},
    {"the origin ends its half", {kNever, kNever, kNever, "client:end: > Tunnel", kNever}},
    {"the origin takes more",
     {"> Apart", "client:resume > Asking", "client:resume > Answering", "client:resume > Tunnel", "> Over"}},
    {"the client takes more",
     {"> Apart", "origin:resume > Asking", "origin:resume > Answering", "origin:resume > Tunnel", "> Over"}},
};

TEST(PassageStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        PassageWorld world;
        world.enter(state);
        kEvents.at(event)(world);
        const std::string taken =
            world.taken ? " " + std::string(kTaken[static_cast<std::size_t>(*world.taken)]) : std::string();
        return world.log + "> " + std::string(world.stateName()) + taken;
      },
      true);
}

TEST(PassageStates, ATunnelIsOverWhenBothHalvesAre) {
  for (const bool origin_first : {true, false}) {
    PassageWorld world;
    world.enter("Tunnel");
    if (origin_first) {
      EXPECT_FALSE(world.passage.endOriginHalf());
      EXPECT_EQ(world.passage.takeRequest({}, true, {}, 0), Taken::Over);
    } else {
      EXPECT_EQ(world.passage.takeRequest({}, true, {}, 0), Taken::More);
      EXPECT_TRUE(world.passage.endOriginHalf());
    }
    EXPECT_EQ(world.stateName(), "Over");
  }
}

TEST(PassageBody, GoesToTheNextOriginTooWhereItIsKept) {
  PassageWorld world;
  world.passage.join(world.client, world.origin, true);
  EXPECT_TRUE(world.passage.asksWhatToKeep());
  world.passage.openRequest();
  EXPECT_EQ(world.passage.takeRequest("ab", true, "T: u\r\n", 0), Taken::Whole);
  EXPECT_TRUE(world.passage.repeatable());
  world.passage.leave();
  world.log.clear();
  world.passage.join(world.client, world.origin, true);
  world.passage.openRequest();
  EXPECT_EQ(world.log, "origin:end:abT: u\r\n ");
  EXPECT_EQ(world.passage.received(), 2U);
  world.passage.openAnswer();
  EXPECT_FALSE(world.passage.repeatable()) << "an answer has begun";
  EXPECT_EQ(world.passage.kept(), 0U);
}

TEST(PassageBody, IsNotEndedWhereTheClientSendsNoMoreOfIt) {
  PassageWorld world;
  world.enter("Answering");
  EXPECT_EQ(world.passage.takeRequest("ab", false, {}, 0), Taken::More);
  world.passage.cutRequest();
  EXPECT_FALSE(world.passage.wantsRequest(false));
  EXPECT_FALSE(world.passage.requestWhole());
  world.passage.resumeRequest();
  world.passage.takeAnswer("cd");
  world.passage.endAnswer({});
  EXPECT_EQ(world.log, "origin:ab client:cd client:end: ");
}

TEST(PassageBody, IsGoneOnceItIsSentWhereItIsNotKept) {
  PassageWorld world;
  world.enter("Asking");
  EXPECT_FALSE(world.passage.asksWhatToKeep());
  world.passage.openRequest();
  EXPECT_EQ(world.passage.takeRequest("ab", false, {}, 0), Taken::More);
  EXPECT_FALSE(world.passage.repeatable());
}

}  // namespace
}  // namespace gatewhy::test::passage_states
