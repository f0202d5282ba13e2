// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/forward_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// The values of every line of that name in a head, in order.
std::vector<std::string> linesOf(std::string_view head, std::string_view name) {
  std::vector<std::string> values;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos && equalsIgnoreCase(line.substr(0, colon), name)) {
      values.emplace_back(line.substr(colon + 2));
    }
  }
  return values;
}

// The fields that we add to what we pass on, by names that a route may edit.
const std::vector<std::string> kOnRequests = {
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Request-ID", "traceparent"};
const std::vector<std::string> kOnResponses = {"Via", "X-Request-ID", "Proxy-Status"};

std::string requestHead(const HeaderEdits& edits, const std::string& fields = "") {
  RequestParser parser{HeadLimits{}};
  EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n").status, ParseStatus::Done);
  RouteConfig route;
  route.request_headers = edits;
  EndpointConfig endpoint;
  endpoint.host = "10.0.0.7";
  TextBuffer out;
  appendRequestHead(out, parser.head(),
                    ForwardContext{.hop_name = "gatewhy",
                                   .client_ip = "192.0.2.1",
                                   .scheme = "https",
                                   .trusted_peer = true,
                                   .request_id = "ours",
                                   .traceparent = "ours",
                                   .route = &route,
                                   .endpoint = &endpoint,
                                   .upgrade = false});
  return std::string(out.view());
}

enum class Kind { Final, Switching };
std::string responseHead(Kind kind, const HeaderEdits& edits, const std::string& more = {}) {
  ResponseParser parser{HeadLimits{}};
  const std::string status = kind == Kind::Final ? "200 OK" : "101 Switching Protocols\r\nUpgrade: websocket";
  EXPECT_EQ(parser
                .feed("HTTP/1.1 " + status +
                      "\r\nVia: 1.1 inner\r\nX-Request-ID: theirs\r\nProxy-Status: inner\r\nServer: theirs\r\n" + more +
                      "\r\n")
                .status,
            ParseStatus::Done);
  const ResponseContext context{.hop_name = "gatewhy",
                                .request_id = "ours",
                                .proxy_status = kind == Kind::Final ? "gatewhy; received-status=200" : "",
                                .date = "now",
                                .edits = &edits};
  TextBuffer out;
  out.append("start line\r\n");
  appendResponseFields(out, parser.head(), context, kind == Kind::Final ? AnswerLength::Unknown : AnswerLength::None);
  return std::string(out.view());
}

TEST(ForwardHead, TheRoutesFieldIsTheOnlyOneOnRequests) {
  for (const std::string& name : kOnRequests) {
    EXPECT_THAT(linesOf(requestHead({}), name), SizeIs(1)) << name;
    EXPECT_THAT(linesOf(requestHead({.set = {{name, "route"}}, .remove = {}}, name + ": theirs\r\n"), name),
                ElementsAre("route"))
        << name;
    EXPECT_THAT(linesOf(requestHead({.set = {}, .remove = {name}}, name + ": theirs\r\n"), name), IsEmpty()) << name;
  }
}

TEST(ForwardHead, TheRoutesFieldIsTheOnlyOneOnResponses) {
  for (const Kind kind : {Kind::Final, Kind::Switching}) {
    EXPECT_THAT(linesOf(responseHead(kind, {}), "X-Request-ID"), ElementsAre("ours"));
    EXPECT_THAT(linesOf(responseHead(kind, {}), "Via"), ElementsAre("1.1 inner, 1.1 gatewhy"));
    for (const std::string& name : kOnResponses) {
      EXPECT_THAT(linesOf(responseHead(kind, {.set = {{name, "route"}}, .remove = {}}), name), ElementsAre("route"))
          << name;
      EXPECT_THAT(linesOf(responseHead(kind, {.set = {}, .remove = {name}}), name), IsEmpty()) << name;
    }
  }
  EXPECT_THAT(linesOf(responseHead(Kind::Final, {}), "Proxy-Status"),
              ElementsAre("inner", "gatewhy; received-status=200"));
}

TEST(ForwardHead, AResponseWithoutDateGetsOne) {
  for (const Kind kind : {Kind::Final, Kind::Switching}) {
    EXPECT_THAT(linesOf(responseHead(kind, {}), "Date"), ElementsAre("now"));
    EXPECT_THAT(linesOf(responseHead(kind, {}, "date: then\r\n"), "Date"), ElementsAre("then"));
    EXPECT_THAT(linesOf(responseHead(kind, {.set = {{"DATE", "never"}}, .remove = {}}), "Date"), ElementsAre("never"));
    EXPECT_THAT(linesOf(responseHead(kind, {.set = {}, .remove = {"date"}}), "Date"), IsEmpty());
  }
}

TEST(ForwardHead, EditsOfOneFieldLeaveTheOthers) {
  const std::string head = responseHead(Kind::Final, {.set = {{"x-request-id", "route"}}, .remove = {"SERVER"}});
  EXPECT_THAT(linesOf(head, "X-Request-ID"), ElementsAre("route"));
  EXPECT_THAT(linesOf(head, "Server"), IsEmpty());
  EXPECT_THAT(linesOf(head, "Via"), ElementsAre("1.1 inner, 1.1 gatewhy"));
}

}  // namespace
}  // namespace gatewhy
