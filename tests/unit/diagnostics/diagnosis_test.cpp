// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "observations.h"

namespace gatewhy {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): builders of this folder
using ::testing::HasSubstr;
using ::testing::Not;

const StatusPolicy kExtended;
const StatusPolicy kStandard{.profile = Profile::Standard};

Diagnosis decided(Cause cause, const StatusPolicy& policy) {
  return diagnose(seen(Phase::Internal, DecisionFault{.cause = cause}), policy);
}

TEST(Diagnosis, TakesTheRow) {
  for (const CauseInfo& row : allCauses()) {
    const Diagnosis diagnosis = decided(row.cause, kExtended);
    EXPECT_EQ(diagnosis.cause, row.cause);
    EXPECT_EQ(diagnosis.blame, row.blame);
    EXPECT_EQ(diagnosis.retry, row.retry);
    EXPECT_EQ(diagnosis.sent_status, row.sent_status) << row.name;
    EXPECT_EQ(diagnosis.status, row.log_status) << row.name;
    EXPECT_EQ(diagnosis.standard_status, row.standard_status) << row.name;
  }
}

TEST(Diagnosis, StandardProfileHasStandardCodesOnly) {
  for (const CauseInfo& row : allCauses()) {
    const Diagnosis diagnosis = decided(row.cause, kStandard);
    for (const int status : {int{diagnosis.sent_status}, int{diagnosis.status}}) {
      EXPECT_FALSE(status >= 520 && status <= 526) << row.name;
      EXPECT_FALSE(status == 444 || (status >= 495 && status <= 499)) << row.name;
    }
    EXPECT_EQ(diagnosis.sent_status == 0, row.sent_status == 0) << row.name;
  }
}

TEST(Diagnosis, OverridesChangeWhatIsSent) {
  StatusPolicy policy;
  policy.overrides = {{Cause::DnsNxdomain, 530}, {Cause::ClientClosedRequest, 418}, {Cause::ClientPlaintextOnTls, 418}};
  EXPECT_EQ(decided(Cause::DnsNxdomain, policy).sent_status, 530);
  EXPECT_EQ(decided(Cause::DnsNxdomain, policy).status, 530);
  EXPECT_EQ(decided(Cause::DnsNxdomain, policy).standard_status, 502);
  EXPECT_EQ(decided(Cause::DnsNodata, policy).sent_status, 523);
  EXPECT_EQ(decided(Cause::ClientPlaintextOnTls, policy).status, 418);
  // The client is gone: there is nobody to send it to.
  EXPECT_EQ(decided(Cause::ClientClosedRequest, policy).sent_status, 0);
  EXPECT_EQ(decided(Cause::ClientClosedRequest, policy).status, 499);
}

TEST(Diagnosis, ALateRefusalBelongsToTheHandshake) {
  const Diagnosis diagnosis = diagnose(seen(Phase::ResponseHead, lateAlert(116)), kExtended);
  EXPECT_EQ(diagnosis.phase, Phase::TlsHandshake);
  EXPECT_EQ(diagnosis.status, 525);
  EXPECT_EQ(diagnosis.proxy_error, ProxyError::TlsAlertReceived);
}

TEST(Diagnosis, CausesOfAnyPhaseSayWhichOne) {
  EXPECT_EQ(diagnose(seen(Phase::ResponseHead, DecisionFault{.cause = Cause::ClientClosedRequest}), kExtended).phase,
            Phase::ResponseHead);
  EXPECT_EQ(diagnose(seen(Phase::ResponseHead, DecisionFault{.cause = Cause::NoRoute}), kExtended).phase,
            Phase::Routing);
}

