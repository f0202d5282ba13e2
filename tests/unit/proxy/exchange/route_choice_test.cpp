// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/route_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/path_readings.h"

namespace gatewhy {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RouteConfig pathRoute(std::string path) {
  RouteConfig made;
  made.name = "*" + path;
  made.path = std::move(path);
  return made;
}

class RouteChoiceTest : public testing::Test {
 protected:
  explicit RouteChoiceTest() { use({pathRoute("/int/"), pathRoute("")}); }

  void use(std::vector<RouteConfig> routes) {
    routes_ = std::move(routes);
    router_.emplace(routes_);
  }
  [[nodiscard]] RouteChoice choose(std::string_view path) const {
    return chooseRoute(*router_, {.host = "shop.example", .path = path}, policy_);
  }
  // "refused", "none", or the route's path, with what is forwarded instead.
  [[nodiscard]] std::string outcome(std::string_view path) const {
    const RouteChoice made = choose(path);
    if (!made.ambiguity.empty()) {
      return "refused";
    }
    return made.route == nullptr ? "none" : made.route->name + (made.path.empty() ? "" : " as " + made.path);
  }

  std::vector<RouteConfig> routes_;
  std::optional<Router> router_;
  PathPolicy policy_ = PathPolicy::Refuse;
};

TEST_F(RouteChoiceTest, NoSpellingPassesARule) {
  for (const char* path : {"/%69nt/x",
                           "/i%6et/x",
                           "/i%6Et/x",
                           "/%69%6e%74/x",
                           "/./int/x",
                           "/.//int/x",
                           "/%2e/int/x",
                           "/a/../int/x",
                           "/a/b/../../int/x",
                           "/a/%2e%2e/int/x",
                           "/a/.%2E/int/x",
                           "//int/x",
                           "////int/x",
                           "/a//../int/x",
                           "/int/../x",
                           "/int/%2e%2e/x",
                           "/int%2fx",
                           "/int%2Fx",
                           "/%2fint/x",
                           "/a%2f..%2fint/x",
                           "/a/..%2fint/x",
                           "/int\\x",
                           "/int%5cx",
                           "/\\int/x",
                           "/%5Cint/x",
                           "/a\\..\\int\\x",
                           "/a/..\\int/x",
                           "/a/..;/int/x",
                           "/a/..;v=1/int/x",
                           "/a/..%3b/int/x",
                           "/int;/x",
                           "/int;x/",
                           "/int%3bx/",
                           "/;/int/x",
                           "/.;/int/x",
                           "/%c0%afint/x",
                           "/a/%c0%ae%c0%ae/int/x",
                           "/%e0%80%afint/x",
                           "/%u0069nt/x",
                           "/int%00/x",
                           "/int/x%00",
                           "/..",
                           "/../int/x",
                           "/int/../../x",
                           "/%2e%2e/int/x",
                           "/..;/int/x",
                           "/..\\int\\x",
                           "//x/int/y",
                           "/\\x/int/y",
                           "/int/..",
                           "/a;b/../int/x",
                           "/%69nt",
                           "/int%2f",
                           "/int/%2e%2e%2f%2e%2e/x",
                           "/a%5c..%5cint%5cx"}) {
    EXPECT_EQ(outcome(path), "refused") << path;
  }
}

TEST_F(RouteChoiceTest, WhatIsBelowTheRuleInEveryReadingIsJudgedByIt) {
  for (const char* path : {"/int", "/int/", "/int/x", "/int//x", "/int/./x", "/int/a/../x", "/int/a%2fb", "/int/a;v=1",
                           "/int/%69", "/int/a\\b"}) {
    EXPECT_EQ(outcome(path), "*/int/") << path;
  }
}

TEST_F(RouteChoiceTest, WhatNeedsNoRulePassesAsItIs) {
  for (const char* path : {"/a/b.c/..d", "/caf%C3%A9", "/a;v=1/b", "/group%2Fname", "//key", "/INT/x", "/intx",
                           "/%2569nt/x", "/a/%252e%252e/int/x", "/a/../b", "/%", "/a%zz", "/x/int/y", "*", "/%7Euser",
                           "/.well-known/acme-challenge/t", "/int%20/x", "/a/https://b.example/c"}) {
    EXPECT_EQ(outcome(path), "*") << path;
  }
}

TEST_F(RouteChoiceTest, WithoutRulesThatDependOnThePathOnlyNulAndClimbingAreRefused) {
  use({pathRoute("")});
  for (const char* path : {"/%69nt/x", "//int/x", "/a/../b", "/int%2fx", "/int\\x", "/a;b/c", "/%c0%af"}) {
    EXPECT_EQ(outcome(path), "*") << path;
  }
  for (const char* path : {"/..", "/a/../../b", "/%2e%2e/x", "/..%2fx", "/a%00", "/..;/x"}) {
    EXPECT_EQ(outcome(path), "refused") << path;
  }
}

TEST_F(RouteChoiceTest, TheRefusalShowsBothReadingsAndRoutes) {
  EXPECT_EQ(choose("/%69nt/x").ambiguity, "as '/%69nt/x' it is route '*', as '/int/x' route '*/int/'");
  EXPECT_THAT(choose("/a/../../x").ambiguity, HasSubstr("'/a/../../x' leads above the root"));
  use({pathRoute("/int/")});
  EXPECT_THAT(choose("/%69nt/x").ambiguity, AllOf(HasSubstr("it is no route"), HasSubstr("route '*/int/'")));
}

TEST_F(RouteChoiceTest, AStrippedPrefixIsNotLeft) {
  use({pathRoute("/api"), pathRoute("/open")});
  routes_[0].strip_prefix = true;
  for (const char* path : {"/api/../x", "/api/%2e%2e/x", "/api/..%2fx", "/api/../api/x", "/api/a/../../api/x",
                           "/api/..;/api/x", "/api/..\\api\\x", "/api//../../api/x"}) {
    EXPECT_EQ(outcome(path), "refused") << path;
  }
  EXPECT_EQ(outcome("/api/a/../x"), "*/api");
  EXPECT_EQ(outcome("/api"), "*/api");
  EXPECT_EQ(outcome("/apix"), "none");
}

TEST_F(RouteChoiceTest, ARouteWithEscapesMatchesEverySpellingOfThem) {
  use({pathRoute("/caf%C3%A9/"), pathRoute("")});
  EXPECT_EQ(outcome("/caf%C3%A9/x"), "*/caf%C3%A9/");
  EXPECT_EQ(outcome("/caf%c3%a9/x"), "*/caf%C3%A9/");
  EXPECT_EQ(outcome("/cafe/x"), "*");
}

TEST_F(RouteChoiceTest, NormalizeForwardsTheNormalForm) {
  policy_ = PathPolicy::Normalize;
  EXPECT_EQ(outcome("/%69nt/x"), "*/int/ as /int/x");
  EXPECT_EQ(outcome("/a/..;/int%2fx"), "*/int/ as /int/x");
  EXPECT_EQ(outcome("/a/./b/../c"), "* as /a/c");
  EXPECT_EQ(outcome("/int/../x"), "* as /x");
  EXPECT_EQ(outcome("/int%2fa%20b%25"), "*/int/ as /int/a%20b%25");
  for (const char* path : {"/a/b.c/..d", "/caf%C3%A9", "/a;v=1/b", "/group%2Fname", "//key", "/int/x"}) {
    EXPECT_EQ(outcome(path).find(" as "), std::string::npos) << path;
  }
  EXPECT_EQ(outcome("/../int/x"), "refused");
  EXPECT_EQ(outcome("/int%00"), "refused");
}

// A '%' that begins no escape stays one: with what is decoded behind it, it
// would become the escape that the rule was never asked about.
TEST_F(RouteChoiceTest, NormalFormsMakeNoEscapes) {
  policy_ = PathPolicy::Normalize;
  EXPECT_EQ(outcome("/%%36%39nt/x"), "* as /%2569nt/x");
  EXPECT_EQ(outcome("/%6%39nt/x"), "* as /%2569nt/x");
  EXPECT_EQ(outcome("/%2%66int/x"), "* as /%252fint/x");
  for (const std::string_view path : {"/%%36%39nt/x", "/%6%39nt/x", "/%2%66int/x", "/%%32e%%32e/int/x", "/norm/%%30%30",
                                      "/norm/%%35c", "/norm/%3%62x/sec", "/%", "/%2", "/a%%/", "/%%%32%35"}) {
    const RouteChoice made = choose(path);
    if (made.ambiguity.empty() && !made.path.empty()) {
      for (const std::string& text : readingsOf(made.path).texts) {
        EXPECT_EQ(router_->match({.host = "shop.example", .path = text}), made.route) << path << " as " << text;
      }
      EXPECT_EQ(rfcNormalPath(made.path), made.path) << path;
    }
  }
}

TEST_F(RouteChoiceTest, ARouteMayNormalizeAlone) {
  routes_[0].paths = PathPolicy::Normalize;
  EXPECT_EQ(outcome("/%69nt/x"), "*/int/ as /int/x");
  EXPECT_EQ(outcome("/int/../x"), "refused") << "it leads to the other route";
}

}  // namespace
}  // namespace gatewhy
