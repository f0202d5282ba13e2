// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/cause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "diagnostics/observation.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Cause, NamesGoBothWays) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_EQ(causeByName(row.name), row.cause);
    EXPECT_EQ(name(row.cause), row.name);
    EXPECT_EQ(&info(row.cause), &row);
  }
  EXPECT_EQ(causeByName("no_such_cause"), std::nullopt);
  EXPECT_EQ(causeByName(""), std::nullopt);
}

TEST(Cause, TextsAreSentences) {
  for (const CauseInfo& row : allCauses()) {
    for (const std::string_view text : {row.seen, row.who_acts, row.check_first}) {
      ASSERT_GT(text.size(), 10U) << row.name;
      EXPECT_TRUE(text.ends_with('.')) << row.name << ": " << text;
      EXPECT_TRUE(text.front() >= 'A' && text.front() <= 'Z') << row.name << ": " << text;
      for (const char c : text) {
        EXPECT_TRUE(c >= ' ' && c <= '~') << row.name << ": " << text;
      }
    }
  }
}

TEST(Cause, TheExtendedStatusAnswersOneQuestion) {
  for (const CauseInfo& row : allCauses()) {
    switch (row.log_status) {
      case 521:
        EXPECT_EQ(row.phase, Phase::Connect) << row.name;
        EXPECT_TRUE(row.proxy_error == ProxyError::ConnectionRefused ||
                    row.proxy_error == ProxyError::DestinationUnavailable)
            << row.name;
        break;
      case 522:
        EXPECT_EQ(row.blame, Blame::Network) << row.name;
        break;
      case 523:
        EXPECT_TRUE(row.phase == Phase::Dns || row.proxy_error == ProxyError::DestinationIpUnroutable) << row.name;
        break;
      case 525:
        EXPECT_EQ(row.phase, Phase::TlsHandshake) << row.name;
        EXPECT_NE(row.proxy_error, ProxyError::TlsCertificateError) << row.name;
        break;
      case 526:
        EXPECT_EQ(row.proxy_error, ProxyError::TlsCertificateError) << row.name;
        break;
      case 524:
        EXPECT_EQ(row.standard_status, 504) << row.name;
        break;
      case 520:
        EXPECT_EQ(row.standard_status, 502) << row.name;
        EXPECT_GE(row.phase, Phase::RequestWrite) << row.name;
        break;
      default:
        break;
    }
  }
}

TEST(Cause, TheQuestionsHaveTheseAnswers) {
  std::map<int, std::set<std::string_view>> by_status;
  for (const CauseInfo& row : allCauses()) {
    by_status[row.log_status].insert(row.name);
  }
  EXPECT_THAT(by_status[521], ElementsAre("connection_refused", "connection_refused_by_firewall", "self_connect",
                                          "unix_socket_missing", "unix_socket_refused"));
  EXPECT_THAT(by_status[522], ElementsAre("connection_timeout", "origin_keepalive_failed", "request_unacknowledged",
                                          "tls_hello_unacknowledged"));
  EXPECT_THAT(by_status[524], ElementsAre("continue_timeout", "h2_flow_control_stalled", "request_write_timeout",
                                          "response_head_stalled", "response_idle_timeout", "response_timeout"));
}

TEST(Cause, CertificateCausesAre526) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_EQ(row.name.starts_with("tls_certificate_"), row.log_status == 526) << row.name;
  }
}

TEST(Cause, StandardStatusesAreThoseOfTheRfcs) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_FALSE(row.standard_status >= 520 && row.standard_status <= 526) << row.name;
    EXPECT_FALSE(row.standard_status >= 495 && row.standard_status <= 499) << row.name;
    EXPECT_NE(row.standard_status, 444) << row.name;
    EXPECT_NE(row.standard_status, 508) << row.name;
  }
}