TEST(Diagnosis, AnExchangeTimeoutBlamesTheLongestPhase) {
  const auto blame = [](Phase longest) {
    return diagnose(seen(Phase::ResponseBody, TimerFault{.timer = Timer::Exchange, .longest_phase = longest}),
                    kExtended)
        .blame;
  };
  EXPECT_EQ(blame(Phase::ResponseHead), Blame::Origin);
  EXPECT_EQ(blame(Phase::Connect), Blame::Network);
  EXPECT_EQ(blame(Phase::Dns), Blame::Dns);
  EXPECT_EQ(blame(Phase::ClientRequest), Blame::Client);
}

TEST(Diagnosis, TellsAnAlertFromOurOwnTlsError) {
  const auto error = [](Observation observation) { return diagnose(std::move(observation), kExtended).proxy_error; };
  EXPECT_EQ(error(alerted(70)), ProxyError::TlsAlertReceived);
  EXPECT_EQ(error(handshaking(TlsFault{.failure = TlsFailure::Protocol, .version_unsupported = true})),
            ProxyError::TlsProtocolError);
  EXPECT_EQ(error(seen(Phase::ResponseHead, lateAlert(80))), ProxyError::TlsAlertReceived);
  EXPECT_EQ(error(seen(Phase::ResponseHead, TlsFault{})), ProxyError::TlsProtocolError);
  EXPECT_EQ(error(badCertificate({10})), ProxyError::TlsCertificateError);
  EXPECT_EQ(error(handshaking(TlsFailure::Timeout)), ProxyError::ConnectionTimeout);
}

// ---- summaries -----------------------------------------------------------

std::string summary(Observation observation) {
  return diagnose(std::move(observation), kExtended).summary;
}

TEST(Summary, IsOneSentence) {
  for (const CauseInfo& row : allCauses()) {
    const std::string text =
        diagnose(seen(Phase::Internal, DecisionFault{.cause = row.cause, .detail = "facts"}), kExtended).summary;
    EXPECT_TRUE(text.ends_with('.')) << text;
    EXPECT_EQ(text.find(". "), std::string::npos) << text;
    EXPECT_EQ(text.find(") ("), std::string::npos) << text;
  }
}

TEST(Summary, NamesPeerAndErrno) {
  Observation observation = connecting(ConnectCall::SoError, ECONNREFUSED);
  observation.connection = {.endpoint = "http://shop.internal:8080", .peer_address = "192.0.2.7:8080"};
  EXPECT_THAT(summary(observation),
              HasSubstr("(http://shop.internal:8080 at 192.0.2.7:8080, ECONNREFUSED from the network)"));
}

TEST(Summary, NamesWhoSentTheIcmp) {
  EXPECT_THAT(summary(icmp4(13, EHOSTUNREACH)), HasSubstr("ICMP 3/13 from 192.0.2.1"));
}

TEST(Summary, NamesTheLimitInSeconds) {
  EXPECT_THAT(summary(seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead, .limit_ms = 60000})),
              HasSubstr("response_head limit 60 s"));
  EXPECT_THAT(summary(seen(Phase::Connect, ConnectFault{.call = ConnectCall::Timer, .limit_ms = 250})),
              HasSubstr("connect limit 250 ms"));
}

TEST(Summary, NamesTheClientsWindowWhateverTheCause) {
  Observation slow = seen(Phase::ClientRequest, TimerFault{.timer = Timer::ClientWrite, .limit_ms = 500});
  slow.client_window = ClosedWindow{.of = ClosedWindow::Of::Connection, .closed_ms = 700, .waiting = 4096};
  EXPECT_EQ(summary(slow),
            "Response bytes were waiting, and the client's HTTP/2 window stayed closed for as long as "
            "limits.client_body_timeout allows (client_body_timeout limit 500 ms, "
            "the client's window of the connection has been closed for 700 ms, 4096 bytes waiting).");
  Observation gone = seen(Phase::ResponseBody, EndFault{.how = EndFault::How::Reset});
  gone.client_window = ClosedWindow{.of = ClosedWindow::Of::Stream, .closed_ms = 2000, .waiting = 1};
  EXPECT_THAT(summary(gone), HasSubstr("the client's window of this stream has been closed for 2 s, 1 bytes waiting"));
  gone.client_window->of = ClosedWindow::Of::Both;
  EXPECT_THAT(summary(gone), HasSubstr("both of the client's windows have been closed for 2 s"));
}

