// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with an origin: every way to fail, with every code, in every phase.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "diagnostics/classify.h"
#include "diagnostics/diagnosis.h"
#include "diagnostics/evidence.h"
#include "diagnostics/h2_words.h"
#include "diagnostics/json_writer.h"
#include "observations.h"

namespace gatewhy {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): builders of this folder
using H2How = StreamFault::How;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array kH2Hows{H2How::Reset,      H2How::GoAway,      H2How::Protocol, H2How::Flood,      H2How::Stalled,
                             H2How::NoSettings, H2How::PingTimeout, H2How::NoRoom,   H2How::Misdirected};
constexpr std::array kH2Phases{Phase::Routing,      Phase::Dns,          Phase::Connect,
                               Phase::TlsHandshake, Phase::RequestWrite, Phase::ResponseHead,
                               Phase::ResponseBody, Phase::Upgrade,      Phase::Internal};
constexpr std::uint32_t kH2Codes = 15;  // those of RFC 9113, and one that it does not have
constexpr std::uint32_t kNoError = 0, kProtocolError = 1, kRefusedStream = 7, kCancel = 8, kEnhanceYourCalm = 11,
                        kHttp11Required = 13;
constexpr std::int32_t kOurStream = 5;

Observation onStream(Phase phase, StreamFault fault) {
  Observation observation = seen(phase, std::move(fault));
  observation.connection.protocol = "h2";
  observation.connection.stream = kOurStream;
  return observation;
}

// What each code means before the head of the answer, where it is not the same
// as the others: {how, code, cause}. All else is below.
using H2Meaning = std::tuple<H2How, std::uint32_t, Cause>;
const std::vector<H2Meaning>& h2Meanings() {
  static const std::vector<H2Meaning> rows{{H2How::Reset, kRefusedStream, Cause::H2RefusedStream},
                                           {H2How::Reset, kEnhanceYourCalm, Cause::H2RefusedStream},
                                           {H2How::Reset, kHttp11Required, Cause::H2Http11Required},
                                           {H2How::GoAway, kNoError, Cause::H2GoawayClean},
                                           {H2How::GoAway, kHttp11Required, Cause::H2Http11Required}};
  return rows;
}

// Of any other code, and of every code once the answer has begun.
Cause generalH2Cause(H2How how, std::uint32_t code, bool in_body) {
  switch (how) {
    case H2How::Reset:
      return Cause::H2StreamReset;
    case H2How::GoAway:  // it answered a request that it says not to have looked at
      return in_body && code == kNoError ? Cause::H2ProtocolError : Cause::H2GoawayError;
    case H2How::Protocol:
    case H2How::Flood:
    case H2How::NoSettings:
      return Cause::H2ProtocolError;
    case H2How::Stalled:
      return Cause::H2FlowControlStalled;
    case H2How::PingTimeout:
      return Cause::OriginKeepaliveFailed;
    case H2How::NoRoom:
      return Cause::H2RefusedStream;
    case H2How::Misdirected:
      return Cause::H2Http11Required;
  }
  return Cause::ProxyInternalError;
}

Cause expectedH2Cause(H2How how, std::uint32_t code, Phase phase) {
  if (phase == Phase::Upgrade) {
    return Cause::TunnelResetByOrigin;
  }
  if (phase != Phase::RequestWrite && phase != Phase::ResponseHead && phase != Phase::ResponseBody) {
    return Cause::ProxyInternalError;
  }
  for (const auto& [of_how, of_code, cause] : h2Meanings()) {
    if (phase != Phase::ResponseBody && how == of_how && code == of_code) {
      return cause;
    }
  }
  return generalH2Cause(how, code, phase == Phase::ResponseBody);
}

TEST(ClassifyH2, EveryWayToFailWithEveryCodeInEveryPhase) {
  for (const H2How how : kH2Hows) {
    for (std::uint32_t code = 0; code < kH2Codes; ++code) {
      for (const Phase phase : kH2Phases) {
        const Cause cause = classify(onStream(phase, {.how = how, .code = code, .last_stream = 3}));
        EXPECT_EQ(name(cause), name(expectedH2Cause(how, code, phase)))
            << fmt::format("{} with {} in {}", name(how), h2CodeName(code), name(phase));
      }
    }
  }
}

// GOAWAY names the last stream that the origin has taken up (RFC 9113 section 6.8).
TEST(ClassifyH2, AStreamThatGoAwayLetsEndIsCutShortLikeAnyOther) {
  const auto cause = [](Phase phase, std::uint64_t received) {
    Observation observation = onStream(phase, {.how = H2How::GoAway, .last_stream = kOurStream});
    observation.bytes.response_received = received;
    return classify(observation);
  };
  EXPECT_EQ(cause(Phase::RequestWrite, 0), Cause::EmptyResponse);
  EXPECT_EQ(cause(Phase::ResponseHead, 0), Cause::EmptyResponse);
  EXPECT_EQ(cause(Phase::ResponseHead, 30), Cause::ResponseHeadIncomplete);
  EXPECT_EQ(cause(Phase::ResponseBody, 300), Cause::ResponseBodyTruncated);
}

