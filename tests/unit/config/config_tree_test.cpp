// SPDX-License-Identifier: Apache-2.0
// include and defaults, through the loader.
#include "config/config_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/load.h"

namespace gatewhy {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class ConfigTreeTest : public ::testing::Test {
 protected:
  ConfigTreeTest() {
    std::string made = (std::filesystem::temp_directory_path() / "config_tree_XXXXXX").string();
    directory_ = ::mkdtemp(made.data());
    std::filesystem::create_directory(directory_ / "conf.d");
  }
  ~ConfigTreeTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(directory_ / name) << text; }
  [[nodiscard]] LoadedConfig load() const { return loadConfigFile((directory_ / "main.yaml").string()); }
  static std::vector<std::string> linesOf(const LoadedConfig& loaded) {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : loaded.problems) {
      lines.push_back(format(problem));
    }
    return lines;
  }

  std::filesystem::path directory_;
};

const std::string kMain = "listeners: [{address: \"127.0.0.1:0\"}]\n";

TEST_F(ConfigTreeTest, IncludedFilesComeBehindInNameOrder) {
  write("main.yaml", kMain +
                         "include: [\"conf.d/*.yaml\"]\norigins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n"
                         "routes: [{host: first.example, origin: a}]\n");
  write("conf.d/20.yaml", "routes: [{host: third.example, origin: b}]\n");
  write("conf.d/10.yaml",
        "origins: {b: {endpoints: [\"http://127.0.0.1:2\"]}}\nroutes: [{host: b.example, origin: b}]\n");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(linesOf(loaded));
  ASSERT_EQ(loaded.config->routes.size(), 3U);
  EXPECT_EQ(loaded.config->routes[0].host, "first.example");
  EXPECT_EQ(loaded.config->routes[1].host, "b.example");
  EXPECT_EQ(loaded.config->routes[2].host, "third.example");
}

// The routes in there may be the ones that refuse. (A link to itself stands for
// a directory without permission, which root would read.)
TEST_F(ConfigTreeTest, ADirectoryThatCannotBeReadIsAnError) {
  std::filesystem::create_directory_symlink(directory_ / "loop", directory_ / "loop");
  write("main.yaml", kMain +
                         "include: [\"loop/*.yaml\", \"none/*.yaml\"]\n"
                         "origins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n");
  const LoadedConfig loaded = load();
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(linesOf(loaded), Contains(AllOf(HasSubstr("main.yaml:2:11: error: the directory '"),
                                              HasSubstr("/loop' cannot be read: Too many levels of symbolic links"))));
  EXPECT_THAT(linesOf(loaded), ::testing::Not(Contains(HasSubstr("none"))));
}

TEST_F(ConfigTreeTest, AProblemNamesItsOwnFile) {
  write("main.yaml", kMain +
                         "include: [conf.d/a.yaml, conf.d/none.yaml]\n"
                         "origins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n");
  write("conf.d/a.yaml",
        "origins: {a: {endpoints: [\"http://127.0.0.1:2\"]}}\nlimits: {connections: 5}\n"
        "routes: [{origin: nobody}]\n");
  const std::string file = (directory_ / "conf.d/a.yaml").string();
  const auto lines = linesOf(load());
  EXPECT_THAT(lines,
              Contains(AllOf(HasSubstr(file + ":1:11: error: 'a' is already in"), HasSubstr("main.yaml, line 3"))));
  EXPECT_THAT(lines, Contains(HasSubstr(file + ":2:1: error: 'limits' belongs in the main file")));
  EXPECT_THAT(lines, Contains(HasSubstr(file + ":3:19: error: unknown origin 'nobody'")));
  EXPECT_THAT(lines, Contains(HasSubstr("none.yaml' does not exist")));
}

TEST_F(ConfigTreeTest, DefaultsGoIntoEveryOriginAndRouteKeyByKey) {
  write("main.yaml", kMain + R"(
defaults:
  origin: {timeouts: {connect: 2s, send: 7s}, retry: {attempts: 0}}
  route: {response_headers: {set: {X-A: one, X-B: two}}, upgrade: false}
origins:
  a: {endpoints: ["http://127.0.0.1:1"], timeouts: {connect: 9s}}
  b: {endpoints: ["http://127.0.0.1:2"], retry: {attempts: 3}}
routes:
  - {path: /a, origin: a, response_headers: {set: {X-A: own}}}
  - {origin: b, upgrade: true}
)");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(linesOf(loaded));
  const auto& origins = loaded.config->origins;
  EXPECT_EQ(origins[0].timeouts.connect, Millis{9000});
  EXPECT_EQ(origins[0].timeouts.send, Millis{7000});
  EXPECT_EQ(origins[0].retry.attempts, 0U);
  EXPECT_EQ(origins[1].timeouts.connect, Millis{2000});
  EXPECT_EQ(origins[1].retry.attempts, 3U);
  const auto& routes = loaded.config->routes;
  EXPECT_EQ(routes[0].response_headers.set[0].second, "own");
  EXPECT_EQ(routes[0].response_headers.set[1].second, "two");
  EXPECT_FALSE(routes[0].upgrade);
  EXPECT_TRUE(routes[1].upgrade);
}