TEST(Diagnosis, OfAClientThatLeftItSaysWhatWasInterrupted) {
  Observation gone = seen(Phase::ClientRequest, EndFault{.reset_after_fin = true}, {.request_complete = true});
  gone.interrupted = InterruptedFacts{.phase = Phase::ResponseHead, .waited_ms = 600, .limit_ms = 1000};
  const Diagnosis late = diagnose(gone, {});
  EXPECT_EQ(late.cause, Cause::ClientClosedRequest);
  EXPECT_EQ(late.phase, Phase::ResponseHead);
  EXPECT_EQ(late.would_be, Cause::ResponseTimeout);
  gone.interrupted->waited_ms = 400;
  EXPECT_FALSE(diagnose(gone, {}).would_be) << "not half of the limit";
  gone.interrupted = InterruptedFacts{.phase = Phase::ResponseBody};
  EXPECT_EQ(diagnose(gone, {}).phase, Phase::ResponseBody);
  EXPECT_FALSE(diagnose(gone, {}).would_be);
}

TEST(Summary, TellsTheStoriesOfOneCauseApart) {
  Observation stalled = seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead, .elapsed_ms = 1000},
                             {.response_received = 30, .head_received = 30, .silent_ms = 990});
  EXPECT_THAT(summary(stalled), HasSubstr("fell silent"));
  stalled.bytes.silent_ms = 20;
  EXPECT_THAT(summary(stalled), AllOf(HasSubstr("still coming"), HasSubstr("the last byte came 20 ms before")));
  stalled.bytes = {.response_received = 60, .interims = {100, 103}, .silent_ms = 990};
  EXPECT_THAT(summary(stalled), AllOf(HasSubstr("not a byte of the final one"), HasSubstr("100, 103")));
  stalled.fault = EndFault{};
  EXPECT_THAT(summary(stalled), HasSubstr("without a byte of the final one"));
}

TEST(Summary, NamesTheRuleThatA101Breaks) {
  Observation switched = seen(Phase::Upgrade, UpgradeFault{.rule = UpgradeRule::OtherProtocol, .given = "chat"});
  switched.request.upgrade = "websocket";
  EXPECT_THAT(summary(switched), HasSubstr("asked for websocket, given chat"));
  switched.fault = UpgradeFault{.rule = UpgradeRule::UpgradeMissing};
  EXPECT_THAT(summary(switched), HasSubstr("the 101 has no Upgrade field"));
}

TEST(Summary, SaysThatBothSidesWait) {
  Observation waiting = seen(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead}, {.request_written = 90});
  waiting.request.awaits_continue = true;
  EXPECT_THAT(summary(waiting), AllOf(HasSubstr("Both sides waited"), HasSubstr("request head of 90 bytes"),
                                      Not(HasSubstr("unfinished"))));
}

TEST(Summary, CountsTheBody) {
  EXPECT_THAT(summary(seen(Phase::ResponseBody, EndFault{}, {.body_received = 1200, .body_expected = 5000})),
              HasSubstr("FIN, received 1200 of 5000 bytes"));
}

TEST(Summary, NamesTheCertificate) {
  TlsFault fault{.failure = TlsFailure::Certificate, .chain_length = 2};
  fault.problems.push_back({.code = 10,
                            .name = "certificate has expired",
                            .subject = "CN=shop.example",
                            .not_after = "2024-01-31T00:00:00Z"});
  const std::string text = summary(handshaking(fault));
  EXPECT_THAT(text, HasSubstr("CN=shop.example: certificate has expired (code 10) at depth 0"));
  EXPECT_THAT(text, HasSubstr("not valid after 2024-01-31T00:00:00Z"));
}

