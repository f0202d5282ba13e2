// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/dropped_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/claimed_fields.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DroppedFieldsTest : public testing::Test {
 protected:
  const RequestHead& parse(const std::string& fields) {
    parser_.reset();
    EXPECT_EQ(parser_.feed("GET / HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n").status, ParseStatus::Done);
    return parser_.head();
  }
  std::vector<std::string> droppedOf(const std::string& fields) {
    const RequestHead& head = parse(fields);
    const DroppedFields made = droppedFields(head, route_, trusted_, underscores_);
    refused_ = made.refused;
    std::vector<std::string> names;
    for (const std::uint32_t index : made.indices) {
      names.emplace_back(head.name(head.fields[index]));
    }
    return names;
  }

  RequestParser parser_{HeadLimits{}};
  RouteConfig route_;
  HeaderEdits& edits_ = route_.request_headers;
  bool trusted_ = false;
  Underscores underscores_ = Underscores::Shadows;
  std::string refused_;
};

TEST_F(DroppedFieldsTest, WhatStrangersClaimIsDroppedWhateverItsCase) {
  for (const ClaimedField& row : claimedFields()) {
    if (row.claim != Claim::OfHops) {
      continue;
    }
    std::string name(row.name);
    if (name.ends_with('*')) {
      name.replace(name.size() - 1, 1, "Anything");
    }
    for (const bool upper : {false, true}) {
      for (char& c : name) {
        c = static_cast<char>(upper ? std::toupper(c) : std::tolower(c));
      }
      EXPECT_THAT(droppedOf(name + ": x\r\n"), ElementsAre(name));
    }
    trusted_ = true;
    EXPECT_THAT(droppedOf(name + ": x\r\n"), IsEmpty());
    trusted_ = false;
  }
  EXPECT_THAT(droppedOf("X-Real: 1\r\nX-Forwarder: 1\r\nProxied: 1\r\nX-Shop: 1\r\nAuthorization: a\r\nCookie: b\r\n"),
              IsEmpty());
}

TEST_F(DroppedFieldsTest, WhatNoHopWritesIsDroppedFromTrustedOnesToo) {
  trusted_ = true;
  EXPECT_THAT(droppedOf("Proxy: evil\r\nX-Middleware-Subrequest: middleware\r\nX-Real-IP: 1\r\n"),
              ElementsAre("Proxy", "X-Middleware-Subrequest"));
}

// lighttpd gives a CGI program HTTP_X_REAL_IP for each of these, PHP for the first.
TEST_F(DroppedFieldsTest, OtherMarksShadowAsUnderscoresDo) {
  const std::string fields =
      "X.Real.IP: 1\r\nX!Forwarded!For: 1\r\nContent.Length: 5\r\nTransfer~Encoding: x\r\nX-Shop: 1\r\n"
      "X+Shop: 2\r\nX.Alone: 1\r\n";
  for (const Underscores underscores : {Underscores::Shadows, Underscores::Drop, Underscores::Refuse}) {
    underscores_ = underscores;
    EXPECT_THAT(droppedOf(fields),
                ElementsAre("X.Real.IP", "X!Forwarded!For", "Content.Length", "Transfer~Encoding", "X+Shop"));
    EXPECT_EQ(refused_, "");
  }
  underscores_ = Underscores::Pass;
  EXPECT_THAT(droppedOf(fields), ElementsAre("Content.Length", "Transfer~Encoding"));
}

TEST_F(DroppedFieldsTest, AnotherMethodIsDroppedWhereTheMethodDecides) {
  const std::string fields =
      "X-HTTP-Method-Override: DELETE\r\nx-http-method: PUT\r\nX-METHOD-OVERRIDE: PATCH\r\n"
      "X_HTTP_Method_Override: DELETE\r\n";
  const auto all =
      ElementsAre("X-HTTP-Method-Override", "x-http-method", "X-METHOD-OVERRIDE", "X_HTTP_Method_Override");
  EXPECT_THAT(droppedOf("X-HTTP-Method-Override: DELETE\r\nX_HTTP_Method: PUT\r\n"), IsEmpty());
  route_.method_decides = true;
  EXPECT_THAT(droppedOf(fields), all);
  trusted_ = true;  // it passes on what its client wrote
  EXPECT_THAT(droppedOf(fields), all);
  edits_.keep = {"X-HTTP-Method-Override"};
  EXPECT_THAT(droppedOf("X-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: PUT\r\n"), ElementsAre("X-HTTP-Method"));
}

