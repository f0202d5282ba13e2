// SPDX-License-Identifier: Apache-2.0
// Requests that an origin left untouched, by its own word, are tried again
// whatever their method, without a budget, and where there is no other endpoint.
#include <gtest/gtest.h>

#include "diagnostics/diagnosis.h"
#include "proxy/exchange/retries.h"
#include "tests/unit/proxy/exchange/fake_streams.h"

namespace gatewhy::test::untouched_retries {
namespace {

constexpr std::uint32_t kNoError = 0, kInternalError = 2, kRefusedStream = 7, kHttp11Required = 13;

Diagnosis diagnosisOf(StreamFault::How how, std::uint32_t code, std::int32_t last_stream = 0) {
  Observation seen;
  seen.phase = Phase::ResponseHead;
  seen.fault = StreamFault{.how = how, .code = code, .stream = 5, .last_stream = last_stream};
  seen.connection.protocol = "h2";
  seen.connection.stream = 5;
  seen.bytes.request_written = 100;
  return diagnose(std::move(seen), {});
}

class UntouchedRetries : public testing::Test {
 protected:
  UntouchedRetries() : world_(", retry: {attempts: 0}") {}
  // How often a POST is tried again.
  int retriesAfter(const Diagnosis& why) {
    const RequestHead& post = world_.request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
    Retries retries;
    int taken = 0;
    while (retries.take(why, post, world_.pool(), 0)) {
      ++taken;
    }
    return taken;
  }
  FakeWorld world_;
};

TEST_F(UntouchedRetries, GoAwayThatLeavesItOut) {
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::GoAway, kNoError, 3)), 3);
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::GoAway, kInternalError, 3)), 3);
}

TEST_F(UntouchedRetries, GoAwayThatNamesIt) {
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::GoAway, kNoError, 5)), 0);
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::GoAway, kInternalError, 5)), 0);
}

TEST_F(UntouchedRetries, RefusedStream) {
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::Reset, kRefusedStream)), 3);
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::Reset, kInternalError)), 0);
}

TEST_F(UntouchedRetries, Http1WhereTheEndpointIsSpokenToInNothingElse) {
  EXPECT_EQ(retriesAfter(diagnosisOf(StreamFault::How::Reset, kHttp11Required)), 0);
}

}  // namespace
}  // namespace gatewhy::test::untouched_retries
