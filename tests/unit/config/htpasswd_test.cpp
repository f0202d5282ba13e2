// SPDX-License-Identifier: Apache-2.0
#include "config/htpasswd.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "config_testing.h"
#include "tests/support/pki.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kBcrypt = "$2y$05$tvKhLk1XI0rgBPjnmZXiL.rdEXBpUb2T6sQfPzhQ2eyEWvCS0EUWe";
const std::string kSha512 = "$6$rounds=5000$saltstring$" + std::string(86, 'x');

TEST(HtpasswdFile, UsersCommentsAndEmptyLines) {
  const Htpasswd users = parseHtpasswd(std::string("# staff\n\nanna:") + kBcrypt + "\r\n  \nBj\xc3\xb6rn x:" + kSha512);
  EXPECT_THAT(users.problems, IsEmpty());
  ASSERT_EQ(users.entries.size(), 2U);
  EXPECT_EQ(users.entries[0].user, "anna");
  EXPECT_EQ(users.entries[0].hash, kBcrypt);
  EXPECT_EQ(users.entries[1].user, "Bj\xc3\xb6rn x");
}

std::string problemOf(const std::string& line) {
  const Htpasswd users = parseHtpasswd(line);
  EXPECT_THAT(users.entries, IsEmpty());
  return users.problems.size() == 1 ? users.problems.front() : "no problem, or several";
}

TEST(HtpasswdFile, WeakHashesNameTheWayOut) {
  for (const char* hash :
       {"$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "rqXexS6ZhobKA", "$1$a$b",
        "$5$salt$x", "$2a$05$tvKhLk1XI0rgBPjnmZXiL.rdEXBpUb2T6sQfPzhQ2eyEWvCS0EUWe", "{SSHA}x", "$y$j9T$abc$def"}) {
    EXPECT_THAT(problemOf(std::string("anna:") + hash), HasSubstr("is not taken; make the line with 'htpasswd -B'"))
        << hash;
  }
}

TEST(HtpasswdFile, BrokenLinesAreNamedAndNeverQuoted) {
  EXPECT_EQ(problemOf("just a secret"), "line 1: a line is USER:HASH");
  EXPECT_EQ(problemOf("\nanna:hunter2"),
            "line 2: a hash was expected after the colon, not a password; make the line with 'htpasswd -B'");
  EXPECT_EQ(problemOf(std::string(":") + kBcrypt), "line 1: the user has no name");
  EXPECT_EQ(problemOf(std::string("an\tna:") + kBcrypt), "line 1: the user's name has a control character");
  EXPECT_THAT(problemOf("anna:" + std::string(kBcrypt).substr(0, 59)), HasSubstr("is cut or broken"));
  EXPECT_THAT(problemOf("anna:" + std::string(kBcrypt) + " "), HasSubstr("is cut or broken"));
  EXPECT_THAT(problemOf("anna:" + kSha512 + "x"), HasSubstr("is cut or broken"));
  EXPECT_THAT(problemOf("anna:$6$" + std::string(17, 'a') + "$" + std::string(86, 'x')), HasSubstr("is cut or broken"));
  EXPECT_THAT(problemOf("anna:$6$rounds=0x10$s$"), HasSubstr("the rounds of the SHA-512 hash are not a number"));
  EXPECT_THAT(problemOf("anna:$6$"), HasSubstr("is cut or broken"));
}

TEST(HtpasswdFile, WhatWouldKeepTheThreadBusyIsRefused) {
  std::string costly = kBcrypt;
  costly.replace(4, 2, "31");
  EXPECT_EQ(problemOf("anna:" + costly), "line 1: the bcrypt cost is 31; possible: 4 to 16");
  EXPECT_THAT(problemOf("anna:$6$rounds=999999999$s$" + std::string(86, 'x')), HasSubstr("999999999 rounds"));
}

TEST(HtpasswdFile, AUserStandsThereOnce) {
  const Htpasswd users = parseHtpasswd(std::string("anna:") + kBcrypt + "\nbob:" + kBcrypt + "\nanna:" + kBcrypt);
  EXPECT_THAT(users.problems, ElementsAre("line 3: this user is on line 1 too"));
}

