// SPDX-License-Identifier: Apache-2.0
// Every state of an exchange, and all that can come in it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/state_table.h"
#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::exchange_states {
namespace {

using State = Exchange::State;

constexpr std::array<std::string_view, 6> kStates = {"Starting", "Waiting",  "Responding",
                                                     "Tunnel",   "Draining", "Finished"};

std::string_view nameOf(State state) {
  return kStates[static_cast<std::size_t>(state)];
}

constexpr const char* kUpload = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
constexpr const char* kUpgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
constexpr const char* kSwitching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";

class ExchangeWorld final : public FakeWorld {
 public:
  explicit ExchangeWorld(const char* head = kUpload, const std::string& origin_more = "")
      : FakeWorld(origin_more),
        request_head_(request(head)),
        exchange(std::make_unique<Exchange>(context, client, request_head_)) {}

  // Into `state`, by the shortest way.
  void enter(State state) {
    if (state != State::Starting) {
      park();
      exchange->begin();
    }
    switch (state) {
      case State::Starting:
      case State::Waiting:
        break;
      case State::Responding:
        observer().onResponseHead(response(kOk));
        break;
      case State::Tunnel:
        observer().onTunnelOpen(response(kSwitching));
        break;
      case State::Draining:
        observer().onResponseHead(response(kOk));
        client.blocked = true;
        complete();
        break;
      case State::Finished:
        observer().onResponseHead(response(kOk));
        complete();
        break;
    }
    ASSERT_EQ(nameOf(exchange->state()), nameOf(state));
  }
  [[nodiscard]] ResponseObserver& observer() { return stream().setup.observer; }
  void complete() { stream().complete(); }
  void fail(Phase phase) { stream().setup.owner.onStreamFailed(phase, EndFault{.how = EndFault::How::Reset}); }

 private:
  const RequestHead& request_head_;

