// SPDX-License-Identifier: Apache-2.0
// Who gets a place when requests whose body is still coming want them all.
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "proxy/origin/origin_pool.h"

namespace gatewhy::test {
namespace {

class Request final : public PoolWaiter {
 public:
  Request(OriginPool& pool, bool whole) : whole_(whole) {
    if (auto lease = pool.request(*this, false, refusal)) {
      onLease(std::move(*lease));
    }
  }
  void onLease(Lease lease) override { lease_.emplace(std::move(lease)); }
  [[nodiscard]] std::uint64_t balanceKey() const override { return 0; }
  [[nodiscard]] bool bodyIsHere() const override { return whole_; }
  [[nodiscard]] const std::vector<std::size_t>& triedEndpoints() const override { return tried_; }
  [[nodiscard]] bool served() const { return lease_.has_value(); }
  void bodyArrives() {
    whole_ = true;
    lease_->bodyArrived();
  }
  void end() { lease_.reset(); }
  void setWhole() { whole_ = true; }

  PoolRefusal refusal = PoolRefusal::NoHealthyEndpoint;

 private:
  bool whole_;
  std::vector<std::size_t> tried_;
  std::optional<Lease> lease_;
};

class UploadShare : public testing::Test {
 protected:
  static OriginConfig config() {
    OriginConfig made;
    made.name = "origin";
    made.endpoints.emplace_back();
    made.limits.connections = 4;
    made.limits.pending = 4;
    return made;
  }
  Request& upload() { return requests_.emplace_back(pool(), false); }
  Request& whole() { return requests_.emplace_back(pool(), true); }
  // Of config_ as it is at the first call.
  OriginPool& pool() {
    return pool_ ? *pool_ : pool_.emplace(loop_, config_, std::vector{state_}, origin_, [this] { ++woken_; });
  }
  // What was posted, in turn.
  void turn() {
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }

  EventLoop loop_;
  OriginConfig config_ = config();
  std::shared_ptr<EndpointState> state_ = std::make_shared<EndpointState>();
  std::shared_ptr<OriginState> origin_ = std::make_shared<OriginState>();
  int woken_ = 0;  // other workers
  std::optional<OriginPool> pool_;
  std::deque<Request> requests_;
};

TEST_F(UploadShare, UploadsGetHalfAndWholeRequestsTheRest) {
  EXPECT_TRUE(upload().served());
  EXPECT_TRUE(upload().served());
  Request& third = upload();
  EXPECT_FALSE(third.served());
  EXPECT_EQ(PoolRefusal::Queued, third.refusal);
  EXPECT_TRUE(whole().served());  // passes it
  EXPECT_TRUE(whole().served());
  EXPECT_FALSE(whole().served());
  EXPECT_EQ(2U, origin_->waiting.load());
  EXPECT_EQ(1U, origin_->waiting_uploads.load());
}

TEST_F(UploadShare, AnUploadGoesOnceAnotherIsWholeOrOver) {
  Request& first = upload();
  Request& second = upload();
  Request& third = upload();
  Request& fourth = upload();
  first.bodyArrives();  // keeps its connection: the origin works on it
  turn();
  EXPECT_TRUE(third.served());
  EXPECT_FALSE(fourth.served());
  second.end();
  turn();
  EXPECT_TRUE(fourth.served());
  EXPECT_EQ(2U, state_->uploads());
}

TEST_F(UploadShare, ABodyThatArrivesInTheQueueMakesARequestWhole) {
  upload();
  upload();
  Request& third = upload();
  third.setWhole();
  pool().bodyArrived(third);
  EXPECT_TRUE(third.served());
  EXPECT_EQ(0U, origin_->waiting.load());
  EXPECT_EQ(0U, origin_->waiting_uploads.load());
}

TEST_F(UploadShare, UploadsFillNoMoreThanHalfOfTheQueue) {
  for (int i = 0; i < 4; ++i) {
    upload();
  }
  EXPECT_EQ(2U, origin_->waiting_uploads.load());
  EXPECT_EQ(PoolRefusal::QueueFull, upload().refusal);
  whole();
  whole();
  EXPECT_EQ(PoolRefusal::Queued, whole().refusal);
  EXPECT_EQ(PoolRefusal::Queued, whole().refusal);
  EXPECT_EQ(PoolRefusal::QueueFull, whole().refusal);
}

TEST_F(UploadShare, WhoWaitsKeepsTheOrder) {
  for (int i = 0; i < 4; ++i) {
    whole();
  }
  Request& first = upload();
  Request& second = whole();
  requests_[0].end();
  turn();
  EXPECT_TRUE(first.served());
  EXPECT_FALSE(second.served());
  requests_[1].end();
  turn();
  EXPECT_TRUE(second.served());
}

// Trying in vain would look like a place that comes free.
TEST_F(UploadShare, WhoCannotBeServedWaitsInPeace) {
  for (int i = 0; i < 4; ++i) {
    whole();
  }
  upload();
  origin_->waiting.fetch_add(1);  // another worker's, which is woken for each place
  const int woken = woken_;
  pool().serveQueue();
  turn();
  EXPECT_EQ(woken, woken_);
  requests_[0].end();
  EXPECT_EQ(woken + 1, woken_);
  origin_->waiting.fetch_sub(1);
}

TEST_F(UploadShare, NoLimitNoShare) {
  config_.limits.connections = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(upload().served());
  }
  EXPECT_EQ(0U, state_->uploads());
}

TEST_F(UploadShare, AnOriginOfOnePlaceTakesUploads) {
  config_.limits.connections = 1;
  EXPECT_TRUE(upload().served());
}

}  // namespace
}  // namespace gatewhy::test
