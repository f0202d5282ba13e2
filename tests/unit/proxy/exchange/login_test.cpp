// SPDX-License-Identifier: Apache-2.0
// Logins without a socket: what a request says, who is remembered, and how
// often one may guess.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <string>

#include "proxy/exchange/credentials.h"
#include "proxy/exchange/password_checker.h"
#include "proxy/exchange/user_file.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

using ::testing::HasSubstr;
using LoginVerdict = PasswordChecker::Verdict;

// 'right', by htpasswd -B and by openssl passwd -6.
const std::string kBcryptRight = "$2y$05$h3aHxN24ftDGxjQqKNuV8..rsXtEOZLIJIyGALHASRR5e6xMVLq0i";
const std::string kSha512Right =
    "$6$saltstring$sWxm9GdnWvq354Rrr3cJ49bnU42uWlCgjcwLSQEwSw4oss4XrvyKNtQ0I48ftPb9O6s9ikPaKTH42CwjipwvU.";
// 'right', of a cost that takes a while.
const std::string kSlowRight = "$2y$10$MSGIHysHszCNwfjiCPvb8.DW5nPfwCqoT.lRodE6UqFACK4e0DYwC";

// ---- Authorization ----------------------------------------------------------

struct Said {
  std::string user, password, detail;
  Cause cause = Cause::FixedResponse;  // of what can be checked
};

Said saidBy(const std::string& fields) {
  RequestParser parser{HeadLimits{}};
  EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n").status, ParseStatus::Done) << fields;
  const auto got = basicCredentials(parser.head());
  return got ? Said{.user = got->user, .password = got->password, .detail = {}}
             : Said{.user = {}, .password = {}, .detail = got.error().detail, .cause = got.error().cause};
}

