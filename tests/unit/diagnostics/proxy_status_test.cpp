// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/proxy_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/diagnostics/evidence_samples.h"

namespace gatewhy {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string at(Disclose disclose, const Diagnosis& diagnosis, std::uint16_t received = 0) {
  return proxyStatus(diagnosis, "gatewhy", disclose, received);
}

Diagnosis typed(ProxyError error, Fault fault) {
  Diagnosis diagnosis;
  diagnosis.proxy_error = error;
  diagnosis.observation.fault = std::move(fault);
  diagnosis.summary = "it \"failed\"";
  return diagnosis;
}

TEST(ProxyStatusTest, NamesTheErrorAndWhatWasReceived) {
  const Diagnosis diagnosis = test::sample(Phase::Connect, ConnectFault{.error = 111});
  EXPECT_EQ(at(Disclose::Cause, diagnosis), "gatewhy; error=connection_refused");
  EXPECT_EQ(at(Disclose::Cause, diagnosis, 200), "gatewhy; error=connection_refused; received-status=200");
}

TEST(ProxyStatusTest, DisclosureDecides) {
  const Diagnosis diagnosis = typed(ProxyError::ConnectionTimeout, TimerFault{});
  EXPECT_EQ(at(Disclose::None, diagnosis, 200), "");
  EXPECT_EQ(at(Disclose::Cause, diagnosis), "gatewhy; error=connection_timeout");
  EXPECT_EQ(at(Disclose::Evidence, diagnosis), "gatewhy; error=connection_timeout; details=\"it \\\"failed\\\"\"");
}

TEST(ProxyStatusTest, NothingToSay) {
  EXPECT_EQ(at(Disclose::Evidence, typed(ProxyError::None, EndFault{})), "");
  EXPECT_EQ(at(Disclose::Cause, typed(ProxyError::None, EndFault{}), 413), "gatewhy; received-status=413");
}

TEST(ProxyStatusTest, DnsParameters) {
  const auto dns = [](DnsFault fault) { return at(Disclose::Cause, typed(ProxyError::DnsError, std::move(fault))); };
  EXPECT_EQ(dns({.status = DnsStatus::NxDomain, .rcode = 3}), "gatewhy; error=dns_error; rcode=\"NXDOMAIN\"");
  EXPECT_EQ(dns({.status = DnsStatus::NoData}), "gatewhy; error=dns_error; rcode=\"NOERROR\"");
  EXPECT_EQ(dns({.status = DnsStatus::ServFail, .rcode = 2, .ede_code = 9}),
            "gatewhy; error=dns_error; rcode=\"SERVFAIL\"; info-code=9");
  EXPECT_EQ(dns({.status = DnsStatus::ServerUnreachable}), "gatewhy; error=dns_error");
}

TEST(ProxyStatusTest, AlertParameters) {
  const TlsFault fault{.failure = TlsFailure::AlertReceived, .alert = 40};
  EXPECT_EQ(at(Disclose::Cause, typed(ProxyError::TlsAlertReceived, fault)),
            "gatewhy; error=tls_alert_received; alert-id=40; alert-message=\"handshake_failure\"");
}

TEST(ProxyStatusTest, RequestErrorParameters) {
  Diagnosis diagnosis = typed(ProxyError::HttpRequestError, EndFault{});
  diagnosis.sent_status = 431;
  EXPECT_EQ(at(Disclose::Cause, diagnosis),
            "gatewhy; error=http_request_error; status-code=431; status-phrase=\"Request Header Fields Too Large\"");
}

TEST(ProxyStatusTest, SizesAndTheNameOfTheFieldOnlyAsEvidence) {
  const ParseFault fault{.error = ParseError::FieldTooLarge, .header_name = "X-Secret", .size = 70000, .limit = 65536};
  EXPECT_EQ(at(Disclose::Cause, typed(ProxyError::HttpResponseHeaderSize, fault)),
            "gatewhy; error=http_response_header_size; header-size=70000");
  EXPECT_THAT(at(Disclose::Evidence, typed(ProxyError::HttpResponseHeaderSize, fault)),
              HasSubstr("; header-name=\"X-Secret\"; header-size=70000;"));
  EXPECT_THAT(at(Disclose::Cause, typed(ProxyError::HttpResponseHeaderSectionSize, fault)),
              HasSubstr("; header-section-size=70000"));
  EXPECT_THAT(at(Disclose::Cause,
                 typed(ProxyError::HttpResponseBodySize, DecisionFault{.size = std::uint64_t{1} << 63, .limit = 1})),
              HasSubstr("; body-size=999999999999999"));
}

TEST(ProxyStatusTest, Codings) {
  const auto coding = [](Disclose disclose, ParseError error, std::string token) {
    return at(disclose,
              typed(ProxyError::HttpResponseTransferCoding, ParseFault{.error = error, .token = std::move(token)}));
  };
  EXPECT_THAT(coding(Disclose::Cause, ParseError::ChunkSizeInvalid, ""), HasSubstr("; coding=chunked"));
  EXPECT_THAT(coding(Disclose::Cause, ParseError::CodingUnsupported, "gzip"), HasSubstr("; coding=gzip"));
  EXPECT_THAT(coding(Disclose::Cause, ParseError::CodingUnsupported, "db1.internal"), Not(HasSubstr("coding=")));
  EXPECT_THAT(coding(Disclose::Evidence, ParseError::CodingUnsupported, "snappy"), HasSubstr("; coding=snappy"));
  EXPECT_THAT(coding(Disclose::Evidence, ParseError::CodingUnsupported, "a b\r\nX: y"), Not(HasSubstr("coding=")));
}

TEST(ProxyStatusTest, NothingEscapesFromAString) {
  Diagnosis diagnosis = typed(ProxyError::ConnectionRefused, EndFault{});
  diagnosis.summary = "a\\b\"c\r\nSet-Cookie: x\0\x7F\xC3\xA4";
  EXPECT_EQ(at(Disclose::Evidence, diagnosis),
            "gatewhy; error=connection_refused; details=\"a\\\\b\\\"cSet-Cookie: x\"");
}

TEST(ProxyStatusTest, MemberNameIsATokenOrAString) {
  EXPECT_EQ(passedOnProxyStatus("edge-1.example:80", 502), "edge-1.example:80; received-status=502");
  EXPECT_EQ(passedOnProxyStatus("1st hop", 502), "\"1st hop\"; received-status=502");
  EXPECT_EQ(passedOnProxyStatus("", 502), "\"\"; received-status=502");
}

}  // namespace
}  // namespace gatewhy
