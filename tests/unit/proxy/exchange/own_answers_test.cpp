// SPDX-License-Identifier: Apache-2.0
// What an exchange says in its own name, in HTTP and in gRPC.
#include "proxy/exchange/own_answers.h"

#include <gmock/gmock.h>

#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::own_answers {
namespace {

using ::testing::HasSubstr;

class OwnAnswersTest : public testing::Test, protected GrpcCall::Owner {
 protected:
  explicit OwnAnswersTest(bool call = false) : request_(headOf(world_, call)) {
    record_.route = &world_.config().routes.front();
    if (call) {
      call_ = GrpcCall::of(world_.loop, request_, *this);
    }
  }
  static RequestHead headOf(FakeWorld& world, bool call) {
    RequestHead head = world.request(call ? "POST /a/B HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n"
                                          : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    head.version_major = call ? 2 : 1;
    return head;
  }
  void fail(Cause cause) {
    record_.fail(record_.diagnosed(Observation{
        .phase = Phase::Routing, .fault = DecisionFault{.cause = cause, .detail = {}, .size = {}, .limit = {}}}));
  }
  [[nodiscard]] OwnAnswers own() {
    return {world_.context, *world_.context.generation->shared, record_, forwarding_, call_.get()};
  }
  void onLate(TimerFault /*fault*/) override {}
  [[nodiscard]] std::uint64_t moved() const override { return 0; }

  FakeWorld world_;
  ClientFacts client_;
  RequestHead request_;
  ExchangeRecord record_{request_, client_, *world_.context.generation->shared, EventLoop::now()};
  Forwarding forwarding_{request_, client_, *world_.context.generation->shared, record_};
  std::unique_ptr<GrpcCall> call_;
};

class OwnAnswersToACall : public OwnAnswersTest {
 protected:
  OwnAnswersToACall() : OwnAnswersTest(true) {}
};

TEST_F(OwnAnswersTest, AFailuresIsInTheRecord) {
  fail(Cause::NoHealthyEndpoint);
  OwnAnswers own = this->own();
  const SynthesizedResponse made = own.failure();
  EXPECT_EQ(made.status, record_.diagnosis()->sent_status);
  EXPECT_EQ(record_.status, made.status);
  EXPECT_EQ(record_.generated_by, GeneratedBy::Proxy);
  EXPECT_EQ(own.bodySize(), made.body.size());
  EXPECT_GT(own.bodySize(), 0U);
}

TEST_F(OwnAnswersTest, OptionsAreAnsweredWithout) {
  OwnAnswers own = this->own();
  EXPECT_THAT(own.options().fields, HasSubstr("Allow:"));
  EXPECT_EQ(record_.status, 200);
}

TEST_F(OwnAnswersToACall, AFailuresIsACallsStatus) {
  ASSERT_TRUE(call_);
  fail(Cause::NoHealthyEndpoint);
  OwnAnswers own = this->own();
  const SynthesizedResponse made = own.failure();
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(record_.status, 200);
  EXPECT_THAT(made.fields, HasSubstr("grpc-status: 14\r\n"));
  EXPECT_THAT(own.callsEnd(), HasSubstr("grpc-status: 14\r\n"));
  EXPECT_EQ(own.bodySize(), 0U);
}

TEST_F(OwnAnswersToACall, OfAnAnswerThatIsNoGrpcItTellsTheStatus) {
  ASSERT_TRUE(call_);
  OwnAnswers own = this->own();
  const SynthesizedResponse made = own.foreign(404);
  EXPECT_EQ(made.status, 200);
  EXPECT_THAT(made.fields, HasSubstr("grpc-status: 12\r\n"));
  EXPECT_THAT(made.fields, HasSubstr("404"));
}

}  // namespace
}  // namespace gatewhy::test::own_answers