TEST(Credentials, AsRfc7617HasThem) {
  const Said aladdin = saidBy("aUTHORIZATION: bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
  EXPECT_EQ(aladdin.user, "Aladdin");
  EXPECT_EQ(aladdin.password, "open sesame");
  const Said colons = saidBy("Authorization: Basic YTpiOmM=\r\n");
  EXPECT_EQ(colons.user, "a");
  EXPECT_EQ(colons.password, "b:c") << "the first colon counts";
  const Said empty = saidBy("Authorization: Basic YTo=\r\n");
  EXPECT_EQ(empty.cause, Cause::FixedResponse);
  EXPECT_EQ(empty.password, "");
}

TEST(Credentials, NoneOrAnotherScheme) {
  EXPECT_EQ(saidBy("").cause, Cause::ClientCredentialsMissing);
  for (const char* value : {"Bearer QTpC", "Digest username=\"a\"", "BasicQTpC", "Basi", ""}) {
    const Said said = saidBy(std::string("Authorization: ") + value + "\r\n");
    EXPECT_EQ(said.cause, Cause::ClientCredentialsMissing) << value;
    EXPECT_THAT(said.detail, ::testing::Not(HasSubstr("QTpC")));
  }
}

TEST(Credentials, WhatReadersDifferOnIsRefused) {
  const std::string one = "Authorization: Basic QTpC\r\n";
  EXPECT_EQ(saidBy(one).cause, Cause::FixedResponse);
  EXPECT_EQ(saidBy(one + one).detail, "more than one Authorization field");
  EXPECT_EQ(saidBy(one + "AUTHORIZATION: Bearer x\r\n").cause, Cause::ClientCredentialsInvalid);
  for (const char* value :
       {"Basic", "Basic ", "Basic QTpC=", "Basic QTpC====", "Basic QTp", "Basic QT pC", "Basic QTpC,Basic QTpC",
        "Basic QTpD\tQTpC", "Basic Q-_C", "Basic QQ==" /* no colon */, "Basic YTpiAA==" /* NUL */,
        "Basic YTp/" /* DEL */, "Basic YTpi\xC3\xA4", "Basic YTo=YTo=", "Basic YTp=" /* bits left over */}) {
    EXPECT_EQ(saidBy(std::string("Authorization: ") + value + "\r\n").cause, Cause::ClientCredentialsInvalid) << value;
  }
  std::string huge;
  for (int i = 0; i < 400; ++i) {
    huge += "YTpi";
  }
  EXPECT_EQ(saidBy("Authorization: Basic " + huge + "\r\n").detail,
            "the user or the password is longer than any can be");
}

TEST(Credentials, TheChallengeQuotesTheRealm) {
  EXPECT_EQ(basicChallenge("a \"b\" \\"), R"(Basic realm="a \"b\" \\", charset="UTF-8")");
}

// ---- hashes -----------------------------------------------------------------

TEST(Passwords, BothKindsOfHash) {
  const CryptScratchPtr scratch = newCryptScratch();
  for (const std::string& hash : {kBcryptRight, kSha512Right}) {
    EXPECT_TRUE(passwordFits("right", hash, *scratch)) << hash;
    for (const char* wrong : {"", "Right", "right ", "righ", "*0"}) {
      EXPECT_FALSE(passwordFits(wrong, hash, *scratch)) << hash;
    }
  }
  for (const char* broken : {"", "*0", "*1", "$2y$", "$6$", "$9$x$y"}) {
    EXPECT_FALSE(passwordFits("right", broken, *scratch)) << broken;
  }
}

// ---- the thread -------------------------------------------------------------

class PasswordCheckerTest : public ::testing::Test {
 protected:
  [[nodiscard]] static PasswordChecker::Question question(const std::shared_ptr<UserTable>& users,
                                                          const std::string& user, const std::string& password,
                                                          std::uint64_t client = 1) {
    return {.users = users, .credentials = {.user = user, .password = password}, .client = client};
  }
  void ask(PasswordChecker::Question asked) {
    ++asked_;
    if (const auto at_once = checker_.ask(std::move(asked), [this](PasswordChecker::Answer answer) { note(answer); })) {
      ++at_once_;
      note(*at_once);
    }
  }
  void note(const PasswordChecker::Answer& answer) {
    const std::lock_guard lock(mutex_);
    verdicts_.push_back(answer.verdict);
    retry_after_ = std::max(retry_after_, answer.retry_after_s);
    told_.notify_all();
  }
  std::vector<LoginVerdict> all() {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [this] { return verdicts_.size() == asked_; });
    return verdicts_;
  }
  LoginVerdict one(PasswordChecker::Question asked) {
    ask(std::move(asked));
    return all().back();
  }
  std::ptrdiff_t count(LoginVerdict verdict) {
    const auto told = all();
    return std::count(told.begin(), told.end(), verdict);
  }

  std::shared_ptr<UserTable> users_ = std::make_shared<UserTable>(
      std::vector<PasswordEntry>{{.user = "anna", .hash = kBcryptRight}, {.user = "bob", .hash = kSha512Right}});
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<LoginVerdict> verdicts_;
  std::size_t asked_ = 0, at_once_ = 0;
  std::uint32_t retry_after_ = 0;
  PasswordChecker checker_;  // its thread uses all of the above
};

TEST_F(PasswordCheckerTest, OnlySuccessesAreRemembered) {
  EXPECT_EQ(one(question(users_, "anna", "right")), LoginVerdict::Right);
  EXPECT_EQ(one(question(users_, "anna", "right")), LoginVerdict::Right);
  EXPECT_EQ(at_once_, 1U);
  EXPECT_EQ(checker_.hashed(), 1U);
  EXPECT_EQ(one(question(users_, "anna", "wrong")), LoginVerdict::Wrong);
  EXPECT_EQ(one(question(users_, "anna", "wrong")), LoginVerdict::Wrong);
  EXPECT_EQ(one(question(users_, "bob", "")), LoginVerdict::Wrong);
  EXPECT_EQ(checker_.hashed(), 4U);
  const auto changed = std::make_shared<UserTable>(std::vector<PasswordEntry>{{.user = "bob", .hash = kSha512Right}});
  EXPECT_EQ(one(question(changed, "anna", "right")), LoginVerdict::Wrong) << "what was remembered goes with the table";
}

TEST_F(PasswordCheckerTest, AnUnknownUserCostsAHashToo) {
  for (const char* user : {"carl", "", "anna ", "ANNA"}) {
    EXPECT_EQ(one(question(users_, user, "right")), LoginVerdict::Wrong) << user;
  }
  EXPECT_EQ(checker_.hashed(), 4U);
  const auto nobody = std::make_shared<UserTable>(std::vector<PasswordEntry>{});
  EXPECT_EQ(one(question(nobody, "anna", "nobody")), LoginVerdict::Wrong) << "the dummy's own password";
  EXPECT_EQ(checker_.hashed(), 5U);
  EXPECT_EQ(users_->hashFor("carl").text, users_->hashFor("carl").text);
}