// ---- the keys of a route ----------------------------------------------------

std::string withAuth(const std::string& more) {
  return testing::withBase("routes:\n  - {origin: shop, " + more + "}\n");
}

TEST(BasicAuthKeys, AreRead) {
  const LoadedConfig loaded = testing::load(
      withAuth("auth: {basic: {users_file: users, realm: \"the \\\"staff\\\"\"}}, request_headers: {keep: "
               "[AUTHORIZATION]}"));
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const auto& auth = loaded.config->routes.front().basic_auth;
  ASSERT_TRUE(auth);
  EXPECT_EQ(auth->users_file, "users");
  EXPECT_EQ(auth->realm, "the \"staff\"");
  EXPECT_TRUE(auth->forward);
}

TEST(BasicAuthKeys, WhatIsMissingOrWrong) {
  EXPECT_THAT(testing::problems(withAuth("auth: {}")), ElementsAre(HasSubstr("'auth' needs 'basic' or 'forward'")));
  EXPECT_THAT(testing::problems(withAuth("auth: true")),
              ElementsAre(HasSubstr("'auth' needs 'basic' or 'forward'; false")));
  EXPECT_THAT(testing::problems(withAuth("auth: {basic: {}}")),
              ElementsAre(HasSubstr("missing required key 'users_file'")));
  for (const char* realm : {"\"\\u00e9\"", "\"\""}) {
    EXPECT_THAT(testing::problems(withAuth("auth: {basic: {users_file: u, realm: " + std::string(realm) + "}}")),
                ElementsAre(HasSubstr("a realm is ASCII text, and not empty")))
        << realm;
  }
}

// What `check` says of a file with `yaml`, and of a users file beside it.
std::vector<std::string> checked(const std::string& yaml, const std::string& users) {
  const test::PemDirectory files;
  files.write("u", users);
  ::chmod((files.path() + "/u").c_str(), 0640);
  const std::string path = files.write("c.yaml", yaml);
  std::vector<std::string> out = testing::lines(loadConfigFile(path, Pipes::Refused));
  for (std::string& line : out) {
    for (std::size_t at = 0; (at = line.find(files.path() + "/")) != std::string::npos;) {
      line.erase(at, files.path().size() + 1);
    }
  }
  return out;
}

TEST(BasicAuthKeys, WhatCheckSaysOfThem) {
  const std::string anna = std::string("anna:") + kBcrypt + "\n";
  const std::string auth = withAuth("auth: {basic: {users_file: u}}");
  EXPECT_THAT(checked(auth, anna), IsEmpty());
  EXPECT_THAT(checked(auth, "# nobody\n"), ElementsAre("c.yaml:7:47: warning: 'u' has no user: nobody can log in"));
  EXPECT_THAT(checked(auth, anna + "bob:$apr1$a$b\ncarl:secret\n"),
              ElementsAre("c.yaml:7:47: error: 'u', line 2: Apache's MD5 ($apr1$) is not taken; make the line with "
                          "'htpasswd -B'",
                          "c.yaml:7:47: error: 'u', line 3: a hash was expected after the colon, not a password; make "
                          "the line with 'htpasswd -B'"));
  EXPECT_THAT(checked(withAuth("auth: {basic: {users_file: missing}}"), anna),
              ElementsAre(HasSubstr("error: cannot read 'missing'")));
  EXPECT_THAT(checked(withAuth("request_headers: {keep: [Authorization]}"), anna),
              ElementsAre(HasSubstr("warning: 'Authorization' needs no 'keep' without 'auth.basic'")));
  std::string open = auth;
  open.replace(open.find("127.0.0.1"), 9, "0.0.0.0");
  EXPECT_THAT(checked(open, anna), ElementsAre(HasSubstr("warning: passwords cross the network in the clear")));
  EXPECT_THAT(checked(open + "trusted_proxies: [10.0.0.1]\n", anna), IsEmpty());
}

}  // namespace
}  // namespace gatewhy