 public:
  FakeClient client;
  std::unique_ptr<Exchange> exchange;
};

Observation clientReset() {
  return Observation{.phase = Phase::ClientRequest, .fault = EndFault{.how = EndFault::How::Reset}};
}

Observation shortBody() {
  Observation seen{.phase = Phase::ClientRequest,
                   .fault = ParseFault{.error = ParseError::BodyLengthDiffers, .size = 2, .limit = 5}};
  seen.bytes.body_received = 2;
  seen.bytes.body_expected = 5;
  return seen;
}

// What can come, and what plays it.
const Events<ExchangeWorld> kEvents = {
    {"begin, a connection is parked",
     [](ExchangeWorld& world) {
       world.park();
       world.exchange->begin();
     }},
    {"refused",
     [](ExchangeWorld& world) {
       world.exchange->reject(
           Observation{.phase = Phase::ClientRequest,
                       .fault = DecisionFault{.cause = Cause::RequestDenied, .detail = {}, .size = {}, .limit = {}}});
     }},
    {"body", [](ExchangeWorld& world) { world.exchange->onBody("ab", false, ""); }},
    {"the last of the body", [](ExchangeWorld& world) { world.exchange->onBody("abcde", true, ""); }},
    {"what was sent has left", [](ExchangeWorld& world) { world.observer().onUploadDrained(); }},
    {"interim head",
     [](ExchangeWorld& world) { world.observer().onInterim(world.response("HTTP/1.1 103 Early Hints\r\n\r\n")); }},
    {"response head", [](ExchangeWorld& world) { world.observer().onResponseHead(world.response(kOk)); }},
    {"101", [](ExchangeWorld& world) { world.observer().onTunnelOpen(world.response(kSwitching)); }},
    {"response data", [](ExchangeWorld& world) { world.observer().onResponseData("ok"); }},
    {"the response is complete", [](ExchangeWorld& world) { world.complete(); }},
    {"the response is complete, the client blocks",
     [](ExchangeWorld& world) {
       world.client.blocked = true;
       world.complete();
     }},
    {"the response is complete, its arrival is open",
     [](ExchangeWorld& world) {
       world.client.half_closed = true;
       world.client.arrived.reset();
       world.complete();
     }},
    {"the stream fails", [](ExchangeWorld& world) { world.fail(Phase::ResponseHead); }},
    {"tunnel bytes of the origin", [](ExchangeWorld& world) { world.observer().onResponseData("x"); }},
    {"tunnel bytes of the client", [](ExchangeWorld& world) { world.exchange->onBody("x", false, {}); }},
    {"the origin ends its half", [](ExchangeWorld& world) { world.observer().onTunnelOriginClosed(); }},
    {"the client ends its half", [](ExchangeWorld& world) { world.exchange->onBody({}, true, {}); }},
    {"the client takes bytes again",
     [](ExchangeWorld& world) {
       world.client.blocked = false;
       world.exchange->onClientDrained();
     }},
    {"it has arrived", [](ExchangeWorld& world) { world.exchange->onSettled(true); }},
    {"it has not arrived", [](ExchangeWorld& world) { world.exchange->onSettled(false); }},
    {"the client ends its body short", [](ExchangeWorld& world) { world.exchange->onShortBody(shortBody()); }},
    {"the client fails", [](ExchangeWorld& world) { world.exchange->onClientFault(clientReset()); }},
    {"the client ends its sending side", [](ExchangeWorld& world) { world.exchange->noteHalfClose(); }},
    {"drain.timeout is over", [](ExchangeWorld& world) { world.exchange->onDrainDeadline(); }},
};

// Of each event: the state after it, by the state before it.
constexpr EventRow<6> kTable[] = {
    //  Starting  Waiting  Responding  Tunnel  Draining  Finished
    {"begin, a connection is parked", {"Waiting", kNever, kNever, kNever, kNever, kNever}},
    {"refused", {"Finished", "Finished", "Finished", kNever, kNever, kNever}},  // then: a body beyond its limit
    {"body", {kNever, "Waiting", "Responding", kNever, kNever, kNever}},
    {"the last of the body", {kNever, "Waiting", "Responding", kNever, kNever, kNever}},
    {"what was sent has left", {kNever, "Waiting", "Responding", "Tunnel", kNever, kNever}},
    {"interim head", {kNever, "Waiting", kNever, kNever, kNever, kNever}},
    {"response head", {kNever, "Responding", kNever, kNever, kNever, kNever}},
    {"101", {kNever, "Tunnel", kNever, kNever, kNever, kNever}},
    {"response data", {kNever, kNever, "Responding", kNever, kNever, kNever}},
    {"the response is complete", {kNever, kNever, "Finished", kNever, kNever, kNever}},
    {"the response is complete, the client blocks", {kNever, kNever, "Draining", kNever, kNever, kNever}},
    {"the response is complete, its arrival is open", {kNever, kNever, "Draining", kNever, kNever, kNever}},
    {"the stream fails", {kNever, "Finished", "Finished", "Finished", kNever, kNever}},
    {"tunnel bytes of the origin", {kNever, kNever, kNever, "Tunnel", kNever, kNever}},
    {"tunnel bytes of the client", {kNever, kNever, kNever, "Tunnel", kNever, kNever}},
    {"the origin ends its half", {kNever, kNever, kNever, "Tunnel", kNever, kNever}},
    {"the client ends its half", {kNever, kNever, kNever, "Tunnel", kNever, kNever}},
    {"the client takes bytes again", {kNever, "Waiting", "Responding", "Tunnel", "Finished", kNever}},
    {"it has arrived", {kNever, "Waiting", "Responding", "Tunnel", "Finished", kNever}},
    {"it has not arrived", {kNever, "Waiting", "Responding", "Tunnel", "Finished", kNever}},
    {"the client ends its body short", {kNever, kNever, "Responding", kNever, "Draining", kNever}},
    {"the client fails", {kNever, "Finished", "Finished", "Finished", "Finished", kNever}},
    {"the client ends its sending side", {kNever, "Waiting", "Responding", "Tunnel", "Draining", kNever}},
    {"drain.timeout is over", {kNever, "Finished", "Finished", "Finished", "Finished", kNever}},
};

State stateOf(std::string_view state) {
  return static_cast<State>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
}

TEST(ExchangeStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        SCOPED_TRACE(std::string(event) + " in " + std::string(state));
        ExchangeWorld world(state == "Tunnel" || event == "101" ? kUpgrade : kUpload);
        world.enter(stateOf(state));
        kEvents.at(event)(world);
        const bool over = world.exchange->state() == State::Finished;
        EXPECT_EQ(world.client.finished.has_value(), over) << "the client's connection is told, once";
        EXPECT_EQ(world.told.size(), over ? 1U : 0U) << "one event at the end, and none before";
        return std::string(nameOf(world.exchange->state()));
      },
      true);
}