TEST_F(PasswordCheckerTest, TenFailuresAndNotOneMoreHowEverTheyCome) {
  for (int i = 0; i < 40; ++i) {
    ask(question(users_, "anna", "guess " + std::to_string(i)));
  }
  EXPECT_EQ(count(LoginVerdict::Wrong), kLoginFailures);
  EXPECT_EQ(count(LoginVerdict::Limited), 40 - kLoginFailures);
  EXPECT_EQ(checker_.hashed(), kLoginFailures);
  EXPECT_EQ(one(question(users_, "anna", "right")), LoginVerdict::Limited) << "right ones neither";
  EXPECT_GT(retry_after_, 0U);
  EXPECT_LE(retry_after_, 6U);
  EXPECT_EQ(one(question(users_, "anna", "right", 2)), LoginVerdict::Right) << "another client";
  EXPECT_EQ(one(question(users_, "anna", "right")), LoginVerdict::Limited) << "what is remembered tells nothing";
}

TEST_F(PasswordCheckerTest, TheQueueIsBounded) {
  const auto slow = std::make_shared<UserTable>(std::vector<PasswordEntry>{{.user = "anna", .hash = kSlowRight}});
  for (std::uint64_t i = 0; i < 3 * kLoginQueue; ++i) {
    ask(question(slow, "anna", std::to_string(i), i));
  }
  {
    const std::lock_guard lock(mutex_);
    EXPECT_GE(std::count(verdicts_.begin(), verdicts_.end(), LoginVerdict::Busy),
              static_cast<std::ptrdiff_t>(kLoginQueue));
  }
  checker_.stop();
  EXPECT_LT(checker_.hashed(), kLoginQueue) << "what waits is dropped at the end";
}

TEST_F(PasswordCheckerTest, TheSameAtOnceIsHashedOnce) {
  const auto slow = std::make_shared<UserTable>(std::vector<PasswordEntry>{{.user = "anna", .hash = kSlowRight}});
  for (std::uint64_t i = 0; i < 10 * kLoginQueue; ++i) {
    ask(question(slow, "anna", "right", i % 3));
  }
  EXPECT_EQ(count(LoginVerdict::Right), static_cast<std::ptrdiff_t>(10 * kLoginQueue));
  EXPECT_EQ(checker_.hashed(), 1U);
}

// ---- the file ---------------------------------------------------------------

class UserFileTest : public ::testing::Test {
 protected:
  ~UserFileTest() override { ::unlink(path_.c_str()); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::trunc) << text; }

  std::string path_ = ::testing::TempDir() + "users." + std::to_string(::getpid());
};

TEST_F(UserFileTest, AChangeCountsOnceItHasSettled) {
  write("anna:" + kBcryptRight + "\n");
  const auto file = UserFile::load(path_).value();
  const auto before = file->table();
  EXPECT_FALSE(file->look().settling);
  write("bob:" + kBcryptRight + "\n# longer\n");
  EXPECT_TRUE(file->look().settling);
  EXPECT_EQ(file->table(), before);
  EXPECT_EQ(file->look().outcome, "");
  EXPECT_FALSE(file->table()->hashFor("anna").may_fit);
  EXPECT_TRUE(file->table()->hashFor("bob").may_fit);
}

TEST_F(UserFileTest, ABrokenOneIsRefusedWhole) {
  write("anna:" + kBcryptRight + "\n");
  const auto file = UserFile::load(path_).value();
  write("bob:" + kBcryptRight + "\ncarl:secret\n");
  static_cast<void>(file->look());
  const auto look = file->look();
  ASSERT_TRUE(look.outcome);
  EXPECT_THAT(*look.outcome,
              ::testing::AllOf(HasSubstr("line 2: a hash was expected"), ::testing::Not(HasSubstr("secret"))));
  EXPECT_TRUE(file->table()->hashFor("anna").may_fit);
  EXPECT_FALSE(UserFile::load(path_ + ".missing"));
}

}  // namespace
}  // namespace gatewhy
