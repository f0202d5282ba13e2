// SPDX-License-Identifier: Apache-2.0
// What a request gets of a pool, by what there is of connections to its
// endpoint, and what becomes of those who wait for a connection that another
// one opens.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <string>

#include "proxy/origin/origin_connection.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy::test::lease_table {
namespace {

// Of what a test says of it.
class FakeConnection final : public OriginConnection {
 public:
  FakeConnection(EventLoop& loop, Sharing sharing, int& stopped) : OriginConnection(loop, sharing), stopped_(stopped) {}
  [[nodiscard]] std::unique_ptr<OriginStream> open(const OriginStreamSetup& /*setup*/) override { return nullptr; }
  [[nodiscard]] std::uint32_t room() const override {
    const std::uint32_t most = drains_ ? 0 : sharing() == Sharing::Exclusive ? 1 : most_;
    return most - std::min(most, leases());
  }
  [[nodiscard]] bool draining() const override { return drains_; }
  void stop() override { ++stopped_; }
  void drain() {
    drains_ = true;
    noteRoom();
  }
  void allow(std::uint32_t most) {
    most_ = most;
    noteRoom();
  }

 private:
  bool beginIdle() override { return !drains_; }
  void endIdle() override {}

  int& stopped_;
  std::uint32_t most_ = 100;
  bool drains_ = false;
};

class Request final : public PoolWaiter {
 public:
  Request(OriginPool& pool, bool fresh, bool http1) : pool_(pool), http1_(http1) {
    PoolRefusal refusal{};
    if (auto given = pool.request(*this, fresh, refusal)) {
      lease = std::move(*given);
    }
    queued = !lease.held() && refusal == PoolRefusal::Queued;
  }
  void onLease(Lease given) override { lease = std::move(given); }
  void onOpened() override { pool_.proceed(lease, *this); }
  void onOpeningFailed(const std::vector<AddressFailure>& failures) override {
    failed = failures.size();
    lease.end();
  }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] bool needsHttp1() const override { return http1_; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return none_; }
  [[nodiscard]] const char* what() const {
    if (failed != 0) {
      return "failed";
    }
    if (!lease.held()) {
      return queued ? "queued" : "nothing";
    }
    if (lease.connection() != nullptr) {
      return "has one";
    }
    return lease.waits() ? "waits" : lease.http() == EndpointHttp::Http1 ? "opens HTTP/1.1" : "opens";
  }

  Lease lease;
  bool queued = false;
  std::size_t failed = 0;

 private:
  OriginPool& pool_;
  bool http1_;
  std::vector<std::size_t> none_;
};