TEST_F(DroppedFieldsTest, TrailersAreJudgedAsIfTheyStoodInTheHead) {
  route_.method_decides = true;
  edits_.set = {{"X-Env", "prod"}};
  edits_.keep = {"X-Client-IP"};
  const RequestHead& head = parse("X-Twice: 1\r\n");
  const std::string trailers =
      "X-Real-IP: 6.6.6.6\r\nGrpc-Status: 0\r\nX-HTTP-Method-Override: DELETE\r\nX-Request-ID: 7\r\n"
      "traceparent: 0\r\nX-Env: dev\r\nX_Env: dev\r\nX-Client-IP: 6.6.6.6\r\nContent_Length: 5\r\n"
      "X_Twice: 2\r\nX-Checksum: a:b\r\n";
  EXPECT_EQ(keptTrailers(trailers, head, route_, false, Underscores::Shadows),
            "Grpc-Status: 0\r\nX-Client-IP: 6.6.6.6\r\nX-Checksum: a:b\r\n");
  EXPECT_EQ(keptTrailers("X-Real-IP: 192.0.2.7\r\n", head, route_, true, Underscores::Shadows),
            "X-Real-IP: 192.0.2.7\r\n");
  EXPECT_EQ(keptTrailers("X_Shop: 1\r\n", head, route_, false, Underscores::Refuse), "");
  EXPECT_EQ(keptTrailers("", head, route_, false, Underscores::Shadows), "");
}

TEST_F(DroppedFieldsTest, ARouteKeepsWhatItNames) {
  edits_.keep = {"x-real-ip", "X_Forwarded_For", "Transfer_Encoding"};
  EXPECT_THAT(droppedOf("X-Real-IP: 1\r\nTrue-Client-IP: 1\r\nX_Forwarded_For: 1\r\nTransfer_Encoding: chunked\r\n"),
              ElementsAre("True-Client-IP", "Transfer_Encoding"));
}

TEST_F(DroppedFieldsTest, ShadowsOfWhatIsSetRemovedTrustedFramedByOrSentAsWell) {
  edits_.set = {{"X-Env", "prod"}};
  edits_.remove = {"X-Debug"};
  EXPECT_THAT(
      droppedOf("X_Env: 1\r\nX_DEBUG: 1\r\nX_Forwarded-For: 1\r\nX-Forwarded_Proto: 1\r\nx_real_ip: 1\r\n"
                "Transfer_Encoding: 1\r\nContent_Length: 1\r\nProxy_Authorization: 1\r\nX_Request_ID: 1\r\n"
                "X-Twice: 1\r\nX_Twice: 2\r\nX_Shop: 1\r\nKeep_Alive: 1\r\nCDN_Loop: x\r\n_: 1\r\n"),
      ElementsAre("X_Env", "X_DEBUG", "X_Forwarded-For", "X-Forwarded_Proto", "x_real_ip", "Transfer_Encoding",
                  "Content_Length", "Proxy_Authorization", "X_Request_ID", "X_Twice", "Keep_Alive", "CDN_Loop"));
  trusted_ = true;
  EXPECT_THAT(droppedOf("X_Forwarded_For: 1\r\n"), ElementsAre("X_Forwarded_For")) << "whoever sends it";
}

TEST_F(DroppedFieldsTest, TheOtherRulesForUnderscores) {
  const std::string fields = "X_Shop: 1\r\nX_Forwarded_For: 1\r\nContent_Length: 3\r\nX-Shop: 1\r\n";
  underscores_ = Underscores::Drop;
  EXPECT_THAT(droppedOf(fields), ElementsAre("X_Shop", "X_Forwarded_For", "Content_Length"));
  underscores_ = Underscores::Pass;
  EXPECT_THAT(droppedOf(fields), ElementsAre("Content_Length"));
  EXPECT_EQ(refused_, "");
  underscores_ = Underscores::Refuse;
  droppedOf(fields);
  EXPECT_EQ(refused_, "X_Shop");
}

TEST_F(DroppedFieldsTest, TheNearestOfSeveralValuesCounts) {
  EXPECT_EQ(nearestValue(parse("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"), FieldId::XForwardedProto),
            "http");
  EXPECT_EQ(nearestValue(parse("X-Forwarded-Proto: http, https\r\n"), FieldId::XForwardedProto), "https");
  EXPECT_EQ(nearestValue(parse(""), FieldId::XForwardedProto), "");
}

TEST_F(DroppedFieldsTest, TheTableIsInTheManual) {
  std::ifstream file(GATEWHY_SOURCE_DIR "/docs/headers.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const ClaimedField& row : claimedFields()) {
    EXPECT_THAT(text.str(), HasSubstr("| `" + std::string(row.name) + "` | " + std::string(row.claims) + " |"));
  }
}

}  // namespace
}  // namespace gatewhy
