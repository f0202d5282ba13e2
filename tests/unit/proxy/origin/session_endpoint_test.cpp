// SPDX-License-Identifier: Apache-2.0
// Clients that stay with an endpoint: they wait for it where it is full, hold
// nobody up meanwhile, and leave it where it is out of use.
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "proxy/origin/origin_pool.h"

namespace gatewhy::test {
namespace {

class SessionRequest final : public PoolWaiter {
 public:
  SessionRequest(OriginPool& pool, std::size_t session, const std::vector<std::size_t>& tried)
      : session_(session), tried_(tried) {
    if (auto lease = pool.request(*this, false, refusal)) {
      onLease(std::move(*lease));
    }
  }
  void onLease(Lease lease) override { lease_.emplace(std::move(lease)); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] std::size_t sessionEndpoint() const override { return session_; }
  [[nodiscard]] bool bodyIsHere() const override { return true; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }
  // Where it is; Balancer::kNone while it waits.
  [[nodiscard]] std::size_t at() const { return lease_ ? lease_->endpoint() : Balancer::kNone; }
  void end() { lease_.reset(); }

  PoolRefusal refusal = PoolRefusal::NoHealthyEndpoint;

 private:
  std::size_t session_;
  std::vector<std::size_t> tried_;
  std::optional<Lease> lease_;
};

class SessionEndpoint : public testing::Test {
 protected:
  static OriginConfig config() {
    OriginConfig made;
    made.name = "origin";
    made.endpoints.resize(3);
    made.limits.connections = 2;
    return made;
  }
  SessionRequest& request(std::size_t session, const std::vector<std::size_t>& tried = {}) {
    return requests_.emplace_back(pool_, session, tried);
  }
  void eject(std::size_t endpoint) { EXPECT_TRUE(pool_.health().setDrained(endpoint, true, EventLoop::now())); }
  void turn() {
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }

  EventLoop loop_;
  OriginConfig config_ = config();
  std::vector<std::shared_ptr<EndpointState>> states_{
      std::make_shared<EndpointState>(), std::make_shared<EndpointState>(), std::make_shared<EndpointState>()};
  std::shared_ptr<OriginState> origin_ = std::make_shared<OriginState>();
  OriginPool pool_{loop_, config_, states_, origin_, [] {}};
  std::deque<SessionRequest> requests_;
};

TEST_F(SessionEndpoint, StaysWhereverItsTurnIs) {
  EXPECT_EQ(request(2).at(), 2U);
  EXPECT_EQ(request(2).at(), 2U);
  EXPECT_EQ(request(1).at(), 1U);
}

TEST_F(SessionEndpoint, OneThatIsNoMoreIsNone) {
  EXPECT_NE(request(7).at(), Balancer::kNone);
}

TEST_F(SessionEndpoint, WaitsForItsEndpointAndHoldsNobodyUp) {
  SessionRequest& first = request(0);
  request(0);
  SessionRequest& waiting = request(0);
  EXPECT_EQ(waiting.at(), Balancer::kNone);
  EXPECT_EQ(waiting.refusal, PoolRefusal::Queued);
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(request(Balancer::kNone).at(), Balancer::kNone);
  }
  SessionRequest& behind = request(Balancer::kNone);  // all are full now
  EXPECT_EQ(behind.at(), Balancer::kNone);
  requests_[3].end();  // of another endpoint
  turn();
  EXPECT_EQ(waiting.at(), Balancer::kNone);
  EXPECT_NE(behind.at(), Balancer::kNone) << "it passes who waits for one endpoint alone";
  first.end();
  turn();
  EXPECT_EQ(waiting.at(), 0U);
}

TEST_F(SessionEndpoint, MovesWhereItsEndpointIsOutOrTried) {
  EXPECT_NE(request(1, {1}).at(), 1U);
  eject(1);
  SessionRequest& moved = request(1);
  EXPECT_NE(moved.at(), 1U);
  EXPECT_NE(moved.at(), Balancer::kNone);
}

TEST_F(SessionEndpoint, MovesWhenItsEndpointGoesOutWhileItWaits) {
  request(0);
  request(0);
  SessionRequest& waiting = request(0);
  eject(0);
  pool_.serveQueue();
  EXPECT_NE(waiting.at(), Balancer::kNone);
}

}  // namespace
}  // namespace gatewhy::test
