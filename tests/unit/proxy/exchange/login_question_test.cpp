// SPDX-License-Identifier: Apache-2.0
// What a login service is asked, and what its answer means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "diagnostics/login_verdict.h"
#include "proxy/exchange/login_question.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(LoginVerdict, ByStatus) {
  for (const int status : {200, 204, 206, 299}) {
    EXPECT_EQ(loginVerdict(static_cast<std::uint16_t>(status)), LoginVerdict::Passes) << status;
  }
  for (const int status : {300, 302, 303, 400, 401, 403, 404, 429, 499}) {
    EXPECT_EQ(loginVerdict(static_cast<std::uint16_t>(status)), LoginVerdict::Denied) << status;
  }
  for (const int status : {101, 199, 304, 500, 502, 503, 599, 600, 999}) {
    EXPECT_EQ(loginVerdict(static_cast<std::uint16_t>(status)), LoginVerdict::Failed) << status;
  }
}

RequestHead parsed(const std::string& text) {
  RequestParser parser{HeadLimits()};
  EXPECT_EQ(parser.feed(text).status, ParseStatus::Done);
  return std::move(parser.head());
}

TEST(LoginQuestion, HoldsWhatTheRouteListsAndNothingElse) {
  const RequestHead request = parsed(
      "POST /cart HTTP/1.1\r\nHost: shop.example\r\nCookie: a=1\r\ncookie: b=2\r\nX-Team: red\r\nX-Other: 1\r\n"
      "X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: X-Team\r\nContent-Length: 5\r\n\r\n");
  RouteConfig route;
  route.forward_auth.emplace();
  route.forward_auth->endpoint.url = "https://login.internal:9000";
  route.forward_auth->target = "/verify?for=shop";
  route.forward_auth->request_headers = {"COOKIE", "X-Team", "X-Real-IP"};
  WorkerGeneration generation;
  const std::vector<std::uint32_t> dropped{5};  // X-Real-IP
  LoginQuestion question{.request = request,
                         .route = route,
                         .generation = generation,
                         .dropped = dropped,
                         .path = "/cart",
                         .client_ip = "192.0.2.7",
                         .scheme = "http",
                         .believed_scheme = "https",
                         .believed_host = "shop.example",
                         .trusted = false,
                         .request_id = "id",
                         .traceparent = {},
                         .balance_key = 0};
  EXPECT_EQ(loginQuestionHead(question).bytes,
            "GET /verify?for=shop HTTP/1.1\r\nHost: login.internal:9000\r\nCookie: a=1\r\ncookie: b=2\r\n\r\n");
  question.trusted = true;
  EXPECT_EQ(loginQuestionHead(question).bytes,
            "GET /verify?for=shop HTTP/1.1\r\nHost: login.internal:9000\r\nCookie: a=1\r\ncookie: b=2\r\n"
            "X-Forwarded-For: 192.0.2.1\r\n\r\n");
  question.own_cookies = {"b", "none"};
  EXPECT_EQ(
      loginQuestionHead(question).bytes,
      "GET /verify?for=shop HTTP/1.1\r\nHost: login.internal:9000\r\nCookie: a=1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
      << "the cookie of sticky is ours";
  EXPECT_THAT(loginQuestionEdits(question).set,
              ElementsAre(Pair("X-Forwarded-Method", "POST"), Pair("X-Forwarded-Proto", "https"),
                          Pair("X-Forwarded-Host", "shop.example"), Pair("X-Forwarded-Uri", "/cart")));
}

}  // namespace
}  // namespace gatewhy