struct RetryExample {
  std::string_view what;
  Observation observation;
  Retry retry;
};

TEST(ClassifyH2, RetryIsWhatTheOriginSaysOfTheRequest) {
  const StreamFault refused{.how = H2How::Reset, .code = kRefusedStream};
  const StreamFault broken{.how = H2How::GoAway, .code = kProtocolError, .last_stream = 3};
  const StreamFault broken_later{.how = H2How::GoAway, .code = kProtocolError, .last_stream = kOurStream};
  const std::vector<RetryExample> examples{
      {"clean GOAWAY", onStream(Phase::ResponseHead, {.how = H2How::GoAway, .last_stream = 3}), Retry::BeforeAnyByte},
      {"refused", onStream(Phase::RequestWrite, refused), Retry::BeforeAnyByte},
      {"calm", onStream(Phase::ResponseHead, {.how = H2How::Reset, .code = kEnhanceYourCalm}), Retry::Never},
      {"GOAWAY with an error, not taken up", onStream(Phase::ResponseHead, broken), Retry::BeforeAnyByte},
      {"the same while the body comes", onStream(Phase::ResponseBody, broken), Retry::IdempotentOnly},
      {"GOAWAY with an error, taken up", onStream(Phase::ResponseHead, broken_later), Retry::IdempotentOnly},
      {"HTTP/1.1", onStream(Phase::ResponseHead, {.how = H2How::Reset, .code = kHttp11Required}), Retry::BeforeAnyByte},
      {"cancelled", onStream(Phase::ResponseHead, {.how = H2How::Reset, .code = kCancel}), Retry::IdempotentOnly},
      {"refused in the body", onStream(Phase::ResponseBody, refused), Retry::IdempotentOnly},
      {"protocol", onStream(Phase::ResponseHead, {.code = kProtocolError}), Retry::IdempotentOnly},
      {"no SETTINGS", onStream(Phase::RequestWrite, {.how = H2How::NoSettings}), Retry::IdempotentOnly},
      {"stalled", onStream(Phase::RequestWrite, {.how = H2How::Stalled}), Retry::IdempotentOnly},
      {"PING", onStream(Phase::ResponseHead, {.how = H2How::PingTimeout}), Retry::IdempotentOnly},
      {"421", onStream(Phase::ResponseHead, {.how = H2How::Misdirected}), Retry::BeforeAnyByte},
      {"no room", onStream(Phase::RequestWrite, {.how = H2How::NoRoom}), Retry::BeforeAnyByte},
  };
  for (const RetryExample& example : examples) {
    EXPECT_EQ(name(diagnose(example.observation, {}).retry), name(example.retry)) << example.what;
  }
}

TEST(ClassifyH2, ABlockOfFieldsThatDoesNotEndTheStreamIsNoTrailers) {
  const StreamFault block{.code = kProtocolError, .stream = kOurStream, .frame = "HEADERS"};
  EXPECT_EQ(classify(onStream(Phase::ResponseBody, block)), Cause::H2TrailersMalformed);
  EXPECT_EQ(classify(onStream(Phase::ResponseHead, block)), Cause::H2ProtocolError);
  StreamFault of_connection = block;
  of_connection.stream = 0;  // HPACK is the connection's
  EXPECT_EQ(classify(onStream(Phase::ResponseBody, of_connection)), Cause::H2ProtocolError);
}

TEST(ClassifyH2, TrailersAndLengthsOfAMessageOverHttp2) {
  const auto cause = [](Phase phase, const ParseFault& fault, std::string protocol = "h2") {
    Observation observation = seen(phase, fault);
    observation.connection.protocol = std::move(protocol);
    return classify(observation);
  };
  const ParseFault trailer{.error = ParseError::TrailerInvalid};
  EXPECT_EQ(cause(Phase::ResponseBody, trailer), Cause::H2TrailersMalformed);
  EXPECT_EQ(cause(Phase::ResponseBody, trailer, "http/1.1"), Cause::ResponseTrailersInvalid);
  EXPECT_EQ(cause(Phase::ResponseBody, {.error = ParseError::TrailersTooLarge}), Cause::ResponseTrailersTooLarge);
  const ParseFault shorter{.error = ParseError::BodyLengthDiffers, .size = 4, .limit = 9};
  const ParseFault longer{.error = ParseError::BodyLengthDiffers, .size = 10, .limit = 9};
  for (const Phase phase : {Phase::ResponseHead, Phase::ResponseBody}) {  // a head alone may be all
    EXPECT_EQ(cause(phase, shorter), Cause::ResponseBodyTruncated);
    EXPECT_EQ(cause(phase, longer), Cause::ResponseFramingInvalid);
  }
  EXPECT_EQ(cause(Phase::ResponseHead, {.error = ParseError::PseudoHeaderMissing}), Cause::ResponseHeaderMalformed);
}

TEST(ClassifyH2, PhaseIsTheStreamsOwn) {
  for (const H2How how : {H2How::Reset, H2How::GoAway, H2How::Protocol, H2How::PingTimeout}) {
    for (const Phase phase : {Phase::RequestWrite, Phase::ResponseHead, Phase::ResponseBody}) {
      EXPECT_EQ(diagnose(onStream(phase, {.how = how, .code = kProtocolError}), {}).phase, phase) << name(how);
    }
  }
}