class World {
 public:
  explicit World(std::uint32_t places = 1000) {
    config_.name = "origin";
    config_.endpoints.emplace_back();
    config_.endpoints.front().scheme = EndpointScheme::Https;
    config_.endpoints.front().http = EndpointHttp::Negotiated;
    config_.limits.connections = places;
    pool.emplace(loop, config_, std::vector{state}, std::make_shared<OriginState>(), [] {});
  }
  ~World() { requests.clear(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Request& ask(bool fresh = false, bool http1 = false) { return requests.emplace_back(*pool, fresh, http1); }
  FakeConnection& connect(Request& request, OriginConnection::Sharing sharing = OriginConnection::Sharing::Shared) {
    auto made = std::make_unique<FakeConnection>(loop, sharing, stopped);
    FakeConnection& connection = *made;
    pool->adopt(request.lease, std::move(made));
    return connection;
  }
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  // The connections before the request that is looked at.
  void enter(const std::string& what) {
    if (what == "nothing") {
      return;
    }
    Request& first = ask();
    if (what == "being opened") {
      return;
    }
    FakeConnection& connection = connect(first);
    if (what == "full") {
      connection.allow(1);
    } else if (what == "parked") {
      first.lease.end();
    } else if (what == "draining") {
      connection.drain();
    }
    turn();
  }

  EventLoop loop;
  std::shared_ptr<EndpointState> state = std::make_shared<EndpointState>();
  int stopped = 0;
  std::optional<OriginPool> pool;
  std::deque<Request> requests;

 private:
  OriginConfig config_;
};

struct Row {
  const char* there;
  //          any request   after a stale one   with an Upgrade
  std::array<const char*, 3> gets;
};
constexpr Row kTable[] = {
    {"nothing", {"opens", "opens", "opens HTTP/1.1"}},     {"being opened", {"waits", "waits", "opens HTTP/1.1"}},
    {"with room", {"has one", "opens", "opens HTTP/1.1"}}, {"full", {"opens", "opens", "opens HTTP/1.1"}},
    {"parked", {"has one", "opens", "opens HTTP/1.1"}},    {"draining", {"opens", "opens", "opens HTTP/1.1"}},
};

TEST(LeaseTable, WhatARequestGets) {
  for (const Row& row : kTable) {
    for (std::size_t kind = 0; kind < row.gets.size(); ++kind) {
      SCOPED_TRACE(std::string(row.there) + ", request " + std::to_string(kind));
      World world;
      world.enter(row.there);
      EXPECT_STREQ(world.ask(kind == 1, kind == 2).what(), row.gets[kind]);
    }
  }
}

struct Outcome {
  const char* event;
  void (*play)(World& world, Request& opener);
  const char* then;  // of who waited
};
const Outcome kOutcomes[] = {
    {"a connection that is shared", [](World& world, Request& opener) { world.connect(opener); }, "has one"},
    {"one that takes no more", [](World& world, Request& opener) { world.connect(opener).allow(1); }, "opens"},
    {"one of HTTP/1.1",
     [](World& world, Request& opener) { world.connect(opener, OriginConnection::Sharing::Exclusive); }, "opens"},
    {"the opener gives up", [](World& /*world*/, Request& opener) { opener.lease.end(); }, "opens"},
    {"a failure",
     [](World& world, Request& opener) { world.pool->onOpeningFailed(opener.lease, std::vector<AddressFailure>(2)); },
     "failed"},
};

TEST(LeaseTable, WhatBecomesOfThoseWhoWait) {
  for (const Outcome& outcome : kOutcomes) {
    SCOPED_TRACE(outcome.event);
    World world;
    Request& opener = world.ask();
    Request& first = world.ask();
    ASSERT_STREQ(first.what(), "waits");
    outcome.play(world, opener);
    world.turn();
    EXPECT_STREQ(first.what(), outcome.then);
  }
}

TEST(LeaseTable, OneOpensForAllWhoWaitAndOneAfterTheOther) {
  World world;
  Request& opener = world.ask();
  Request& second = world.ask();
  Request& third = world.ask();
  opener.lease.end();
  world.turn();
  EXPECT_STREQ(second.what(), "opens");
  EXPECT_STREQ(third.what(), "waits");
  world.connect(second);
  world.turn();
  EXPECT_EQ(third.lease.connection(), second.lease.connection());
}

TEST(LeaseTable, WhoLeavesWaitsForNothing) {
  World world;
  Request& opener = world.ask();
  {
    Request leaving(*world.pool, false, false);
    ASSERT_STREQ(leaving.what(), "waits");
  }
  world.connect(opener);
  world.turn();
  EXPECT_STREQ(world.ask().what(), "has one");
}

// Whoever fails with the others may ask again at once; that is another story.
TEST(LeaseTable, AFailureIsToldToThoseWhoWaitedForItAlone) {
  World world;
  Request& opener = world.ask();
  Request& waiting = world.ask();
  world.pool->onOpeningFailed(opener.lease, std::vector<AddressFailure>(1));
  EXPECT_STREQ(waiting.what(), "failed");
  EXPECT_STREQ(world.ask().what(), "opens");
  EXPECT_STREQ(world.ask().what(), "waits");
}

TEST(LeaseTable, WhereHttp1WasChosenEachOpensItsOwn) {
  World world;
  world.connect(world.ask(), OriginConnection::Sharing::Exclusive);
  EXPECT_STREQ(world.ask().what(), "opens");
  EXPECT_STREQ(world.ask().what(), "opens");
}

TEST(LeaseTable, AnEndpointThatIsHeldToHttp1IsOfferedThatAlone) {
  World world;
  world.enter("with room");
  EXPECT_TRUE(world.state->holdToHttp1(EventLoop::now()));
  EXPECT_FALSE(world.state->holdToHttp1(EventLoop::now())) << "not news any more";
  EXPECT_STREQ(world.ask().what(), "opens HTTP/1.1");
}

TEST(LeaseTable, ADrainingConnectionIsClosedBehindItsLastRequest) {
  World world;
  Request& first = world.ask();
  FakeConnection& connection = world.connect(first);
  Request& second = world.ask();
  ASSERT_EQ(second.lease.connection(), &connection);
  connection.drain();
  first.lease.end();
  EXPECT_EQ(world.stopped, 0);
  second.lease.end();
  EXPECT_EQ(world.stopped, 1);
  EXPECT_EQ(world.pool->parked(0), 0U);
}

TEST(LeaseTable, RequestsCountWhateverTheyShare) {
  World world(2);
  Request& first = world.ask();
  world.connect(first);
  Request& second = world.ask();
  Request& third = world.ask();
  EXPECT_STREQ(second.what(), "has one");
  EXPECT_STREQ(third.what(), "queued");
  EXPECT_EQ(world.state->connections(), 1U);
  second.lease.end();
  world.turn();
  EXPECT_STREQ(third.what(), "has one");
  first.lease.end();
  third.lease.end();
  EXPECT_EQ(world.pool->parked(0), 1U);
  Request& upgrade = world.ask(false, true);
  EXPECT_STREQ(upgrade.what(), "opens HTTP/1.1") << "a parked connection of HTTP/2 takes nobody's place";
  world.pool->closeParked();
  world.turn();
  EXPECT_EQ(world.state->connections(), 1U) << "the one that is being opened";
}

}  // namespace
}  // namespace gatewhy::test::lease_table