// RFC 9209 section 2.3, "Recommended HTTP status code".
std::set<int> recommended(ProxyError error) {
  switch (error) {
    case ProxyError::DnsTimeout:
    case ProxyError::ConnectionTimeout:
    case ProxyError::ConnectionReadTimeout:
    case ProxyError::ConnectionWriteTimeout:
    case ProxyError::HttpResponseTimeout:
      return {504};
    case ProxyError::DestinationUnavailable:
    case ProxyError::ConnectionLimitReached:
      return {503};
    case ProxyError::DestinationNotFound:
      return {404};  // the RFC says 500; a path that no route has is the client's to know
    case ProxyError::ProxyInternalError:
    case ProxyError::ProxyConfigurationError:
      return {500};
    case ProxyError::HttpRequestDenied:
      return {403};
    case ProxyError::HttpRequestError:
      return {400, 401, 405, 408, 411, 413, 414, 417, 421, 426, 429, 431, 501, 505};
    case ProxyError::ProxyInternalResponse:
      return {503};
    default:
      return {502};
  }
}

TEST(Cause, StandardStatusFollowsTheProxyError) {
  for (const CauseInfo& row : allCauses()) {
    if (row.standard_status != 0) {
      EXPECT_TRUE(recommended(row.proxy_error).contains(row.standard_status)) << row.name;
    }
  }
}

TEST(Cause, LogOnlyCodesAreNeverSent) {
  for (const CauseInfo& row : allCauses()) {
    EXPECT_FALSE(row.sent_status == 444 || (row.sent_status >= 495 && row.sent_status <= 499)) << row.name;
    if (row.sent_status != 0) {
      EXPECT_NE(row.log_status, 0) << row.name;
      EXPECT_NE(row.standard_status, 0) << row.name;
    }
  }
}

TEST(Cause, OnlyWhatNoParserSawIsRetriedForAnyMethod) {
  for (const CauseInfo& row : allCauses()) {
    if (row.phase == Phase::ResponseBody || row.phase == Phase::ClientRequest || row.phase == Phase::Upgrade) {
      EXPECT_NE(row.retry, Retry::BeforeAnyByte) << row.name;
    }
    if (row.phase < Phase::RequestWrite) {
      EXPECT_NE(row.retry, Retry::IdempotentOnly) << row.name;
    }
  }
}

TEST(Cause, NearestNamesForgiveTypingErrors) {
  EXPECT_THAT(nearestCauseNames("conection_refused", 1), ElementsAre("connection_refused"));
  EXPECT_THAT(nearestCauseNames("connection_refsued", 1), ElementsAre("connection_refused"));
  EXPECT_THAT(nearestCauseNames("TLS-Not-Spoken", 1), ElementsAre("tls_not_spoken"));
  EXPECT_THAT(nearestCauseNames("dns_nxdomian", 3), ElementsAre("dns_nxdomain"));
  EXPECT_LE(nearestCauseNames("response_timeout").size(), 3U);
}

TEST(Cause, NearestNamesInventNothing) {
  EXPECT_THAT(nearestCauseNames(""), IsEmpty());
  EXPECT_THAT(nearestCauseNames("xyzzy"), IsEmpty());
  EXPECT_THAT(nearestCauseNames(std::string(10000, 'a')), IsEmpty());
  EXPECT_THAT(nearestCauseNames("connection_refused", 0), IsEmpty());
}

TEST(Cause, EnumeratorsHaveNames) {
  EXPECT_EQ(name(Phase::TlsHandshake), "tls_handshake");
  EXPECT_EQ(name(Blame::Operator), "operator");
  EXPECT_EQ(name(Retry::BeforeAnyByte), "before_any_byte");
  EXPECT_EQ(name(ProxyError::HttpResponseHeaderSectionSize), "http_response_header_section_size");
  EXPECT_EQ(name(ProxyError::None), "");
  EXPECT_EQ(name(DnsStatus::NxDomain), "NXDOMAIN");
  EXPECT_EQ(name(ConnectCall::SoError), "SO_ERROR");
  EXPECT_EQ(name(Timer::ResponseHead), "response_head");
  EXPECT_EQ(name(EndFault::How::TlsTruncated), "tls_truncated");
  EXPECT_EQ(name(TlsFailure::NotTls), "not_tls");
  EXPECT_EQ(name(ParseError::BareLf), "bare_lf");
  EXPECT_EQ(description(ParseError::BareLf), "a line ends in LF without CR");
}

}  // namespace
}  // namespace gatewhy
