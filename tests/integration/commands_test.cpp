// SPDX-License-Identifier: Apache-2.0
// The commands that ask: route, why, report, top. As a person or a script
// calls them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/demo/script_peer.h"
#include "tests/support/command.h"
#include "tests/support/pki.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

CommandResult gatewhy(std::vector<std::string> arguments, const std::string& locale = "C.UTF-8") {
  arguments.insert(arguments.begin(), GATEWHY_BINARY);
  return runCommand(arguments, {{"LC_ALL", locale}, {"COLUMNS", "100"}});
}

// ---- route --------------------------------------------------------------

class RouteTest : public testing::Test {
 protected:
  CommandResult route(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "route");
    arguments.insert(arguments.end(), {"-c", config_});
    return gatewhy(std::move(arguments));
  }
  json asked(std::vector<std::string> arguments, int status = 0) const {
    arguments.emplace_back("--json");
    const CommandResult result = route(std::move(arguments));
    EXPECT_EQ(result.status, status) << result.errors;
    return json::parse(result.output, nullptr, false);
  }

  PemDirectory directory_;
  // Certificate files that are not there: routing does not need them.
  std::string config_ = directory_.write("gatewhy.yaml", R"(listeners:
  - address: "127.0.0.1:8080"
  - address: "127.0.0.1:8443"
    tls: {certificates: [{certificate: /nowhere/site.pem, key: /nowhere/site.key}]}
origins:
  shop:
    endpoints: [{url: "http://10.0.0.7:8080", weight: 2}, {url: "https://shop-1.internal", backup: true}]
  rest:
    endpoints: [http://10.0.0.8]
routes:
  - host: closed.example
    respond: {status: 410}
  - host: "*.shop.example"
    path: /api/
    origin: shop
    strip_prefix: true
    preserve_host: false
    request_headers: {set: {X-Env: prod}, remove: [X-Debug]}
    methods: [GET, POST]
  - host: "*.shop.example"
    path: /api/v2/
    origin: rest
  - path: /any/
    origin: rest
    clients: {deny: [192.0.2.0/24]}
  - host: moved.example
    respond: {status: 308, retry_after: 5s}
    response_headers: {set: {Location: "https://new.example/", X-Request-ID: none}, remove: [Cache-Control]}
  - host: chat.example
    respond: {status: 426, upgrade: websocket}
  - host: silent.example
    respond: {status: 444}
)");
};

TEST_F(RouteTest, SaysWhichAndWhyNotTheOthers) {
  const CommandResult result =
      route({"GET", "http://a.shop.example/api/v2/cart?id=7", "--header", "X-Debug: 1", "--header", "X-Kept: 2"});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, ContainsRegex("closed.example +host differs: 'a.shop.example' is not"));
  EXPECT_THAT(result.output, ContainsRegex("\\*.shop.example/api/ +taken"));
  EXPECT_THAT(result.output, ContainsRegex("\\*.shop.example/api/v2/ +would match, but an earlier one is taken"));
  EXPECT_THAT(result.output, ContainsRegex("\\*/any/ +path differs: '/api/v2/cart' is not below '/any/'"));
  EXPECT_THAT(result.output, AllOf(HasSubstr("GET /v2/cart?id=7 HTTP/1.1"), HasSubstr("Host: 10.0.0.7:8080"),
                                   HasSubstr("X-Env: prod"), HasSubstr("X-Kept: 2"), Not(HasSubstr("X-Debug"))));
  EXPECT_THAT(result.output, AllOf(HasSubstr("weight 2"), HasSubstr("backup")));
  EXPECT_THAT(result.output, HasSubstr("127.0.0.1:8443 (https)  no: speaks TLS, the URL is http"));
}

TEST_F(RouteTest, ForPrograms) {
  const json plan = asked({"GET", "https://b.a.shop.example:8443/api/x"});
  EXPECT_EQ(plan["route"], "*.shop.example/api/");
  EXPECT_EQ(plan["origin"], "shop");
  EXPECT_EQ(plan["endpoints"].size(), 2U);
  EXPECT_EQ(plan["listeners"][0]["takes"], false);
  EXPECT_EQ(plan["listeners"][1]["takes"], true);
  EXPECT_EQ(plan["routes"][1]["taken"], true);
  EXPECT_EQ(plan["routes"][2]["fits"], false);
}

