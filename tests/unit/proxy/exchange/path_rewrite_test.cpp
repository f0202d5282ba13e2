// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/path_rewrite.h"

#include <gmock/gmock.h>
#include <re2/re2.h>

#include <string>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using ::testing::HasSubstr;

class PathRewriteTest : public ::testing::Test {
 protected:
  void prefix(const std::string& text) {
    route_.path = "/api";
    route_.rewrite = PathRewrite{.prefix = text, .variable = TextTemplate::parse(text, TemplatePlace::Path).value()};
  }
  void regex(const std::string& pattern, const std::string& to) {
    route_.rewrite = PathRewrite{.regex = std::make_shared<const re2::RE2>(pattern, re2::RE2::Latin1),
                                 .to = to,
                                 .variable = TextTemplate::parse(to, TemplatePlace::Path).value()};
  }
  RewrittenPath made(std::string_view path, const std::string& value) {
    parser_.reset();
    const std::string head = (path == "*" ? "OPTIONS " : "GET ") + std::string(path) +
                             " HTTP/1.1\r\nHost: Shop.example\r\nX-A: " + value + "\r\n\r\n";
    EXPECT_EQ(parser_.feed(head).status, ParseStatus::Done) << head;
    return rewritePath(route_, path, {.request = parser_.head(), .client = client_});
  }
  // What is forwarded, or "refused".
  std::string outcome(std::string_view path, const std::string& value = "a") {
    const RewrittenPath rewritten = made(path, value);
    return rewritten.complaint.empty() ? rewritten.path : "refused";
  }

  RequestParser parser_{HeadLimits{}};
  ClientFacts client_;
  RouteConfig route_;
};

TEST_F(PathRewriteTest, AValueIsOnePieceOfThePath) {
  prefix("/t/{header.X-A}/{host}/");
  EXPECT_EQ(outcome("/api/x", "blue"), "/t/blue/shop.example/x");
  EXPECT_EQ(outcome("/api", "b/c d?e#f%2fg;h\\i"), "/t/b%2Fc%20d%3Fe%23f%252fg%3Bh%5Ci/shop.example/");
  EXPECT_EQ(outcome("/api/x", "\xC3\xA9~!$&'()*+,=:@"), "/t/%C3%A9~!$&'()*+,=:@/shop.example/x");
  EXPECT_EQ(outcome("/api/x", ""), "/t//shop.example/x") << "what is not known is empty";
}

TEST_F(PathRewriteTest, AValueLeadsNowhereElse) {
  prefix("/t/{header.X-A}/");
  for (const char* value : {"..", ".", "../x", "x/..", "x\\..\\y", "..;v=1", "a/.;/b"}) {
    EXPECT_EQ(outcome("/api/x", value), "refused") << value;
  }
  for (const char* value : {"...", "a..b", "..a", "%2e%2e", "a.b"}) {
    EXPECT_NE(outcome("/api/x", value), "refused") << value;
  }
  EXPECT_THAT(made("/api/x", "..").complaint, HasSubstr("'..', would lead elsewhere"));
  prefix("/");
  EXPECT_THAT(made("/api/../../x", "").complaint, HasSubstr("leads above the root"));
}

// What nginx calls alias traversal: the name "alias.." is no dot segment until
// its beginning is cut off.
TEST_F(PathRewriteTest, ARegexMakesNoDotSegments) {
  regex("^/alias(.*)", "/base/\\1");
  for (const char* path :
       {"/alias../secret", "/alias%2e%2e/secret", "/alias..%2fsecret", "/alias..;/secret", "/alias."}) {
    EXPECT_EQ(outcome(path), "refused") << path;
  }
  EXPECT_EQ(outcome("/alias/x"), "/base//x");
  EXPECT_EQ(outcome("/alias/./x"), "/base//./x") << "it was there before";
}

TEST_F(PathRewriteTest, GroupsAndVariablesStandSideBySide) {
  regex("^/v([0-9]+)/(.*)$", "/{header.X-A}/\\1/\\2");
  EXPECT_EQ(outcome("/v2/x/y", "\\2"), "/%5C2/2/x/y");
  EXPECT_EQ(outcome("/other", ".."), "") << "what does not match stays, whatever the value is";
  regex("^/v2", "{path}/old");
  EXPECT_EQ(outcome("/v2\\x"), "/v2\\x/old\\x");
  EXPECT_EQ(outcome("*"), "");
}

}  // namespace
}  // namespace gatewhy