TEST(ClassifyH2, APingThatArrivedBlamesTheProcess) {
  Observation silent = onStream(Phase::ResponseHead, {.how = H2How::PingTimeout, .limit_ms = 10000});
  EXPECT_EQ(diagnose(silent, {}).blame, Blame::Network);
  silent.tcp = TcpSnapshot{.unacked = 1};
  EXPECT_EQ(diagnose(silent, {}).blame, Blame::Network);
  silent.tcp = TcpSnapshot{};
  EXPECT_EQ(diagnose(silent, {}).blame, Blame::Origin);
  EXPECT_THAT(diagnose(silent, {}).summary, HasSubstr("its process did not answer it"));
  EXPECT_THAT(diagnose(silent, {}).summary, HasSubstr("PING limit 10 s"));
}

TEST(ClassifyH2, SummariesNameFrameCodeAndStream) {
  const auto summary = [](Phase phase, StreamFault fault) {
    Observation observation = onStream(phase, std::move(fault));
    observation.connection.endpoint = "h2c://shop:80";
    return diagnose(std::move(observation), {}).summary;
  };
  const std::string goaway = summary(Phase::ResponseHead, {.how = H2How::GoAway,
                                                           .code = kEnhanceYourCalm,
                                                           .last_stream = 3,
                                                           .frame = "GOAWAY",
                                                           .detail = "too_many_pings"});
  EXPECT_THAT(goaway,
              HasSubstr("(h2c://shop:80, stream 5, too_many_pings, GOAWAY, the last stream that it took up is 3, "
                        "the origin's code is ENHANCE_YOUR_CALM"));
  EXPECT_THAT(summary(Phase::ResponseBody, {.code = kProtocolError, .stream = kOurStream, .frame = "DATA"}),
              HasSubstr("DATA of stream 5, answered with PROTOCOL_ERROR, received 0 bytes of the body"));
  Observation no_end = onStream(Phase::ResponseBody, {.how = H2How::Reset, .code = kProtocolError});
  no_end.bytes.body_expected = 0;
  EXPECT_THAT(diagnose(no_end, {}).summary, HasSubstr("received all 0 bytes of the body, and not the end behind them"));
  EXPECT_THAT(summary(Phase::RequestWrite, {.how = H2How::Stalled, .stream = 0, .limit_ms = 3000}),
              HasSubstr("the window of the connection, "));
  EXPECT_THAT(summary(Phase::RequestWrite, {.how = H2How::Stalled, .stream = kOurStream, .limit_ms = 3000}),
              HasSubstr("send limit 3 s"));
  EXPECT_THAT(summary(Phase::ResponseHead, {.code = kProtocolError, .excerpt = "HTTP/1.1 400 Bad Request\r\n"}),
              HasSubstr("What the origin sends is not HTTP/2 (h2c://shop:80, stream 5, answered with PROTOCOL_ERROR, "
                        "the first bytes look like HTTP"));
  EXPECT_THAT(summary(Phase::RequestWrite, {.how = H2How::NoSettings, .limit_ms = 5000}),
              HasSubstr("The origin did not send SETTINGS, with which HTTP/2 begins, in time"));
  EXPECT_THAT(summary(Phase::ResponseHead, {.how = H2How::Reset, .code = kEnhanceYourCalm}),
              HasSubstr("too much work from here"));
}

// No RST_STREAM came: none is told.
TEST(ClassifyH2, AStreamThatWasNeverOpenedWasNotReset) {
  const Diagnosis why = diagnose(onStream(Phase::RequestWrite, {.how = H2How::NoRoom}), {});
  EXPECT_EQ(why.cause, Cause::H2RefusedStream);
  EXPECT_THAT(why.summary, HasSubstr("took no further stream, and nothing of the request was sent"));
  EXPECT_THAT(why.summary, Not(HasSubstr("REFUSED_STREAM")));
  std::string text;
  JsonWriter writer(text);
  writeEvidence(writer, why, {});
  EXPECT_THAT(text, HasSubstr(R"("h2_failure":"no_room")"));
  EXPECT_THAT(text, Not(HasSubstr("h2_code")));
}

// An answer is no reset: nothing is told that never came.
TEST(ClassifyH2, AMisdirectedRequestWasAnswered) {
  const Diagnosis why = diagnose(onStream(Phase::ResponseHead, {.how = H2How::Misdirected, .stream = kOurStream}), {});
  EXPECT_THAT(why.summary, HasSubstr("The origin answered 421 (Misdirected Request) over HTTP/2"));
  EXPECT_THAT(why.summary, Not(HasSubstr("HTTP_1_1_REQUIRED")));
  std::string text;
  JsonWriter writer(text);
  writeEvidence(writer, why, {});
  EXPECT_THAT(text, HasSubstr(R"("h2_failure":"misdirected","h2_stream":5)"));
  EXPECT_THAT(text, Not(HasSubstr("h2_code")));
}

}  // namespace
}  // namespace gatewhy
