// SPDX-License-Identifier: Apache-2.0
// Every state of an attempt, and all that can come in it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "proxy/loop/fd.h"
#include "tests/support/state_table.h"
#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::attempt_states {
namespace {

using State = Attempt::State;

constexpr std::array<std::string_view, 5> kStates = {"Idle", "Queued", "Connecting", "Streaming", "Done"};

std::string_view nameOf(State state) {
  return kStates[static_cast<std::size_t>(state)];
}

class Observer final : public AttemptObserver {
 public:
  void onUploadReady() override { ++ready; }
  void onResponseHead(const ResponseHead& /*head*/) override {}
  void onResponseData(std::string_view /*data*/) override {}
  void onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) override { ++ended; }
  void onAttemptFailed(Observation seen, std::vector<AddressFailure> /*addresses*/) override {
    ++failed;
    last = std::move(seen);
  }

  int ready = 0, ended = 0, failed = 0;
  std::optional<Observation> last;
};

AttemptRequest planFor(FakeWorld& world, const std::string& request) {
  const WorkerGeneration& generation = *world.context.generation;
  AttemptRequest plan;
  plan.head = &world.request(request);
  plan.origin = &world.config().origins.front();
  plan.runtime = &generation.shared->origins.front();
  plan.pool = &world.pool();
  plan.own_listeners = &generation.own_listeners;
  plan.resolver = generation.resolver.get();
  plan.redaction = &world.config().log.redaction;
  plan.forward.route = &world.config().routes.front();
  plan.body_here = true;
  return plan;
}

