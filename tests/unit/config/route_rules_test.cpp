// SPDX-License-Identifier: Apache-2.0
// routes[]: methods, clients, requires, rate_limit, upgrade.
#include <gmock/gmock.h>

#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// `rules` on line 7, in flow style.
std::string withRoute(std::string_view rules) {
  return testing::withBase("routes:\n  - {origin: shop, " + std::string(rules) + "}\n");
}

RouteConfig routeOf(std::string_view rules, std::string_view more = "") {
  const LoadedConfig loaded = testing::load(withRoute(rules) + std::string(more));
  EXPECT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  return loaded.config ? loaded.config->routes.front() : RouteConfig{};
}

TEST(RouteRules, AreRead) {
  const RouteConfig route = routeOf(
      "methods: [GET, HEAD, PROPFIND], clients: {allow: [10.0.0.0/8, \"2001:db8::/32\"], deny: [10.1.2.3]}, "
      "requires: {tls: true, http_version: 1.1, content_length: true}, "
      "rate_limit: {requests: 100, per: 1m, burst: 20, key: route}, upgrade: false",
      "trusted_proxies: [10.0.0.1]\n");
  EXPECT_THAT(route.methods, ElementsAre("GET", "HEAD", "PROPFIND"));
  ASSERT_EQ(route.clients.allow.size(), 2U);
  EXPECT_EQ(route.clients.allow[1].text(), "2001:db8::/32");
  EXPECT_EQ(route.clients.deny.at(0).text(), "10.1.2.3/32");
  EXPECT_TRUE(route.requirements.tls);
  EXPECT_EQ(route.requirements.http_minor, 1);
  EXPECT_TRUE(route.requirements.content_length);
  EXPECT_FALSE(route.upgrade);
  ASSERT_TRUE(route.rate_limit);
  EXPECT_EQ(*route.rate_limit,
            (RateLimitConfig{.requests = 100, .per = Millis(60000), .burst = 20, .key = RateLimitKey::Route}));
}

TEST(RouteRules, BurstIsAsLargeAsTheRequests) {
  EXPECT_EQ(routeOf("rate_limit: {requests: 50}").rate_limit->burst, 50U);
}

TEST(RouteRules, WrongValuesAreNamedWithTheirPlace) {
  EXPECT_THAT(testing::problems(withRoute("methods: [get, TRACE, \"A B\", PUT, PUT]")),
              ElementsAre("t.yaml:7:30: error: 'methods': methods are case-sensitive; write 'GET'",
                          "t.yaml:7:35: error: 'methods': 'TRACE' is never forwarded",
                          "t.yaml:7:42: error: 'methods': 'A B' is not a method",
                          "t.yaml:7:54: error: the method 'PUT' is listed twice"));
  EXPECT_THAT(testing::problems(withRoute("methods: []")),
              ElementsAre("t.yaml:7:29: error: 'methods' is empty; it needs at least one entry"));
  EXPECT_THAT(
      testing::problems(withRoute("clients: {deny: [10.0.0.1/8]}")),
      ElementsAre("t.yaml:7:37: error: 'clients.deny': '10.0.0.1/8' is not an address block: the prefix length is "
                  "impossible, or the address has bits after it"));
  EXPECT_THAT(testing::problems(withRoute("requires: {http_version: 2}")),
              ElementsAre("t.yaml:7:45: error: 'requires.http_version' cannot be '2'; possible: 1.0, 1.1"));
  EXPECT_THAT(testing::problems(withRoute("rate_limit: {per: 1s, burst: 0}")),
              ElementsAre("t.yaml:7:32: error: missing required key 'requests'",
                          "t.yaml:7:49: error: 'rate_limit.burst' must be between 1 and 1000000, not 0"));
  EXPECT_THAT(testing::problems(withRoute("rate_limit: {requests: 5, per: 0}")),
              ElementsAre("t.yaml:7:51: error: 'rate_limit.per' must be between 1ms and 24h, not 0"));
  EXPECT_THAT(testing::problems(withRoute("rate_limit: {requests: 5, key: client_adress}")),
              ElementsAre("t.yaml:7:51: error: 'rate_limit.key' cannot be 'client_adress'; did you mean "
                          "'client_address'?"));
}

TEST(Cidr, TextIsWhatWasMeant) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::/32", "::1/128"}) {
    EXPECT_EQ(Cidr::parse(text)->text(), text);
  }
  EXPECT_TRUE(Cidr::parse("10.0.0.0/8")->covers(*Cidr::parse("10.1.0.0/16")));
  EXPECT_TRUE(Cidr::parse("::/0")->covers(*Cidr::parse("10.1.0.0/16")));
  EXPECT_FALSE(Cidr::parse("10.1.0.0/16")->covers(*Cidr::parse("10.0.0.0/8")));
}

}  // namespace
}  // namespace gatewhy