TEST_F(RouteTest, NoRouteIsStatusOne) {
  const json plan = asked({"GET", "http://shop.example/api/"}, 1);
  EXPECT_EQ(plan["refusal"]["cause"], "no_route");
  EXPECT_FALSE(plan.contains("route"));
}

TEST_F(RouteTest, FixedAnswersAndRefusalsOfThisHop) {
  EXPECT_EQ(asked({"GET", "http://closed.example/"})["respond"]["status"], 410);
  const json refusal = asked({"DELETE", "http://a.shop.example/api/"})["refusal"];
  EXPECT_EQ(refusal["status"], 405);
  EXPECT_EQ(refusal["allow"], "GET, POST");
  EXPECT_THAT(route({"DELETE", "http://a.shop.example/api/"}).output, HasSubstr("Allow: GET, POST"));
  EXPECT_EQ(asked({"GET", "http://x/any/", "--client", "192.0.2.7"})["refusal"]["cause"], "request_denied");
  EXPECT_FALSE(asked({"GET", "http://x/any/", "--client", "198.51.100.7"}).contains("refusal"));
}

TEST_F(RouteTest, AFixedAnswerIsShownAsTheClientGetsIt) {
  const json moved = asked({"GET", "http://moved.example/"})["respond"];
  EXPECT_EQ(moved["status"], 308);
  const json& fields = moved["fields"];
  EXPECT_EQ(fields["Location"], "https://new.example/");
  EXPECT_EQ(fields["X-Request-ID"], "none") << "the route's own is told as it is";
  EXPECT_EQ(fields["Date"], "<now>");
  EXPECT_FALSE(fields.contains("Cache-Control"));
  EXPECT_GT(moved["body_bytes"], 0U);
  EXPECT_EQ(fields["Content-Length"], std::to_string(moved["body_bytes"].get<unsigned>()));
  EXPECT_EQ(asked({"HEAD", "http://moved.example/"})["respond"]["body_bytes"], 0U);
  const json chat = asked({"GET", "http://chat.example/"})["respond"]["fields"];
  EXPECT_EQ(chat["Upgrade"], "websocket");
  EXPECT_EQ(chat["X-Request-ID"], "<new>");
  EXPECT_EQ(asked({"GET", "http://silent.example/"})["respond"], json({{"status", 444}})) << "nothing is sent";
  EXPECT_THAT(route({"GET", "http://moved.example/"}).output,
              AllOf(HasSubstr("HTTP/1.1 308 Permanent Redirect"), HasSubstr("Location: https://new.example/"),
                    ContainsRegex("a body of [1-9][0-9]* bytes")));
}