TEST(Summary, TellsRevokedMissingAndExpiredListsApart) {
  TlsFault fault{.failure = TlsFailure::Certificate};
  fault.problems.push_back(
      {.code = 23, .serial = "4F01", .revoked_at = "2024-01-31T00:00:00Z", .revocation_reason = "keyCompromise"});
  EXPECT_THAT(summary(handshaking(fault)), HasSubstr("serial 4F01, revoked at 2024-01-31T00:00:00Z for keyCompromise"));
  fault.problems = {{.code = 3}};
  EXPECT_THAT(summary(handshaking(fault)), HasSubstr("tls.crl_file has no list of its issuer"));
  fault.problems = {{.code = 12, .crl_next_update = "2024-01-31T00:00:00Z"}};
  EXPECT_THAT(summary(handshaking(fault)),
              AllOf(HasSubstr("has expired"), HasSubstr("renewed by 2024-01-31T00:00:00Z")));
  fault.problems = {{.code = 73}};
  EXPECT_THAT(summary(handshaking(fault)), HasSubstr("demands an OCSP response"));
}

TEST(Summary, NamesWantedAndPresentedNames) {
  TlsFault fault{
      .failure = TlsFailure::Certificate, .wanted_name = "shop.internal", .names = {"a", "b", "c", "d", "e"}};
  fault.problems.push_back({.code = 62, .name = "hostname mismatch"});
  EXPECT_THAT(summary(handshaking(fault)), HasSubstr("wanted shop.internal, has a, b, c and 2 more"));
}

TEST(Summary, NamesAlerts) {
  EXPECT_THAT(summary(alerted(112)), HasSubstr("alert 112 unrecognized_name received"));
  EXPECT_THAT(summary(alerted(200)), HasSubstr("alert 200 received"));
}

TEST(Summary, NamesWhatAPeerSpeaksInstead) {
  EXPECT_THAT(summary(handshaking(TlsFault{.failure = TlsFailure::NotTls, .first_bytes = "HTTP/1.1 400"})),
              HasSubstr("the first bytes look like HTTP"));
  EXPECT_THAT(summary(seen(Phase::ResponseHead, ParseFault{.excerpt = "SSH-2.0-OpenSSH"})),
              HasSubstr("the first bytes look like SSH"));
}

TEST(Summary, NamesThePhaseThatSpentTheBudget) {
  EXPECT_THAT(summary(seen(Phase::ResponseBody, TimerFault{.limit_ms = 1000, .longest_phase = Phase::TlsHandshake})),
              HasSubstr("most of it went into tls_handshake"));
}

TEST(Summary, SaysHowStaleAConnectionWas) {
  Observation observation = reused(seen(Phase::ResponseHead, EndFault{}, requestSent()));
  observation.connection.idle_ms = 61000;
  observation.connection.requests_on_connection = 7;
  EXPECT_THAT(summary(observation), HasSubstr("request 7 on a connection that was idle for 61 s"));
}

TEST(Summary, NeverHasFieldValuesOrControlOctets) {
  ParseFault fault{.error = ParseError::FieldValueInvalid,
                   .offset = 40,
                   .excerpt = "Authorization: Bearer s3cret\x01",
                   .header_name = "X-\r\nBad\x1b[31m",
                   .token = "s3cret"};
  Observation observation = seen(Phase::ClientRequest, fault);
  observation.bytes.last_line = "Cookie: s3cret";
  const std::string text = summary(observation);
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20; })) << text;
}

TEST(Summary, IsBounded) {
  TlsFault fault{.failure = TlsFailure::Certificate, .wanted_name = std::string(100000, 'w')};
  fault.problems.push_back({.code = 62, .name = std::string(100000, 'n'), .subject = std::string(100000, 's')});
  fault.names.assign(1000, std::string(1000, 'x'));
  EXPECT_LT(summary(handshaking(fault)).size(), 2000U);
}

}  // namespace
}  // namespace gatewhy
