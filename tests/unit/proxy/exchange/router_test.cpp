// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/router.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

RouteConfig route(std::string host, std::string path) {
  RouteConfig made;
  made.host = std::move(host);
  made.path = std::move(path);
  return made;
}

// What the index must agree with: the definition, one route after the other.
const RouteConfig* firstThatFits(const std::vector<RouteConfig>& routes, std::string_view host, std::string_view path) {
  for (const RouteConfig& candidate : routes) {
    if (fitOf(candidate, {.host = host, .path = path}) == RouteFit::Matches) {
      return &candidate;
    }
  }
  return nullptr;
}

class RouterTest : public ::testing::Test {
 protected:
  // Index of the route taken; -1: none.
  static long taken(const std::vector<RouteConfig>& routes, std::string_view host, std::string_view path) {
    const RouteConfig* found = Router(routes).match(host, path);
    return found == nullptr ? -1 : found - routes.data();
  }
};

TEST_F(RouterTest, TheFirstThatMatchesWinsWhateverIsMoreSpecific) {
  const std::vector<RouteConfig> routes{route("", "/api/v1/"), route("shop.example", "/"),
                                        route("shop.example", "/api/"), route("*.example", "/api/")};
  EXPECT_EQ(taken(routes, "shop.example", "/api/v1/x"), 0);
  EXPECT_EQ(taken(routes, "shop.example", "/api/x"), 1);
  EXPECT_EQ(taken(routes, "other.example", "/api/x"), 3);
  EXPECT_EQ(taken(routes, "other.example", "/"), -1);
}

TEST_F(RouterTest, AWildcardStandsForOneOrMoreLabelsAndNotForNone) {
  const std::vector<RouteConfig> routes{route("*.example", "")};
  EXPECT_EQ(taken(routes, "a.example", "/"), 0);
  EXPECT_EQ(taken(routes, "a.b.c.example", "/"), 0);
  EXPECT_EQ(taken(routes, "example", "/"), -1);
  EXPECT_EQ(taken(routes, ".example", "/"), -1);
  EXPECT_EQ(taken(routes, "aexample", "/"), -1);
  EXPECT_EQ(taken(routes, "a.example.org", "/"), -1);
}

TEST_F(RouterTest, WithoutAHostOnlyRoutesForAnyHostAreLeft) {
  const std::vector<RouteConfig> routes{route("a.example", ""), route("*.example", ""), route("", "/x"), route("", "")};
  EXPECT_EQ(taken(routes, "", "/"), 3);
  EXPECT_EQ(taken(routes, "", "/x/y"), 2);
  EXPECT_EQ(taken(routes, "", "/xy"), 3);
  EXPECT_EQ(taken({route("", "")}, "", "*"), 0);
  EXPECT_EQ(taken({route("", "/")}, "", "*"), -1);
}

TEST_F(RouterTest, FitSaysWhichHalfDiffers) {
  const RouteConfig one = route("*.example", "/api/");
  EXPECT_EQ(fitOf(one, {.host = "a.example", .path = "/api/x"}), RouteFit::Matches);
  EXPECT_EQ(fitOf(one, {.host = "a.example", .path = "/apix"}), RouteFit::PathDiffers);
  EXPECT_EQ(fitOf(one, {.host = "example", .path = "/nothing"}), RouteFit::HostDiffers);
}

// Words over a tiny alphabet, so that hosts and prefixes nest and collide.
class Words {
 public:
  explicit Words(std::uint32_t seed) : random_(seed) {}
  std::size_t upTo(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit)(random_); }
  std::string host() {
    std::string made;
    for (std::size_t labels = 1 + upTo(3); labels > 0; --labels) {
      made += (made.empty() ? "" : ".") + std::string(1, "ab"[upTo(1)]);
    }
    return made;
  }
  std::string path(std::size_t longest) {
    std::string made = "/";
    for (std::size_t size = upTo(longest); size > 0; --size) {
      made += "ab/\xff"[upTo(3)];
    }
    return made;
  }
  std::vector<RouteConfig> routes() {
    std::vector<RouteConfig> made;
    for (std::size_t count = upTo(24); count > 0; --count) {
      const std::size_t kind = upTo(4);
      made.push_back(route(kind == 0 ? "" : (kind < 3 ? "*." : "") + host(), upTo(4) == 0 ? "" : path(5)));
    }
    return made;
  }

 private:
  std::mt19937 random_;
};

TEST_F(RouterTest, AgreesWithLookingAtOneRouteAfterTheOther) {
  std::size_t matched = 0;
  std::size_t unmatched = 0;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    Words words(seed);
    const std::vector<RouteConfig> routes = words.routes();
    const Router router(routes);
    for (int request = 0; request < 30; ++request) {
      const std::string host = words.upTo(8) == 0 ? std::string(words.upTo(1), '.') : words.host();
      const std::string path = words.path(8);
      const RouteConfig* expected = firstThatFits(routes, host, path);
      ASSERT_EQ(router.match(host, path), expected) << "seed " << seed << ", host " << host << ", path " << path;
      ++(expected == nullptr ? unmatched : matched);
    }
  }
  EXPECT_GT(matched, 10000U);  // both outcomes were really tried
  EXPECT_GT(unmatched, 10000U);
}

}  // namespace
}  // namespace gatewhy
