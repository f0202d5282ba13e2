// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/sticky_tokens.h"

#include <gtest/gtest.h>

#include <set>

namespace gatewhy {
namespace {

OriginConfig stickyOrigin(const std::string& name, const std::vector<std::string>& urls) {
  OriginConfig origin;
  origin.name = name;
  for (const std::string& url : urls) {
    origin.endpoints.emplace_back().url = url;
  }
  return origin;
}

const std::string kOld(32, 'o');
const std::string kNew(32, 'n');

TEST(StickyTokensTest, EachEndpointHasItsOwn) {
  const StickyTokens tokens(stickyOrigin("shop", {"http://a", "http://b", "http://c"}), {kOld});
  std::set<std::string> seen;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string& token = tokens.tokenOf(i);
    EXPECT_EQ(token.size(), 32U);
    EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(tokens.endpointOf(token), i);
    seen.insert(token);
  }
  EXPECT_EQ(seen.size(), 3U);
  for (const char* other : {"", "x", "http://a"}) {
    EXPECT_FALSE(tokens.endpointOf(other)) << other;
  }
}

TEST(StickyTokensTest, TheOrderOfEndpointsIsNoPartOfIt) {
  const StickyTokens one(stickyOrigin("shop", {"http://a", "http://b"}), {kOld});
  const StickyTokens other(stickyOrigin("shop", {"http://new", "http://b", "http://a"}), {kOld});
  EXPECT_EQ(other.endpointOf(one.tokenOf(0)), 2U);
}

TEST(StickyTokensTest, AnotherOriginOrKeyIsAnotherToken) {
  const StickyTokens shop(stickyOrigin("shop", {"http://a"}), {kOld});
  EXPECT_FALSE(StickyTokens(stickyOrigin("blog", {"http://a"}), {kOld}).endpointOf(shop.tokenOf(0)));
  EXPECT_FALSE(StickyTokens(stickyOrigin("shop", {"http://a"}), {kNew}).endpointOf(shop.tokenOf(0)));
}

TEST(StickyTokensTest, TheFirstKeySignsAndAllVerify) {
  const OriginConfig origin = stickyOrigin("shop", {"http://a", "http://b"});
  const StickyTokens before(origin, {kOld});
  const StickyTokens rotated(origin, {kNew, kOld});
  EXPECT_EQ(rotated.endpointOf(before.tokenOf(1)), 1U);
  EXPECT_NE(rotated.tokenOf(1), before.tokenOf(1));
  EXPECT_EQ(rotated.tokenOf(1), StickyTokens(origin, {kNew}).tokenOf(1));
}

TEST(StickyTokensTest, AHostOfANameHasItsOwnByAddress) {
  const OriginConfig shop = stickyOrigin("shop", {"http://a", "http://b"});
  const StickyTokens tokens(shop, {kNew, kOld});
  const StickyTokens other(shop, {kOld, kNew});
  const std::string token = tokens.tokenOf(0, "10.0.0.1:80");
  EXPECT_EQ(token.size(), 32U);
  EXPECT_NE(token, tokens.tokenOf(0));
  EXPECT_NE(token, tokens.tokenOf(0, "10.0.0.2:80"));
  EXPECT_NE(token, tokens.tokenOf(1, "10.0.0.1:80"));
  EXPECT_NE(token, other.tokenOf(0, "10.0.0.1:80")) << "the first key signs";
  EXPECT_TRUE(other.isTokenOf(token, 0, "10.0.0.1:80")) << "all verify";
  EXPECT_FALSE(other.isTokenOf(token, 0, "10.0.0.2:80"));
  EXPECT_FALSE(other.isTokenOf("", 0, "10.0.0.1:80"));
  EXPECT_FALSE(tokens.endpointOf(token)) << "it is no endpoint's";
}

TEST(StickyTokensTest, SetCookie) {
  EXPECT_EQ(stickySetCookie("gw", "abc", false), "gw=abc; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(stickySetCookie("gw", "abc", true), "gw=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
}

TEST(StickyTokensTest, OnlyOurCookieIsTakenOut) {
  EXPECT_EQ(withoutCookie("gw=1", "gw"), "");
  EXPECT_EQ(withoutCookie("a=1; gw=2; b=3", "gw"), "a=1; b=3");
  EXPECT_EQ(withoutCookie("a=1;gw=2;gw=3;;b=gw=3", "gw"), "a=1; b=gw=3");
  EXPECT_EQ(withoutCookie("gw; a=1", "gw"), "a=1");
  EXPECT_FALSE(withoutCookie("gwx=1; xgw=2; a=gw", "gw"));
  EXPECT_FALSE(withoutCookie("GW=1", "gw")) << "names are case-sensitive";
  EXPECT_FALSE(withoutCookie("", "gw"));
}

}  // namespace
}  // namespace gatewhy