// One place, so that a second request waits; an upload, so that its body may
// still come.
class AttemptWorld final : public FakeWorld {
 public:
  AttemptWorld() : FakeWorld(", limits: {connections: 1}") {
    attempt = std::make_unique<Attempt>(context, observer,
                                        planFor(*this, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"));
  }
  // Into `state`, by the shortest way.
  void enter(State state) {
    switch (state) {
      case State::Idle:
        break;
      case State::Queued:
        EXPECT_TRUE(endpoint().acquire(1));
        attempt->start({});
        break;
      case State::Connecting:
        attempt->start({});
        break;
      case State::Streaming:
        park();
        attempt->start({});
        break;
      case State::Done:
        attempt->cancel();
        break;
    }
    ASSERT_EQ(nameOf(attempt->state()), nameOf(state));
  }
  [[nodiscard]] EndpointState& endpoint() { return *context.generation->shared->origins.front().endpoints.front(); }

  Observer observer;
  std::unique_ptr<Attempt> attempt;
};

// What can come, and what plays it.
const Events<AttemptWorld> kEvents = {
    {"start, a connection is parked",
     [](AttemptWorld& world) {
       world.park();
       world.attempt->start({});
     }},
    {"start, a place is free", [](AttemptWorld& world) { world.attempt->start({}); }},
    {"start, no place is free",
     [](AttemptWorld& world) {
       EXPECT_TRUE(world.endpoint().acquire(1));
       world.attempt->start({});
     }},
    {"a connection is granted",
     [](AttemptWorld& world) {
       world.endpoint().release();
       world.park();
       world.pool().serveQueue();
     }},
    {"a place is granted",
     [](AttemptWorld& world) {
       world.endpoint().release();
       world.pool().serveQueue();
     }},
    {"connected",
     [](AttemptWorld& world) {
       Connected connected;
       connected.link = std::make_unique<Link>();
       static_cast<ConnectObserver&>(*world.attempt).onConnected(std::move(connected));
     }},
    {"not connected",
     [](AttemptWorld& world) {
       std::vector<AddressFailure> failures(1);
       failures.front().observation.fault = ConnectFault{.error = 111};
       static_cast<ConnectObserver&>(*world.attempt).onConnectFailed(std::move(failures));
     }},
    {"the response is complete", [](AttemptWorld& world) { world.stream().complete(); }},
    {"the response is complete, out of step", [](AttemptWorld& world) { world.stream().complete(false); }},
    {"the stream fails",
     [](AttemptWorld& world) {
       world.stream().setup.owner.onStreamFailed(Phase::ResponseHead, EndFault{.how = EndFault::How::Reset});
     }},
    {"the body is here", [](AttemptWorld& world) { world.attempt->noteBodyHere(); }},
    {"cancel", [](AttemptWorld& world) { world.attempt->cancel(); }},
};

// Of each event: the state after it, by the state before it.
constexpr EventRow<5> kTable[] = {
    //  Idle  Queued  Connecting  Streaming  Done
    {"start, a connection is parked", {"Streaming", kNever, kNever, kNever, kNever}},
    {"start, a place is free", {"Connecting", kNever, kNever, kNever, kNever}},
    {"start, no place is free", {"Queued", kNever, kNever, kNever, kNever}},
    {"a connection is granted", {kNever, "Streaming", kNever, kNever, kNever}},
    {"a place is granted", {kNever, "Connecting", kNever, kNever, kNever}},
    {"connected", {kNever, kNever, "Streaming", kNever, kNever}},
    {"not connected", {kNever, kNever, "Done", kNever, kNever}},
    {"the response is complete", {kNever, kNever, kNever, "Done", kNever}},
    {"the response is complete, out of step", {kNever, kNever, kNever, "Done", kNever}},
    {"the stream fails", {kNever, kNever, kNever, "Done", kNever}},
    {"the body is here", {"Idle", "Queued", "Connecting", "Streaming", "Done"}},
    {"cancel", {"Done", "Done", "Done", "Done", "Done"}},
};

State stateOf(std::string_view state) {
  return static_cast<State>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
}

TEST(AttemptStates, EachPairIsAsTheTableSays) {
  expectTable(
      rowsOf(kStates, kTable), {kStates.begin(), kStates.end()}, namesOf(kEvents),
      [](std::string_view state, std::string_view event) {
        SCOPED_TRACE(std::string(event) + " in " + std::string(state));
        AttemptWorld world;
        world.enter(stateOf(state));
        kEvents.at(event)(world);
        EXPECT_LE(world.observer.ended + world.observer.failed, 1) << "the last word is one";
        return std::string(nameOf(world.attempt->state()));
      },
      true);
}

// Whoever could tell something late has been let go of.
TEST(AttemptStates, NothingComesAfterTheEnd) {
  for (const State before : {State::Queued, State::Connecting, State::Streaming}) {
    SCOPED_TRACE(nameOf(before));
    AttemptWorld world;
    world.enter(before);
    world.attempt->cancel();
    if (before == State::Queued) {
      world.endpoint().release();
      world.pool().serveQueue();
    }
    world.loop.post([&world] { world.loop.stop(); });
    world.loop.run();
    EXPECT_EQ(nameOf(world.attempt->state()), nameOf(State::Done));
    EXPECT_EQ(world.observer.ready, before == State::Streaming ? 1 : 0);
    EXPECT_EQ(world.observer.ended + world.observer.failed, 0);
    for (const FakeStream* stream : world.origin.streams) {
      EXPECT_TRUE(stream->left);
    }
  }
}

TEST(AttemptStates, AWholeResponseGivesTheConnectionBack) {
  AttemptWorld world;
  world.enter(State::Streaming);
  world.stream().complete();
  EXPECT_EQ(world.origin.parked, 1);
  EXPECT_EQ(world.observer.ended, 1);
  EXPECT_TRUE(world.attempt->answeredAtOnce());
}

TEST(AttemptStates, AFailureTellsWhatTheStreamKnew) {
  AttemptWorld world;
  world.enter(State::Streaming);
  world.stream().request_written = 42;
  world.stream().setup.owner.onStreamFailed(Phase::ResponseHead, EndFault{.how = EndFault::How::Reset});
  EXPECT_EQ(world.origin.parked, 0);
  EXPECT_EQ(world.origin.stopped, 1);
  ASSERT_TRUE(world.observer.last);
  EXPECT_EQ(world.observer.last->phase, Phase::ResponseHead);
  EXPECT_EQ(world.observer.last->bytes.request_written, 42U);
  EXPECT_TRUE(world.observer.last->connection.reused);
  EXPECT_EQ(world.observer.last->connection.peer_address, "192.0.2.80:80");
}

TEST(AttemptStates, WhoWaitsTooLongFailsInTheQueue) {
  class Short final : public FakeWorld {
   public:
    Short() : FakeWorld(", limits: {connections: 1}, timeouts: {connect: 1ms}") {}
  } world;
  Observer observer;
  const AttemptRequest plan = planFor(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(plan.runtime->endpoints.front()->acquire(1));
  Attempt attempt(world.context, observer, plan);
  attempt.start({});
  EXPECT_EQ(nameOf(attempt.state()), nameOf(State::Queued));
  while (observer.failed == 0) {
    world.loop.turn();
  }
  EXPECT_EQ(std::get<TimerFault>(observer.last->fault).timer, Timer::Queue);
  EXPECT_EQ(nameOf(attempt.state()), nameOf(State::Done));
}

// In one turn a client may leave and the connection for its request be made:
// the connector is there until the turn ends, and has nobody to tell.
TEST(AttemptStates, AConnectionThatIsMadeBehindTheEndIsNone) {
  const Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  ASSERT_EQ(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  FakeWorld world("", "", fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port)));
  Observer observer;
  const AttemptRequest plan = planFor(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Attempt attempt(world.context, observer, plan);
  attempt.start({});
  EXPECT_EQ(nameOf(attempt.state()), nameOf(State::Connecting));
  attempt.cancel();
  for (int turn = 0; turn < 3; ++turn) {
    world.loop.post([] {});
    world.loop.turn();
    EXPECT_EQ(nameOf(attempt.state()), nameOf(State::Done));
  }
  EXPECT_EQ(world.pool().parked(0), 0U);
}

}  // namespace
}  // namespace gatewhy::test::attempt_states
