// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/own_secret.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "config/secrets_file.h"

namespace gatewhy {
namespace {

class OwnSecretTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gatewhy-secret-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { [[maybe_unused]] const int gone = ::system(("rm -rf '" + directory_ + "'").c_str()); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }
  std::string directory_;
};

TEST_F(OwnSecretTest, IsMadeOnceAndKept) {
  const std::string state = directory_ + "/deep/state";
  const OwnSecret made = ownSecret(state, "", "");
  EXPECT_EQ(made.problem, "");
  EXPECT_GE(made.key.size(), kShortestSecret);
  EXPECT_EQ(ownSecret(state, "", "").key, made.key);
  struct stat status {};
  ASSERT_EQ(::stat((state + "/secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(state.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  EXPECT_NE(ownSecret(directory_ + "/other", "", "").key, made.key);
}

TEST_F(OwnSecretTest, SaysWhyItIsNotKept) {
  for (const std::string& nowhere : {std::string(), std::string("/proc/nowhere/state")}) {
    const OwnSecret made = ownSecret(nowhere, "", "");
    EXPECT_NE(made.problem, "") << nowhere;
    EXPECT_GE(made.key.size(), kShortestSecret) << "it works all the same";
  }
  write("secret", "short\n");
  const OwnSecret spoilt = ownSecret(directory_, "", "");
  EXPECT_NE(spoilt.problem, "") << "whose it is is not known: it stays";
  EXPECT_GE(spoilt.key.size(), kShortestSecret);
}

TEST_F(OwnSecretTest, SecretsAreLinesOfThirtyTwoBytes) {
  const std::string a(32, 'a');
  const std::string b(64, 'b');
  const auto keys = readSecrets(write("good", "# rotated in May\n" + a + "\r\n\n" + b));
  ASSERT_TRUE(keys);
  EXPECT_EQ(*keys, (std::vector<std::string>{a, b}));
  const auto brief = readSecrets(write("brief", a + "\nsecret-of-mine\n"));
  ASSERT_FALSE(brief);
  EXPECT_NE(brief.error().find("line 2 of"), std::string::npos);
  EXPECT_EQ(brief.error().find("secret-of-mine"), std::string::npos) << "not a word of it";
  EXPECT_FALSE(readSecrets(write("empty", "\n# nothing\n")));
  EXPECT_FALSE(readSecrets(directory_ + "/none"));
}

}  // namespace
}  // namespace gatewhy
