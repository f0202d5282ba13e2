// SPDX-License-Identifier: Apache-2.0
// Exact paths, regular expressions and conditions, against the definition: one
// route after the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "config/load.h"
#include "proxy/exchange/router.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

ConfigPtr configWith(const std::string& routes) {
  const std::string text =
      "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://127.0.0.1:9\"]}}\nroutes:\n" +
      routes;
  const LoadedConfig loaded =
      loadConfig(text, "t.yaml", [](const std::string&) { return std::optional<std::string>(); });
  EXPECT_TRUE(loaded.config) << (loaded.problems.empty() ? "" : format(loaded.problems.front())) << "\n" << text;
  return loaded.config;
}

class RouteMatchTest : public testing::Test {
 protected:
  // The place of the route taken; -1: none.
  long taken(const Config& config, const Router& router, const std::string& head) {
    parser_.reset();
    EXPECT_EQ(parser_.feed(head).status, ParseStatus::Done) << head;
    const RequestHead& request = parser_.head();
    const RouteQuery query{.host = request.host, .path = request.path(), .request = &request};
    const RouteConfig* found = router.match(query);
    const RouteConfig* expected = nullptr;
    for (const RouteConfig& route : config.routes) {
      if (fitOf(route, query) == RouteFit::Matches) {
        expected = &route;
        break;
      }
    }
    EXPECT_EQ(found, expected) << head;
    return found == nullptr ? -1 : found - config.routes.data();
  }

  RequestParser parser_{HeadLimits{}};
};

TEST_F(RouteMatchTest, EachKindOfCondition) {
  const ConfigPtr config = configWith(R"(
  - {path_exact: /status, origin: a}
  - {path: /api, match: {methods: [POST, PUT]}, origin: a}
  - {path: /api, match: {headers: {X-Canary: "1"}, cookies: {group: b}}, origin: a}
  - {path: /api, match: {query: {beta: "*"}}, origin: a}
  - {path_regex: "^/v[0-9]+/x$", origin: a}
  - {path_regex: "\\.php$", match: {headers: {X-Old: "*"}}, origin: a}
  - {hosts: [one.example, "*.two.example"], origin: a}
  - {path: /api, origin: a}
)");
  const Router router(config->routes);
  const auto asked = [&](const std::string& line, const std::string& fields = "", const std::string& host = "x") {
    return taken(*config, router, line + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
  };
  EXPECT_EQ(asked("GET /status"), 0);
  EXPECT_EQ(asked("GET /status/"), -1);
  EXPECT_EQ(asked("POST /api/x"), 1);
  EXPECT_EQ(asked("GET /api/x", "x-canary: 1\r\nCookie: a=1; group=b\r\n"), 2);
  EXPECT_EQ(asked("GET /api/x", "X-Canary: 2\r\nX-Canary: 1\r\nCookie: group=b; group=c\r\n"), 2);
  EXPECT_EQ(asked("GET /api/x", "X-Canary: 1\r\nCookie: group=c\r\n"), 7);
  EXPECT_EQ(asked("GET /api/x", "X-Canary: 1\r\nCookie: xgroup=b\r\n"), 7);
  EXPECT_EQ(asked("GET /api?a&b%65ta"), 3);
  EXPECT_EQ(asked("GET /api?beta="), 3);
  EXPECT_EQ(asked("GET /api?betas=1"), 7);
  EXPECT_EQ(asked("GET /v12/x"), 4);
  EXPECT_EQ(asked("GET /v12/xy"), -1);
  EXPECT_EQ(asked("GET /a/b.php", "X-Old: \r\n"), 5);
  EXPECT_EQ(asked("GET /a/b.php"), -1);
  EXPECT_EQ(asked("GET /", "", "ONE.example:80"), 6);
  EXPECT_EQ(asked("GET /", "", "c.d.two.example"), 6);
  EXPECT_EQ(asked("GET /", "", "two.example"), -1);
}

TEST_F(RouteMatchTest, AgreesWithLookingAtOneRouteAfterTheOther) {
  std::size_t matched = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const auto one_of = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
    std::string text;
    for (std::size_t count = 1 + random() % 30; count > 0; --count) {
      const std::string path = one_of({"path: /a", "path: /a/b", "path: /", "path_exact: /a", "path_exact: /a/b/",
                                       "path_regex: \"b+$\"", "path_regex: \"^/a/.\"", "path: /b/", "upgrade: true"});
      const std::string host = one_of({"", "host: h, ", "hosts: [h, \"*.h\"], ", "host: \"*.h\", "});
      const std::string match = one_of({"", "", "", "match: {methods: [POST]}, ", "match: {headers: {X-A: \"1\"}}, ",
                                        "match: {query: {q: \"*\"}}, ", "match: {cookies: {c: d}, methods: [GET]}, "});
      text += "  - {" + host + match + path + ", origin: a}\n";
    }
    const ConfigPtr config = configWith(text);
    ASSERT_TRUE(config);
    const Router router(config->routes);
    for (int request = 0; request < 40; ++request) {
      const std::string head =
          one_of({"GET", "POST"}) + " " + one_of({"/", "/a", "/a/", "/a/b", "/a/b/", "/a/bb", "/ab", "/b", "/b/x"}) +
          one_of({"", "?q", "?r=1"}) + " HTTP/1.1\r\nHost: " + one_of({"h", "x.h", "other"}) + "\r\n" +
          one_of({"", "X-A: 1\r\n", "X-A: 2\r\n"}) + one_of({"", "Cookie: c=d\r\n"}) + "\r\n";
      matched += taken(*config, router, head) >= 0 ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 8000U);
}

}  // namespace
}  // namespace gatewhy
