// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/probe_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ProbeUrlTest, TakesUrlsApart) {
  const auto url = parseProbeUrl("https://Shop.example:8443/a/b?c=d#part");
  ASSERT_TRUE(url) << url.error();
  EXPECT_EQ(url->endpoint, "https://Shop.example:8443");
  EXPECT_EQ(url->authority, "shop.example:8443");
  EXPECT_EQ(url->target, "/a/b?c=d");
}

TEST(ProbeUrlTest, EmptyPathIsTheRoot) {
  EXPECT_EQ(parseProbeUrl("http://a")->target, "/");
  EXPECT_EQ(parseProbeUrl("http://a?x=1")->target, "/?x=1");
  EXPECT_EQ(parseProbeUrl("http://[::1]:80")->authority, "[::1]:80");
}

TEST(ProbeUrlTest, UnixSocketsHaveAPathOfTheirOwn) {
  const auto bare = parseProbeUrl("unix:/run/app.sock");
  ASSERT_TRUE(bare) << bare.error();
  EXPECT_EQ(bare->endpoint, "unix:/run/app.sock");
  EXPECT_EQ(bare->target, "/");
  const auto with_path = parseProbeUrl("unix:/run/app.sock:/status?full");
  ASSERT_TRUE(with_path) << with_path.error();
  EXPECT_EQ(with_path->endpoint, "unix:/run/app.sock");
  EXPECT_EQ(with_path->target, "/status?full");
}

TEST(ProbeUrlTest, SaysWhatIsWrong) {
  EXPECT_THAT(parseProbeUrl("shop.example").error(), HasSubstr("not a URL"));
  EXPECT_THAT(parseProbeUrl("ftp://a").error(), HasSubstr("scheme"));
  EXPECT_THAT(parseProbeUrl("http://user:pw@a/").error(), HasSubstr("passwords"));
  EXPECT_THAT(parseProbeUrl("http://a/b c").error(), HasSubstr("0x20"));
  EXPECT_THAT(parseProbeUrl("http://a/\r\nX: y").error(), HasSubstr("0x0D"));
  EXPECT_THAT(parseProbeUrl("http:///path").error(), HasSubstr("host"));
}

TEST(PinnedNameTest, TakesOneOrMoreAddresses) {
  const auto pin = parsePinnedName("Shop.example:443:192.0.2.1,[2001:db8::1]");
  ASSERT_TRUE(pin) << pin.error();
  EXPECT_EQ(pin->host, "shop.example");
  EXPECT_EQ(pin->port, 443);
  EXPECT_THAT(pin->addresses, ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(parsePinnedName("a:80:2001:db8::1")->addresses, ElementsAre("2001:db8::1"));
}

TEST(PinnedNameTest, RefusesTheRest) {
  EXPECT_THAT(parsePinnedName("a:80").error(), HasSubstr("missing"));
  EXPECT_THAT(parsePinnedName(":80:192.0.2.1").error(), HasSubstr("missing"));
  EXPECT_THAT(parsePinnedName("a:0:192.0.2.1").error(), HasSubstr("port"));
  EXPECT_THAT(parsePinnedName("a:80:b").error(), HasSubstr("'b' is not an IP address"));
  EXPECT_THAT(parsePinnedName("a:80:192.0.2.1,").error(), HasSubstr("'' is not an IP address"));
}

}  // namespace
}  // namespace gatewhy