// Said once for all, it need not be of use to every one.
TEST_F(ConfigTreeTest, ADefaultOfNoUseSomewhereIsNoWarning) {
  write("main.yaml", kMain + R"(
defaults:
  origin: {tls: {min_version: "1.3"}, timeouts: {exchange: 5s, connect: 1s, send: 9s}}
  route: {upgrade: false}
origins:
  a: {endpoints: ["http://127.0.0.1:1"]}
routes:
  - {path: /gone, respond: {status: 410}}
  - {origin: a}
)");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(linesOf(loaded), ::testing::IsEmpty());
  write("main.yaml", kMain + R"(
origins:
  a: {endpoints: ["http://127.0.0.1:1"]}
routes:
  - {path: /gone, upgrade: false, respond: {status: 410}}
  - {origin: a}
)");
  EXPECT_THAT(linesOf(load()), Contains(HasSubstr("'upgrade' has no effect with 'respond'")));
}

TEST_F(ConfigTreeTest, ARouteSwitchesADefaultLoginOffOrHasAnother) {
  write("users", "");
  write("main.yaml", kMain + R"(
defaults: {route: {auth: {basic: {users_file: users}}}}
origins:
  a: {endpoints: ["http://127.0.0.1:1"]}
routes:
  - {path: /open, origin: a, auth: false}
  - {path: /other, origin: a, auth: {forward: {url: "http://127.0.0.1:1/verify"}}}
  - {origin: a}
)");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(linesOf(loaded));
  const auto& routes = loaded.config->routes;
  EXPECT_FALSE(routes[0].basic_auth || routes[0].forward_auth);
  EXPECT_FALSE(routes[1].basic_auth);
  EXPECT_TRUE(routes[1].forward_auth);
  EXPECT_TRUE(routes[2].basic_auth);
}

TEST_F(ConfigTreeTest, AnOriginOfWeightNothingIsNotForgotten) {
  write("main.yaml", kMain + R"(
origins:
  a: {endpoints: ["http://127.0.0.1:1"]}
  canary: {endpoints: ["http://127.0.0.1:2"]}
routes: [{origins: {a: 100, canary: 0}}]
)");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(linesOf(loaded), ::testing::IsEmpty());
}

TEST_F(ConfigTreeTest, TheRouteThatNobodyWroteHasDefaultsToo) {
  write("main.yaml",
        kMain + "defaults: {route: {upgrade: false}}\norigins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n");
  const LoadedConfig loaded = load();
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(linesOf(loaded));
  ASSERT_EQ(loaded.config->routes.size(), 1U);
  EXPECT_EQ(loaded.config->routes[0].name, "*");
  EXPECT_FALSE(loaded.config->routes[0].upgrade);
}

TEST_F(ConfigTreeTest, WhatTellsOneFromTheOthersIsNoDefault) {
  write("main.yaml", kMain +
                         "defaults: {route: {path: /x, methodz: [GET]}, origin: {endpoints: [\"http://a\"]}}\n"
                         "origins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n"
                         "routes: [{path: /a, origin: a}, {origin: a}]\n");
  const auto lines = linesOf(load());
  EXPECT_THAT(lines, Contains(HasSubstr("'path' distinguishes one route from another; it cannot be a default")));
  EXPECT_THAT(lines, Contains(HasSubstr("unknown key 'methodz'; did you mean 'methods'?")));
  EXPECT_THAT(lines, Contains(HasSubstr("'endpoints' distinguishes one origin from another")));
}

TEST_F(ConfigTreeTest, AMistakeInADefaultIsToldOnce) {
  write("main.yaml", kMain +
                         "defaults: {route: {upgrade: maybe}}\norigins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n"
                         "routes: [{path: /a, origin: a}, {path: /b, origin: a}, {origin: a}]\n");
  const auto lines = linesOf(load());
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.find("'upgrade'") != std::string::npos; }),
            1);
}

}  // namespace
}  // namespace gatewhy
