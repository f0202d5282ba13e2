// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "daemon/admin/admin_json.h"
#include "daemon/metrics/metrics_page.h"

namespace gatewhy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(AdminQuery, IsDecoded) {
  EXPECT_THAT(*parseQuery("since=5&origin=a%20b+c&&flag&x=%C3%A9=1"),
              ElementsAre(Pair("since", "5"), Pair("origin", "a b c"), Pair("flag", ""), Pair("x", "\xc3\xa9=1")));
  EXPECT_TRUE(parseQuery("")->empty());
  for (const char* bad : {"a=%", "a=%1", "a=%zz", "%g0=1"}) {
    EXPECT_FALSE(parseQuery(bad)) << bad;
  }
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += "a=1&";
  }
  EXPECT_FALSE(parseQuery(many));
}

TEST(AdminHost, IsOursOrAnAddress) {
  for (const char* host : {"localhost", "gateway.localhost", "127.0.0.1", "192.0.2.1", "::1", "edge.internal", ""}) {
    EXPECT_TRUE(isTrustedHost(host, {"edge.internal"})) << host;
  }
  for (const char* host : {"evil.example", "edge.internal.evil.example", "127.0.0.1.evil.example", "xlocalhost"}) {
    EXPECT_FALSE(isTrustedHost(host, {"edge.internal"})) << host;
  }
}

TEST(AdminReplyTest, IsSerialized) {
  AdminReply reply;
  reply.body = "alive\n";
  const std::string whole = serialize(reply, false, false);
  EXPECT_THAT(whole, testing::StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(whole, testing::EndsWith("\r\n\r\nalive\n"));
  EXPECT_THAT(whole, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(whole, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(whole, Not(HasSubstr("Access-Control")));
  EXPECT_THAT(whole, Not(HasSubstr("Connection: close")));
  const std::string head = serialize(reply, true, true);
  EXPECT_THAT(head, testing::EndsWith("Connection: close\r\n\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 6\r\n")) << "HEAD tells the length that GET would have";
}

TEST(AdminTimestamp, IsReadAndWritten) {
  using std::chrono::system_clock;
  EXPECT_EQ(readTimestamp("1970-01-01T00:01:00Z"), system_clock::time_point(std::chrono::seconds(60)));
  EXPECT_EQ(readTimestamp("1970-01-01T00:00:00.250Z"), system_clock::time_point(std::chrono::milliseconds(250)));
  for (const char* bad : {"", "now", "1970-01-01T00:01:00", "1970-01-01T00:01:00+01:00", "1970-01-01T00:01:00.5Zx"}) {
    EXPECT_FALSE(readTimestamp(bad)) << bad;
  }
  EXPECT_EQ(timestampText(60), "1970-01-01T00:01:00Z");
}

TEST(MetricsFormatTest, OpenMetricsForWhoNamesIt) {
  EXPECT_EQ(negotiateMetrics(""), MetricsFormat::Text);
  EXPECT_EQ(negotiateMetrics("*/*"), MetricsFormat::Text);
  EXPECT_EQ(negotiateMetrics("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"),
            MetricsFormat::OpenMetrics);
}

TEST(MetricsManual, IsUpToDate) {
  const std::string path = std::string(GATEWHY_SOURCE_DIR) + "/docs/metrics.md";
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << metricsManual();
  }
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(text.str(), metricsManual()) << "run make docs";
}

}  // namespace
}  // namespace gatewhy