// What the other keys of a site make of a request.
class RouteOfSiteTest : public RouteTest {
 protected:
  RouteOfSiteTest() {
    directory_.write("404.html", "<h1>{status}</h1>");
    directory_.write("closed.html", "<h1>closed, says {host}</h1>");
    config_ = directory_.write("site.yaml", R"(listeners:
  - {address: "127.0.0.1:80", redirect_to_https: true}
  - address: "127.0.0.1:443"
    tls: {certificates: [{certificate: /nowhere/site.pem, key: /nowhere/site.key}]}
origins:
  shop: {endpoints: [http://10.0.0.7]}
  canary: {endpoints: [http://10.0.0.8]}
routes:
  - {path: /closed, respond: {status: 503, page: closed}}
  - {path: /missing, respond: {status: 410, page: missing}}
  - {path: /weighted, origins: {shop: 95, canary: 0}}
  - {path: /login, origin: shop, auth: {forward: {url: "http://10.0.0.9:9000/verify", response_headers: [X-User]}}}
diagnostics: {pages: {directory: .}}
)");
  }
};

TEST_F(RouteOfSiteTest, ListenersRedirect) {
  const json plan = asked({"GET", "http://shop.example/weighted?a=b"});
  EXPECT_EQ(plan["respond"]["fields"]["Location"], "https://shop.example/weighted?a=b");
  EXPECT_EQ(plan["routes"][2]["why_not"], "would match, but the listener redirects to https");
  EXPECT_EQ(plan["listeners"][0]["redirects_to_https"], true);
  EXPECT_FALSE(asked({"GET", "https://shop.example/weighted"}).contains("respond"));
  EXPECT_THAT(route({"GET", "http://shop.example/weighted"}).output,
              AllOf(HasSubstr("127.0.0.1:80 (http, redirects to https)"), HasSubstr("308")));
}

TEST_F(RouteOfSiteTest, OwnPagesAreShown) {
  const std::vector<std::string> html{"--header", "Accept: text/html"};
  const json closed = asked({"GET", "https://shop.example/closed", html[0], html[1]});
  EXPECT_THAT(closed["page"].get<std::string>(), HasSubstr("/closed.html"));
  EXPECT_EQ(closed["respond"]["fields"]["Content-Type"], "text/html; charset=utf-8");
  EXPECT_EQ(closed["respond"]["body_bytes"], std::string_view("<h1>closed, says shop.example</h1>").size());
  EXPECT_THAT(asked({"GET", "https://shop.example/none"}, 1)["page"].get<std::string>(), HasSubstr("/404.html"));
  EXPECT_THAT(route({"GET", "https://shop.example/none"}).output,
              HasSubstr("/404.html, for clients that ask for HTML"));
  const CommandResult missing = route({"GET", "https://shop.example/missing"});
  EXPECT_EQ(missing.status, 0) << "on another machine";
  EXPECT_THAT(missing.errors, HasSubstr("warning: there is no 'missing.html'"));
}

TEST_F(RouteOfSiteTest, WeightsAndLoginsForPrograms) {
  const json weighted = asked({"GET", "https://shop.example/weighted"});
  EXPECT_EQ(weighted["origin"], "shop");
  EXPECT_EQ(weighted["origins"], json::parse(R"([{"name":"shop","weight":95},{"name":"canary","weight":0}])"));
  const json login = asked({"GET", "https://shop.example/login", "--header", "X-User: admin"});
  EXPECT_EQ(login["login"]["forward"]["url"], "http://10.0.0.9:9000/verify");
  EXPECT_EQ(login["login"]["forward"]["origin"], "http://10.0.0.9:9000");
  EXPECT_THAT(login["forwarded_head"].get<std::string>(),
              AllOf(HasSubstr("X-User: <of the login service>\r\n"), Not(HasSubstr("admin"))));
  EXPECT_THAT(route({"GET", "https://shop.example/login"}).output, HasSubstr("asks http://10.0.0.9:9000/verify"));
}

TEST_F(RouteTest, WrongUsageAndWrongFiles) {
  EXPECT_EQ(route({"GET", "shop.example"}).status, 64);
  EXPECT_EQ(route({"GET", "http://x/", "--client", "home"}).status, 64);
  EXPECT_EQ(route({"G T", "http://x/"}).status, 64);
  const CommandResult broken =
      gatewhy({"route", "GET", "http://x/", "-c", directory_.write("broken.yaml", "listeners: [{adress: x}]\n")});
  EXPECT_EQ(broken.status, 78);
  EXPECT_THAT(broken.errors, HasSubstr("broken.yaml:1:"));
  EXPECT_EQ(gatewhy({"route", "GET", "http://x/", "-c", directory_.path() + "/none.yaml"}).status, 78);
}

// ---- why ----------------------------------------------------------------

const std::string kFailure =
    R"({"timestamp":"2026-01-01T12:00:00.5Z","severity":"ERROR","event":"exchange","request_id":"abc-1",)"
    R"("http":{"request":{"method":"GET"},"response":{"status_code":502}},"url":{"path":"/cart","scheme":"http"},)"
    R"("server":{"address":"shop.example"},"generated_by":"proxy","outcome":"failure","origin":"shop","attempts":2,)"
    R"("tries":[{"endpoint":"http://a:1","peer":{"address":"192.0.2.1:1"},"connection_reused":false,)"
    R"("timings":{"connect":1.5},"diagnosis":{"cause":"connection_refused","phase":"connect","summary":"Nobody listens."}},)"
    R"({"endpoint":"http://b:1","peer":{"protocol":{"version":"1.1"}},"connection_reused":true,"timings":{"send":0.5,"wait":40}}],)"
    R"("diagnosis":{"cause":"empty_response","phase":"response_head","blame":"origin","status":520,"summary":"It \u001b[31mclosed.",)"
    R"("evidence":{"end":"fin","later":[{"what":"a late reset","at_ms":50}]}}})";

TEST(WhyTest, TellsTheStoryOutOfALog) {
  const PemDirectory directory;
  const std::string success =
      R"({"timestamp":"2026-01-01T12:00:00Z","event":"exchange","request_id":"abc-2","outcome":"success","attempts":1})";
  const std::string log = directory.write("events.log", "no event abc-1\n" + success + "\n" + kFailure + "\n");
  const CommandResult result = gatewhy({"why", "abc-1", "--log", log});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("GET http://shop.example/cart"), HasSubstr("Try 1 of 2"),
                                   HasSubstr("connection_refused"), HasSubstr("Nobody listens."),
                                   HasSubstr("Try 2 of 2"), HasSubstr("on a kept connection, by HTTP/1.1"),
                                   HasSubstr("empty_response"), HasSubstr("should act"), HasSubstr("check first"),
                                   HasSubstr("Seen later"), HasSubstr("a late reset")));
  EXPECT_THAT(result.output, AllOf(HasSubstr("█"), Not(HasSubstr("\x1b")))) << "what the origin says stays text";
  const CommandResult plain = gatewhy({"why", "abc-1", "--log", log}, "C");
  EXPECT_THAT(plain.output, AllOf(HasSubstr("###"), Not(HasSubstr("█"))));
  EXPECT_THAT(gatewhy({"why", "abc-2", "--log", log}).output, HasSubstr("success"));
  EXPECT_EQ(json::parse(gatewhy({"why", "abc-1", "--log", log, "--json"}).output), json::parse(kFailure));
}

// Whatever a log holds beside the line that is asked for, and in it.
TEST(WhyTest, SurvivesAnyLine) {
  const PemDirectory directory;
  const std::string good =
      R"({"event":"exchange","request_id":"wanted","url":{"path":"/\u202egnp.exe"},"outcome":"failure",)"
      R"("diagnosis":{"cause":"connection_refused","evidence":{"detail":"\u2066x"}}})";
  const std::string deep(200000, '[');
  const std::string deep_object = [] {
    std::string text = R"({"event":"exchange","request_id":"wanted","diagnosis":{"evidence":)";
    for (int i = 0; i < 200000; ++i) {
      text += "{\"a\":";
    }
    return text + "1" + std::string(200000, '}') + "}}";
  }();
  const std::string log = directory.write(
      "events.json", good + "\n" + "wanted \xFF\xFE\n" + R"({"event":"exchange","request_id":"wanted","x":")" +
                         "\xC0\xAF\"}\n" + "[\"wanted\"," + deep + "\n" + deep_object + "\n" + "wanted" +
                         std::string(5UL << 20U, 'x') + "\n{\"request_id\":\"wanted\"");
  const CommandResult told = gatewhy({"why", "wanted", "--log", log});
  EXPECT_EQ(told.status, 0) << told.errors;
  EXPECT_THAT(told.output, HasSubstr("/\\u{202E}gnp.exe"));
  EXPECT_THAT(told.output, HasSubstr("\\u{2066}x"));
  EXPECT_EQ(gatewhy({"why", "wanted", "--json", "--log", log}).status, 0);
  EXPECT_EQ(gatewhy({"report", log}).status, 0);
  EXPECT_EQ(gatewhy({"report", "--json", log}).status, 0);
}

TEST(WhyTest, NotFoundIsStatusOne) {
  const PemDirectory directory;
  const std::string log = directory.write("events.log", kFailure + "\n");
  const CommandResult result = gatewhy({"why", "abc", "--log", log});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.errors, HasSubstr("request id 'abc' not found in the log"));
  EXPECT_EQ(gatewhy({"why", "abc-1", "--log", directory.path() + "/none.log"}).status, 1);
}

std::string failureOf(const std::string& id, const std::string& cause) {
  return fmt::format(R"({{"timestamp":"2026-01-01T12:00:00Z","event":"exchange","request_id":"{}","outcome":"failure",)"
                     R"("attempts":1,"http":{{"request":{{"method":"GET"}}}},"url":{{"path":"/p"}},)"
                     R"("diagnosis":{{"cause":"{}","phase":"connect","summary":"S.","evidence":{{}}}}}})",
                     id, cause);
}

TEST(WhyTest, TheBeginningOfAnIdIsEnough) {
  const PemDirectory directory;
  const std::string log = directory.write("events.log", failureOf("4f3a9c01", "connection_refused") + "\n" +
                                                            failureOf("4f3a77aa", "dns_nxdomain") + "\n" +
                                                            failureOf("99aabb00", "response_timeout") + "\n");
  EXPECT_THAT(gatewhy({"why", "4f3a9", "--log", log}).output, HasSubstr("connection_refused"));
  EXPECT_THAT(gatewhy({"why", "99aa", "--log", log}).output, HasSubstr("response_timeout"));
  const CommandResult both = gatewhy({"why", "4f3a", "--log", log});
  EXPECT_EQ(both.status, 1);
  EXPECT_THAT(both.errors,
              AllOf(HasSubstr("2 request ids begin with '4f3a':"),
                    HasSubstr("  4f3a77aa  2026-01-01T12:00:00Z  - dns_nxdomain GET /p"), HasSubstr("  4f3a9c01  ")));
  EXPECT_THAT(gatewhy({"why", "4f3", "--log", log}).errors, HasSubstr("request id '4f3' not found")) << "too short";
}

// ---- the running daemon -------------------------------------------------

Script answering(const std::string& body, const std::string& head = "HTTP/1.1 200 OK") {
  Step send;
  send.kind = StepKind::Send;
  send.text =
      fmt::format("{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", head, body.size(), body);
  return {send};
}

std::unique_ptr<ScriptPeer> adminPeer(std::map<std::string, Script> by_path) {
  ScriptPeerOptions options;
  options.scripts = {parseScript("by_path").value()};
  options.by_path = std::move(by_path);
  auto peer = ScriptPeer::start(std::move(options));
  EXPECT_TRUE(peer) << peer.error();
  return peer ? std::move(peer).value() : nullptr;
}

TEST(WhyTest, AsksTheRunningDaemon) {
  const auto peer = adminPeer({{"/api/v1/events", answering(R"({"events":[)" + kFailure + "]}")}});
  const std::string address = peer->address().text();
  const CommandResult result = gatewhy({"why", "abc-1", "--admin", address});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("empty_response"));
  EXPECT_EQ(gatewhy({"why", "a b&c", "--admin", "http://" + address + "/"}).status, 1);
  const auto records = peer->records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0].received, HasSubstr("GET /api/v1/events?request_id_prefix=abc-1 HTTP/1.1"));
  EXPECT_THAT(records[1].received, HasSubstr("?request_id_prefix=a%20b%26c "));
}

