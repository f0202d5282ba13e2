// SPDX-License-Identifier: Apache-2.0
// balance, sticky, secrets, and keep_alive.timeout: auto.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "config/load.h"
#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::problems;

std::string twoEndpoints(const std::string& more) {
  return "listeners: [{address: \"127.0.0.1:80\"}]\norigins:\n  shop:\n    endpoints: [\"http://a\", \"http://b\"]\n   "
         " " +
         more + "\n";
}

OriginConfig originOf(const std::string& more) {
  const LoadedConfig loaded = loadConfig(twoEndpoints(more), "t.yaml",
                                         [](const std::string& /*name*/) { return std::optional<std::string>(); });
  EXPECT_TRUE(loaded.config) << more;
  return loaded.config ? loaded.config->origins.at(0) : OriginConfig();
}

// Warnings are of the whole file.
std::vector<std::string> warnings(const std::string& yaml) {
  std::string directory = ::testing::TempDir() + "gatewhy-balancing-XXXXXX";
  EXPECT_NE(::mkdtemp(directory.data()), nullptr);
  std::ofstream(directory + "/gw.yaml") << yaml;
  std::vector<std::string> said = testing::lines(loadConfigFile(directory + "/gw.yaml"));
  std::filesystem::remove_all(directory);
  return said;
}

TEST(BalancingKeys, BalanceIsAWordOrAHash) {
  EXPECT_EQ(originOf("balance: least_requests").balance, Balance::LeastRequests);
  const OriginConfig plain = originOf("balance: hash");
  EXPECT_EQ(plain.balance, Balance::Hash);
  EXPECT_FALSE(plain.hash_key);
  const OriginConfig by_user = originOf("balance: {hash: \"{header.X-User}\"}");
  EXPECT_EQ(by_user.balance, Balance::Hash);
  ASSERT_TRUE(by_user.hash_key);
  EXPECT_TRUE(by_user.hash_key->hasVariables());
  EXPECT_NE(by_user, plain) << "a reload has to see the difference";
  EXPECT_THAT(problems(twoEndpoints("balance: {hash: \"{nonsense}\"}")), ElementsAre(HasSubstr("'balance.hash'")));
  EXPECT_THAT(problems(twoEndpoints("balance: {}")), ElementsAre(HasSubstr("missing required key 'hash'")));
  EXPECT_THAT(problems(twoEndpoints("balance: hashed")), ElementsAre(HasSubstr("'balance' cannot be 'hashed'")));
  EXPECT_THAT(warnings(twoEndpoints("balance: {hash: \"x\"}")),
              ElementsAre(HasSubstr("warning: this is the same for every request")));
}

TEST(BalancingKeys, Sticky) {
  const OriginConfig origin = originOf("sticky: {cookie: gw_shop}");
  ASSERT_TRUE(origin.sticky);
  EXPECT_EQ(origin.sticky->cookie, "gw_shop");
  EXPECT_FALSE(originOf("balance: hash").sticky);
  for (const char* name : {"\"a b\"", "\"a;b\"", "\"a=b\"", "\"\""}) {
    EXPECT_THAT(problems(twoEndpoints(std::string("sticky: {cookie: ") + name + "}")),
                ElementsAre(HasSubstr("is not a cookie's name")))
        << name;
  }
  EXPECT_THAT(
      warnings("listeners: [{address: \"127.0.0.1:80\"}]\norigins:\n  shop: {endpoints: [\"http://a\"], sticky: "
               "{cookie: gw}}\n"),
      ElementsAre(HasSubstr("warning: 'sticky' has no effect: there is only one endpoint")));
}

TEST(BalancingKeys, KeepAliveCanBeLearned) {
  const OriginConfig learned = originOf("keep_alive: {timeout: auto}");
  EXPECT_TRUE(learned.keep_alive.learn);
  EXPECT_FALSE(originOf("keep_alive: {timeout: 9s}").keep_alive.learn);
  EXPECT_THAT(problems(twoEndpoints("keep_alive: {timeout: automatic}")),
              ElementsAre(HasSubstr("'keep_alive.timeout'")));
  EXPECT_THAT(warnings(twoEndpoints("keep_alive: {idle: 0, timeout: auto}")),
              ElementsAre(HasSubstr("no connection is kept")));
}

TEST(BalancingKeys, VersionsOfHttp) {
  const auto at = [](const std::string& url, const std::string& more) {
    return "listeners: [{address: \"127.0.0.1:80\"}]\norigins:\n  shop:\n    endpoints: [\"" + url + "\"]\n    " +
           more + "\n";
  };
  const auto spoken = [&](const std::string& url, const std::string& more) {
    const LoadedConfig loaded =
        loadConfig(at(url, more), "t.yaml", [](const std::string&) { return std::optional<std::string>(); });
    return loaded.config ? std::optional(loaded.config->origins.at(0).endpoints.at(0).http) : std::nullopt;
  };
  EXPECT_EQ(spoken("https://a", "http2: true"), EndpointHttp::Negotiated);
  EXPECT_EQ(spoken("https://a", "http2: false"), EndpointHttp::Http1);
  EXPECT_EQ(spoken("h2://a", "balance: hash"), EndpointHttp::Http2);
  EXPECT_THAT(warnings(at("https://a", "http2: false")), IsEmpty());
  EXPECT_THAT(warnings(at("http://a", "http2: true")), ElementsAre(HasSubstr("for HTTP/2 without TLS write h2c://")));
  EXPECT_THAT(warnings(at("h2c://a", "http2: false")),
              ElementsAre(HasSubstr("error: 'http2: false' contradicts the endpoint h2c://a")));
  EXPECT_THAT(problems(at("https://a", "http2: [h2]")), ElementsAre(HasSubstr("'http2' must be true or false")));
}

TEST(BalancingKeys, SecretsAreChecked) {
  std::string directory = ::testing::TempDir() + "gatewhy-keys-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const auto check = [&](const std::string& keys, const std::string& sticky, std::filesystem::perms mode) {
    std::ofstream(directory + "/keys") << keys;
    std::filesystem::permissions(directory + "/keys", mode);
    std::ofstream(directory + "/gw.yaml") << twoEndpoints(sticky) + "secrets: {file: keys}\n";
    std::vector<std::string> said;
    for (const ConfigProblem& problem : loadConfigFile(directory + "/gw.yaml").problems) {
      said.push_back(format(problem));
    }
    return said;
  };
  using std::filesystem::perms;
  const std::string good(32, 'k');
  constexpr perms kOurs = perms::owner_read | perms::owner_write;
  EXPECT_THAT(check(good, "sticky: {cookie: gw}", kOurs), IsEmpty());
  EXPECT_THAT(check(good, "sticky: {cookie: gw}", kOurs | perms::others_read),
              ElementsAre(HasSubstr("warning: every user of this machine has access to the keys")));
  EXPECT_THAT(check(good, "balance: hash", kOurs),
              ElementsAre(HasSubstr("warning: nothing is signed with these keys")));
  EXPECT_THAT(check("too short", "sticky: {cookie: gw}", kOurs), ElementsAre(HasSubstr("error: line 1 of")));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gatewhy