TEST(ExchangeStates, ATunnelIsOverWhenBothHalvesAre) {
  for (const bool origin_first : {true, false}) {
    ExchangeWorld world(kUpgrade);
    world.enter(State::Tunnel);
    const auto end = [&](bool of_origin) {
      if (of_origin) {
        world.observer().onTunnelOriginClosed();
      } else {
        world.exchange->onBody({}, true, {});
      }
    };
    end(origin_first);
    EXPECT_EQ(world.client.ended, origin_first);
    EXPECT_EQ(world.stream().ended, !origin_first);
    end(!origin_first);
    EXPECT_EQ(nameOf(world.exchange->state()), nameOf(State::Finished));
    ASSERT_EQ(world.told.size(), 1U);
    EXPECT_EQ(world.told.front().cause, "");
  }
}

// Sent bytes stand: the message must not look whole.
TEST(ExchangeStates, AnAnswerThatBreaksEndsBroken) {
  ExchangeWorld world;
  world.enter(State::Responding);
  world.fail(Phase::ResponseBody);
  EXPECT_EQ(world.client.finished, Ending::Broken);
  ASSERT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.told.front().status, 200);
  EXPECT_NE(world.told.front().cause, "");
}

// RFC 9113 section 8.1: the answer is whole, and what it was not needed for is only told.
TEST(ExchangeStates, ABodyThatEndsShortBehindTheAnswersHeadIsNobodysFault) {
  ExchangeWorld world;
  world.enter(State::Waiting);
  world.exchange->onBody("ab", false, "");
  world.observer().onResponseHead(world.response(kOk));
  world.exchange->onShortBody(shortBody());
  EXPECT_FALSE(world.exchange->wantsBody());
  EXPECT_FALSE(world.stream().ended) << "the origin was promised more";
  EXPECT_FALSE(world.stream().left) << "nor is its answer given up";
  world.observer().onResponseData("ok");
  world.complete();
  EXPECT_EQ(world.client.sent, "ok");
  EXPECT_EQ(world.client.finished, Ending::Complete);
  ASSERT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.told.front().cause, "");
  EXPECT_EQ(world.told.front().body, 2U);
  EXPECT_EQ(world.told.front().body_announced, 5U);
}

TEST(ExchangeStates, WhatFailsBehindAShortBodyIsTheClientsFaultWhereItIsSilence) {
  const std::pair<Fault, std::string_view> rows[] = {
      {TimerFault{.timer = Timer::ResponseIdle, .limit_ms = 1}, "client_length_mismatch"},
      {EndFault{.how = EndFault::How::Reset}, "response_body_reset"}};
  for (const auto& [fault, cause] : rows) {
    ExchangeWorld world;
    world.enter(State::Responding);
    world.exchange->onShortBody(shortBody());
    world.stream().setup.owner.onStreamFailed(Phase::ResponseBody, fault);
    ASSERT_EQ(world.told.size(), 1U);
    EXPECT_EQ(world.told.front().cause, cause);
    EXPECT_EQ(world.client.finished, cause == "response_body_reset" ? Ending::Broken : Ending::Abandoned);
  }
}

TEST(ExchangeStates, AStaleConnectionIsTriedAgainWhereThatDoesNoHarm) {
  ExchangeWorld world("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ", retry: {attempts: 1}");
  world.enter(State::Waiting);
  world.stream().setup.owner.onStreamFailed(Phase::ResponseHead, EndFault{.how = EndFault::How::Fin});
  EXPECT_EQ(nameOf(world.exchange->state()), nameOf(State::Waiting)) << "connecting, where nobody is resolved";
  world.exchange->onDrainDeadline();
  ASSERT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.told.front().attempts, 2U);
}

TEST(ExchangeStates, ItsOwnTimeRunsOut) {
  ExchangeWorld world(kUpload, ", timeouts: {exchange: 1ms}");
  world.enter(State::Waiting);
  while (world.told.empty()) {
    world.loop.turn();
  }
  EXPECT_EQ(world.told.front().cause, "exchange_timeout");
  EXPECT_EQ(nameOf(world.exchange->state()), nameOf(State::Finished));
}

}  // namespace
}  // namespace gatewhy::test::exchange_states