TEST(WhyTest, TheLastFailureNeedsNoId) {
  const PemDirectory directory;
  const std::string log = directory.write(
      "events.log", failureOf("aaaa1111", "connection_refused") + "\n" + failureOf("bbbb2222", "dns_nxdomain") + "\n" +
                        R"({"event":"exchange","request_id":"cccc3333","outcome":"success"})" + "\n");
  EXPECT_THAT(gatewhy({"why", "--last", "--log", log}).output, HasSubstr("bbbb2222"));
  EXPECT_THAT(gatewhy({"why", "--last", "connection_refused", "--log", log}).output, HasSubstr("aaaa1111"));
  EXPECT_THAT(gatewhy({"why", "--last", "no_route", "--log", log}).errors,
              HasSubstr("no failure with the cause 'no_route' in the log"));
  EXPECT_THAT(gatewhy({"why", "--last", "conection_refused", "--log", log}).errors,
              HasSubstr("did you mean 'connection_refused'?"));
  EXPECT_EQ(gatewhy({"why"}).status, 64);
  const auto peer = adminPeer({{"/api/v1/events", answering(R"({"events":[)" + kFailure + "]}")}});
  EXPECT_EQ(gatewhy({"why", "--last", "--admin", peer->address().text()}).status, 0);
  EXPECT_THAT(peer->records().front().received, HasSubstr("GET /api/v1/events?limit=1 "));
}

