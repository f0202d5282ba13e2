// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/received_proxy_status.h"

#include <gtest/gtest.h>

#include "diagnostics/proxy_status.h"
#include "tests/unit/diagnostics/evidence_samples.h"

namespace gatewhy {
namespace {

std::string read(std::string_view value) {
  const auto said = readProxyStatus(value);
  return said ? said->name + "|" + said->error + "|" + std::to_string(said->received_status) + "|" + said->details
              : std::string("ignored");
}

TEST(ReceivedProxyStatus, TheFirstErrorExplains) {
  EXPECT_EQ(read("ExampleCDN; error=dns_timeout"), "ExampleCDN|dns_timeout|0|");
  EXPECT_EQ(read("r34.example.net; error=http_request_error, ExampleCDN; error=connection_timeout"),
            "r34.example.net|http_request_error|0|");
  EXPECT_EQ(read("near; received-status=503, far; error=tls_protocol_error;details=\"a \\\"b\\\"\", last"),
            "far|tls_protocol_error|0|a \"b\"");
  EXPECT_EQ(read("near; received-status=503, \"the edge\"; received-status=502"), "the edge||502|");
}

TEST(ReceivedProxyStatus, OddButLegal) {
  EXPECT_EQ(read(" a ;  x=1"), "ignored") << "no blank before a semicolon";
  EXPECT_EQ(read("a;x;y=?0;z=:YWJj:;w=-1.5;v=@1700000000;u=tok/en ,\t b"), "b||0|");
  EXPECT_EQ(read("*a:b;error=x;error=y"), "*a:b|y|0|") << "the last of two parameters";
  EXPECT_EQ(read("a;error=\"x\";received-status=\"1\";details=tok"), "a||0|") << "wrong types say nothing";
  EXPECT_EQ(read("a;received-status=99999"), "a||0|");
}

TEST(ReceivedProxyStatus, WhatIsNoListIsIgnoredAsAWhole) {
  for (const char* value : {"",
                            " ",
                            ",",
                            "a,",
                            "a;",
                            "a;=1",
                            "a;X=1",
                            "a;x=",
                            "(a b)",
                            "1",
                            "a b",
                            "a;x=\"",
                            "a;x=\"\\n\"",
                            "a;x=\"\x80\"",
                            "a;x=:a",
                            "a;x=?2",
                            "a;x=1234567890123456",
                            "a;x=1.",
                            "a;x=1.2345",
                            "a,,b",
                            "a;error=ok, (b)",
                            "\x01"}) {
    EXPECT_EQ(read(value), "ignored") << value;
  }
  EXPECT_EQ(read("a;x=\"" + std::string(9000, 'x') + "\""), "ignored");
}

TEST(ReceivedProxyStatus, ReadsWhatWeWrite) {
  for (const Diagnosis& diagnosis : test::allSamples()) {
    const std::string written = proxyStatus(diagnosis, "gatewhy", Disclose::Evidence, 502);
    const auto said = readProxyStatus(written);
    ASSERT_TRUE(said) << written;
    EXPECT_EQ(said->error, name(diagnosis.proxy_error));
    EXPECT_EQ(said->received_status, 502);
    EXPECT_FALSE(said->details.empty());
  }
}

TEST(ReceivedProxyStatus, LongTextsAreCut) {
  EXPECT_EQ(readProxyStatus("a;details=\"" + std::string(2000, 'x') + "\"")->details.size(), 512U);
}

}  // namespace
}  // namespace gatewhy
