// SPDX-License-Identifier: Apache-2.0
// auth.forward: what is read, what is refused, and by whose settings a login
// service is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/check.h"
#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string withForward(const std::string& forward, const std::string& more = "") {
  return testing::withBase("routes:\n  - {origin: shop, auth: {forward: {" + forward + "}}" + more + "}\n");
}

TEST(ForwardAuthKeys, AreRead) {
  const LoadedConfig loaded = testing::load(withForward(
      "url: \"https://Login.internal/verify?for=shop\", request_headers: [Cookie], response_headers: [X-User]"));
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const RouteConfig& route = loaded.config->routes.front();
  ASSERT_TRUE(route.forward_auth);
  const ForwardAuthConfig& auth = *route.forward_auth;
  EXPECT_EQ(auth.endpoint.scheme, EndpointScheme::Https);
  EXPECT_EQ(auth.endpoint.host, "login.internal");
  EXPECT_EQ(auth.endpoint.port, 443);
  EXPECT_EQ(auth.target, "/verify?for=shop");
  EXPECT_THAT(auth.request_headers, ElementsAre("Cookie"));
  EXPECT_THAT(auth.response_headers, ElementsAre("X-User"));
  EXPECT_THAT(route.request_headers.remove, ElementsAre("X-User")) << "a client's own must not pass";
}

TEST(ForwardAuthKeys, HaveDefaults) {
  const LoadedConfig loaded = testing::load(withForward("url: \"http://127.0.0.1:9000?a\""));
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const ForwardAuthConfig& auth = *loaded.config->routes.front().forward_auth;
  EXPECT_EQ(auth.target, "/?a");
  EXPECT_THAT(auth.request_headers, ElementsAre("Accept", "Authorization", "Cookie"));
  EXPECT_THAT(auth.response_headers, IsEmpty());
}

TEST(ForwardAuthKeys, WhatIsWrong) {
  const auto problems = [](const std::string& forward) { return testing::problems(withForward(forward)); };
  EXPECT_THAT(problems(""), ElementsAre(HasSubstr("t.yaml:7:36: error: missing required key 'url'")));
  EXPECT_THAT(
      problems("url: login.internal"),
      ElementsAre(HasSubstr(
          "t.yaml:7:42: error: 'auth.forward.url': 'login.internal' is not a URL; write http://HOST:PORT/PATH")));
  EXPECT_THAT(problems("url: \"unix:/run/login.sock\""),
              ElementsAre(HasSubstr("write http://HOST:PORT/PATH or https://")));
  EXPECT_THAT(problems("url: \"http://a:b@login/\""), ElementsAre(HasSubstr("user names and passwords")));
  EXPECT_THAT(problems("url: \"http://login/a b\""), ElementsAre(HasSubstr("percent-encoded")));
  EXPECT_THAT(problems("url: \"http://login/a#b\""), ElementsAre(HasSubstr("never sent to a server")));
  EXPECT_THAT(problems("url: \"http://login:0/\""), ElementsAre(HasSubstr("'0' is not a port")));
  EXPECT_THAT(problems("url: \"http://login\", response_headers: [Content-Length]"),
              ElementsAre(HasSubstr("t.yaml:7:77: error:")));
  EXPECT_THAT(problems("url: \"http://login\", request_headers: [Cookie, cookie]"),
              ElementsAre(HasSubstr("'cookie' is listed twice")));
  EXPECT_THAT(testing::problems(testing::withBase(
                  "routes:\n  - {origin: shop, auth: {basic: {users_file: u}, forward: {url: \"http://login\"}}}\n")),
              ElementsAre(HasSubstr("t.yaml:7:60: error: 'basic' and 'forward' exclude each other")));
}

// The rules that look at a file's parts together.
std::vector<std::string> checked(const std::string& yaml) {
  const LoadedConfig loaded = testing::load(yaml);
  std::vector<ConfigProblem> problems;
  const std::vector<std::string> files{"t.yaml"};
  const SourceMap sources;
  const BrokenParts broken;
  CheckReport report(files, sources, broken, problems);
  checkLogins(*loaded.config, report);
  std::vector<std::string> out;
  for (const ConfigProblem& problem : problems) {
    out.push_back(problem.message);
  }
  return out;
}

TEST(ForwardAuthKeys, WhatTheLoginServiceSaysIsNotTheClients) {
  const std::string forward = "url: \"http://login\", response_headers: [X-User]";
  EXPECT_THAT(checked(withForward(forward, ", request_headers: {set: {X-Env: \"{host}\"}}")), IsEmpty());
  EXPECT_THAT(checked(withForward(forward, ", request_headers: {set: {x-user: nobody}}")),
              ElementsAre(HasSubstr("'x-user' is set here and by the login service")));
  EXPECT_THAT(checked(withForward(forward, ", request_headers: {set: {X-Who: \"{header.x-user}\"}}")),
              ElementsAre(HasSubstr("{header.x-user} is what the client sent")));
}

TEST(ForwardAuthOrigin, IsTheOneThatHasItsPlace) {
  const LoadedConfig loaded = testing::load(withForward("url: \"http://10.0.0.7:8080/verify\""));
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->origins.size(), 1U);
  EXPECT_EQ(loaded.config->routes.front().forward_auth->origin, 0U);
}

TEST(ForwardAuthOrigin, HasElseTheDefaultsAndIsShared) {
  const LoadedConfig loaded = testing::load(
      "listeners: [{address: \"127.0.0.1:0\"}]\n"
      "defaults: {origin: {timeouts: {connect: 2s}, keep_alive: {idle: 3}}}\n"
      "origins: {shop: {endpoints: [\"http://10.0.0.7\"], timeouts: {connect: 9s}}}\n"
      "routes:\n"
      "  - {path: /a, origin: shop, auth: {forward: {url: \"http://login:9000/a\"}}}\n"
      "  - {path: /b, origin: shop, auth: {forward: {url: \"http://LOGIN:9000/b\"}}}\n"
      "  - {origin: shop, auth: {forward: {url: \"https://login:9000/a\"}}}\n");
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const auto& origins = loaded.config->origins;
  ASSERT_EQ(origins.size(), 3U);
  EXPECT_TRUE(origins[1].implied);
  EXPECT_EQ(origins[1].name, "http://login:9000");
  EXPECT_EQ(origins[1].timeouts.connect, Millis{2000});
  EXPECT_EQ(origins[1].keep_alive.idle, 3U);
  EXPECT_EQ(origins[2].name, "https://login:9000");
  EXPECT_EQ(loaded.config->routes[0].forward_auth->origin, 1U);
  EXPECT_EQ(loaded.config->routes[1].forward_auth->origin, 1U);
  EXPECT_EQ(loaded.config->routes[2].forward_auth->origin, 2U);
}

TEST(ForwardAuthOrigin, AMistakeInADefaultIsToldOnce) {
  EXPECT_THAT(testing::problems("listeners: [{address: \"127.0.0.1:0\"}]\n"
                                "defaults: {origin: {timeouts: {connect: soon}}}\n"
                                "origins: {shop: {endpoints: [\"http://10.0.0.7\"]}}\n"
                                "routes: [{origin: shop, auth: {forward: {url: \"http://login\"}}}]\n"),
              ElementsAre(HasSubstr("t.yaml:2:41: error: 'timeouts.connect'")));
}

}  // namespace
}  // namespace gatewhy