TEST(WhyTest, AdminAddressFromTheConfiguration) {
  const PemDirectory directory;
  const auto peer = adminPeer({{"/api/v1/events", answering(R"({"events":[)" + kFailure + "]}")}});
  const std::string config = directory.write("gatewhy.yaml",
                                             "listeners: [{address: \"127.0.0.1:8080\"}]\n"
                                             "origins: {o: {endpoints: [http://127.0.0.1:9]}}\nadmin: {address: \"" +
                                                 peer->address().text() + "\"}\n");
  EXPECT_EQ(gatewhy({"why", "abc-1", "-c", config}).status, 0);
}

TEST(WhyTest, SaysWhyTheDaemonCouldNotBeAsked) {
  ScriptPeerOptions options;
  options.listens = false;
  options.scripts = {Script{}};
  auto closed = ScriptPeer::start(std::move(options));
  ASSERT_TRUE(closed);
  const CommandResult refused = gatewhy({"why", "x", "--admin", (*closed)->address().text()});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("Connection refused; is gatewhy running"));
  const auto peer = adminPeer({{"/api", answering(R"({"detail":"no such page"})", "HTTP/1.1 404 Not Found")}});
  EXPECT_THAT(gatewhy({"why", "x", "--admin", peer->address().text()}).errors, HasSubstr("answers 404"));
  EXPECT_THAT(gatewhy({"why", "x", "--admin", "nowhere"}).errors, HasSubstr("is not an admin address"));
}

