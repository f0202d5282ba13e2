// SPDX-License-Identifier: Apache-2.0
// The lint judges by the request that the origin got, not by the client's.
#include "proxy/exchange/response_check.h"

#include <gtest/gtest.h>

#include <string>

#include "diagnostics/http_date.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr std::string_view kNow = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string namesOf(FindingSet set) {
  std::string out;
  for (const Finding finding : set) {
    out.append(out.empty() ? "" : " ").append(name(finding));
  }
  return out;
}

// Fields of the request and of the answer, each "Name: value\r\n".
std::string check(const std::string& asked, const std::string& status, const std::string& answered,
                  const RouteConfig& route = {}, bool lint = true) {
  RequestParser request{HeadLimits{}};
  EXPECT_EQ(request.feed("GET / HTTP/1.1\r\nHost: shop.example\r\n" + asked + "\r\n").status, ParseStatus::Done);
  ResponseParser response{HeadLimits{}};
  response.mendFaults(true);
  const std::string bytes = "HTTP/1.1 " + status + "\r\nDate: " + std::string(kNow) + "\r\n" + answered + "\r\n";
  EXPECT_EQ(response.feed(bytes).status, ParseStatus::Done) << bytes;
  ResponseCheck check(lint);
  check.head(request.head(), route, response.head(), *parseHttpDate(kNow));
  return namesOf(check.found());
}

TEST(ResponseCheck, TheClientsFieldsCount) {
  EXPECT_EQ(check("", "304 Not Modified", ""), "304_unrequested");
  EXPECT_EQ(check("If-None-Match: \"a\"\r\n", "304 Not Modified", ""), "");
  EXPECT_EQ(check("If-None-Match: \"a\"\r\nConnection: if-none-match\r\n", "304 Not Modified", ""), "304_unrequested")
      << "nominated fields are not forwarded";
}

TEST(ResponseCheck, ASuccessIgnoresAnUpgrade) {
  const std::string asked = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_EQ(check(asked, "200 OK", ""), "upgrade_ignored");
  EXPECT_EQ(check(asked, "200 OK", "", {}, false), "") << "lint is off";
  EXPECT_EQ(check(asked, "404 Not Found", ""), "") << "refused, not ignored";
  EXPECT_EQ(check("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n", "200 OK", ""), "")
      << "h2c is not passed on";
  EXPECT_EQ(check("Upgrade: websocket\r\n", "200 OK", ""), "") << "nobody asked: Connection does not name it";
}

TEST(ResponseCheck, TheRoutesEditsCount) {
  RouteConfig route;
  route.request_headers.set = {{"range", "bytes=0-4"}};
  EXPECT_EQ(check("", "206 Partial Content", "Content-Range: bytes 0-4/9\r\n", route), "");
  EXPECT_EQ(check("", "206 Partial Content", "Content-Range: bytes 0-4/9\r\n"), "206_unrequested");
  route.request_headers.set.clear();
  route.request_headers.remove = {"Range"};
  EXPECT_EQ(check("Range: bytes=0-4\r\n", "206 Partial Content", "Content-Range: bytes 0-4/9\r\n", route),
            "206_unrequested");
}

TEST(ResponseCheck, BehindAnotherProxyTheBrowsersHostIsNotKnown) {
  const std::string cookie = "Set-Cookie: a=b; Domain=other.example\r\n";
  EXPECT_EQ(check("", "200 OK", cookie), "cookie_domain_foreign");
  for (const char* field : {"Via: 1.1 a", "Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.1",
                            "X-Forwarded-Host: other.example", "CDN-Loop: a"}) {
    EXPECT_EQ(check(std::string(field) + "\r\n", "200 OK", cookie), "") << field;
  }
}

TEST(ResponseCheck, NominationIsSeen) {
  EXPECT_EQ(check("", "426 Upgrade Required", "Upgrade: a/1\r\nConnection: upgrade\r\n"), "");
  EXPECT_EQ(check("", "426 Upgrade Required", "Upgrade: a/1\r\n"), "upgrade_without_connection");
}

TEST(ResponseCheck, WhatWasMendedOrCutIsToldWithoutLint) {
  EXPECT_EQ(check("", "401 Unauthorized", "X : a\r\n", {}, false), "field_space_before_colon");
  EXPECT_EQ(check("", "401 Unauthorized", "X : a\r\n"), "401_without_www_authenticate field_space_before_colon");
  ResponseCheck check(false);
  check.end(5, true);
  EXPECT_EQ(namesOf(check.found()), "response_extra_data");
}

}  // namespace
}  // namespace gatewhy