// ---- top ----------------------------------------------------------------

std::map<std::string, Script> daemonPages() {
  return {
      {"/api/v1/status", answering(R"({"version":"9.9","now":"2026-01-01T12:00:00Z","started":"2026-01-01T10:00:00Z",)"
                                   R"("readiness":"ready","client_connections":14,"exchanges_in_flight":2,)"
                                   R"("config":{"last_reload_successful":false},"log":{"dropped":3}})")},
      {"/api/v1/origins",
       answering(R"({"origins":[{"name":"shop","exchanges":1042,"failures":17,"causes":{"connection_refused":12},)"
                 R"("latency_ms":{"exchange":{"p50":4.1,"p99":88},"wait":{"p99":80}},"waiting":1,"endpoints":[)"
                 R"({"url":"http://shop-1:80","state":"ejected","ejected_for_ms":8300,"cause":"connection_refused",)"
                 R"("connections":{"in_use":3,"idle":9}}]}],"without_origin":{"causes":{"no_route":2}}})")},
      {"/api/v1/history",
       answering(R"({"step_s":30,"origins":[{"name":"shop","causes":{"connection_refused":[0,0,3,9]}}]})")},
      {"/api/v1/events", answering(R"({"events":[)" + kFailure + "]}")},
  };
}

TEST(TopTest, OnePictureWhereOutputIsNoTerminal) {
  const auto peer = adminPeer(daemonPages());
  const CommandResult result = gatewhy({"top", "--admin", peer->address().text()});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("gatewhy 9.9  ready"), HasSubstr("14 clients"), HasSubstr("2.0 h"),
                                   HasSubstr("3 log lines dropped"), HasSubstr("last reload refused")));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("shop"), HasSubstr("4.10 ms"), HasSubstr("88.0 ms"), HasSubstr("wait 80.0 ms"),
                    HasSubstr("ejected, back in 8.30 s after connection_refused"), HasSubstr("no_route"),
                    HasSubstr("abc-1"), HasSubstr("12:00:00")));
  EXPECT_THAT(result.output, Not(HasSubstr("\x1b")));
}

// A flood of one failure leaves room for the others: the daemon is asked for
// the last of each kind, and the last hour says how many there were.
TEST(TopTest, ShowsTheLastFailureOfEachKind) {
  const auto event = [](const char* id, const char* origin, const char* cause) {
    return fmt::format(R"({{"request_id":"{}","origin":"{}","diagnosis":{{"cause":"{}"}}}})", id, origin, cause);
  };
  auto pages = daemonPages();
  pages["/api/v1/history"] =
      answering(R"({"origins":[{"name":"shop","causes":{"connection_refused":[9000,3,9],"reset":[4]}},)"
                R"({"name":"","causes":{"no_route":[1,1]}}]})");
  pages["/api/v1/events"] =
      answering(R"({"events":[)" + event("old", "shop", "reset") + "," + event("lost", "", "no_route") + "," +
                event("new", "shop", "connection_refused") + "]}");
  const auto peer = adminPeer(std::move(pages));
  const CommandResult result = gatewhy({"top", "--admin", peer->address().text()});
  EXPECT_THAT(
      result.output,
      ContainsRegex("9 012x connection_refused at shop new .*\n.* 2x no_route lost .*\n.* 4x reset at shop old "));
  bool asked = false;
  for (const auto& record : peer->records()) {
    asked = asked || record.received.find("GET /api/v1/events?limit=10&of_each=1 ") != std::string::npos;
  }
  EXPECT_TRUE(asked);
}

TEST(TopTest, NoDaemonIsStatusOne) {
  ScriptPeerOptions options;
  options.listens = false;
  options.scripts = {Script{}};
  auto closed = ScriptPeer::start(std::move(options));
  ASSERT_TRUE(closed);
  EXPECT_EQ(gatewhy({"top", "--once", "--admin", (*closed)->address().text()}).status, 1);
}

// On a terminal: takes the screen, and gives it back on q and on a signal.
class TerminalTop {
 public:
  explicit TerminalTop(const std::string& admin) {
    winsize size{.ws_row = 30, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("LC_ALL", "C.UTF-8", 1);
      ::setenv("TERM", "xterm", 1);
      ::unsetenv("COLUMNS");
      ::execl(GATEWHY_BINARY, GATEWHY_BINARY, "top", "--admin", admin.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~TerminalTop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(terminal_);
  }
  TerminalTop(const TerminalTop&) = delete;
  TerminalTop& operator=(const TerminalTop&) = delete;

  bool awaitText(const std::string& text) {
    while (output_.find(text) == std::string::npos) {
      if (!readSome()) {
        return false;
      }
    }
    return true;
  }
  void type(const std::string& keys) const {
    ASSERT_EQ(::write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void signal(int number) const { ::kill(pid_, number); }
  // The exit status; everything it wrote is in output().
  int wait() {
    while (readSome()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  bool readSome() {
    char buffer[4096];
    const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
    if (got > 0) {
      output_.append(buffer, static_cast<std::size_t>(got));
    }
    return got > 0;
  }
  int terminal_ = -1;
  pid_t pid_ = -1;
  std::string output_;
};

TEST(TopTest, TakesTheScreenAndGivesItBack) {
  const auto peer = adminPeer(daemonPages());
  for (const bool by_key : {true, false}) {
    TerminalTop top(peer->address().text());
    ASSERT_TRUE(top.awaitText("q quits")) << top.output();
    EXPECT_THAT(top.output(), AllOf(HasSubstr("\x1b[?1049h"), HasSubstr("\x1b[?25l"), HasSubstr("shop")));
    if (by_key) {
      top.type("q");
    } else {
      top.signal(SIGTERM);
    }
    EXPECT_EQ(top.wait(), 0);
    EXPECT_THAT(top.output(), testing::EndsWith("\x1b[?25h\x1b[?1049l"));
  }
}

// ---- report -------------------------------------------------------------

TEST(ReportCommandTest, ReadsFilesAndWritesThreeForms) {
  const PemDirectory directory;
  const std::string log = directory.write("events.log", kFailure + "\nbad line\n" + kFailure.substr(0, 100));
  const std::string page = directory.path() + "/report.html";
  const CommandResult text = gatewhy({"report", log, log});
  EXPECT_EQ(text.status, 0) << text.errors;
  EXPECT_THAT(text.output, AllOf(HasSubstr("empty_response"), HasSubstr("skipped 2 lines that are not events"),
                                 HasSubstr(log + ":2"), HasSubstr("the last line is incomplete"), HasSubstr("abc-1")));
  const CommandResult both = gatewhy({"report", log, "--html", page, "--json"});
  EXPECT_EQ(both.status, 0);
  const json sums = json::parse(both.output);
  EXPECT_EQ(sums["failures"], 1);
  EXPECT_EQ(sums["retried"], 1);
  EXPECT_EQ(sums["read"]["bad_lines"], 1);
  std::ifstream file(page);
  const std::string html((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(html, AllOf(HasSubstr("<!doctype html>"), HasSubstr("empty_response"), HasSubstr("</html>")));
}

TEST(ReportCommandTest, ReadsStandardInput) {
  const PemDirectory directory;
  const std::string log = directory.write("events.log", kFailure + "\n");
  const std::string command = std::string(GATEWHY_BINARY) + " report --json < " + log;
  const CommandResult result = runCommand({"/bin/sh", "-c", command});
  EXPECT_EQ(json::parse(result.output)["failures"], 1) << result.errors;
}

TEST(ReportCommandTest, SaysWhatItCouldNotRead) {
  const PemDirectory directory;
  const std::string log = directory.write("events.log", kFailure + "\n");
  const CommandResult result = gatewhy({"report", directory.path() + "/none.log", log});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.errors, HasSubstr("none.log: No such file"));
  EXPECT_THAT(result.output, HasSubstr("empty_response")) << "the rest is reported all the same";
  EXPECT_EQ(gatewhy({"report", log, "--since", "soon"}).status, 64);
  EXPECT_EQ(gatewhy({"report", log, "--html", directory.path() + "/no/where.html"}).status, 1);
}

}  // namespace
}  // namespace gatewhy::test
