// SPDX-License-Identifier: Apache-2.0
// user, group, the mode of socket files, log.redact; and files that are none.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "config/file_text.h"
#include "config/load.h"
#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::load;
using testing::problems;
using testing::withBase;

TEST(OperatingKeys, RedactReplacesTheListOfTheQueryAndAddsHeaders) {
  const LoadedConfig loaded = load(withBase("log: {redact: {query: [pin, \"x-*\"], headers: [X-Inner]}}\n"));
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  const Redaction& redact = loaded.config->log.redaction;
  EXPECT_TRUE(redact.hidesParameter("PIN"));
  EXPECT_TRUE(redact.hidesParameter("x-1"));
  EXPECT_FALSE(redact.hidesParameter("token"));
  EXPECT_TRUE(redact.hidesField("x-inner"));
  EXPECT_TRUE(redact.hidesField("Authorization"));
}

TEST(OperatingKeys, RedactByDefaultAndNotAtAll) {
  const LoadedConfig plain = load(testing::kBase);
  ASSERT_TRUE(plain.config);
  EXPECT_TRUE(plain.config->log.redaction.hidesParameter("access_token"));
  const LoadedConfig none = load(withBase("log: {redact: {query: []}}\n"));
  ASSERT_TRUE(none.config) << ::testing::PrintToString(testing::lines(none));
  EXPECT_FALSE(none.config->log.redaction.hidesParameter("access_token"));
  EXPECT_THAT(problems(withBase("log: {redact: {query: [\"a=b\"]}}\n")), ElementsAre(HasSubstr("'a=b' is not a name")));
}

TEST(OperatingKeys, UserAndGroup) {
  const LoadedConfig loaded = load(withBase("user: gatewhy\ngroup: www-data\n"));
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->user, "gatewhy");
  EXPECT_EQ(loaded.config->group, "www-data");
  EXPECT_THAT(problems(withBase("group: www-data\n")), ElementsAre(HasSubstr("'group' needs 'user'")));
}

class FileText : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override {
    ::unlink(file().c_str());
    ::rmdir(directory_.c_str());
  }
  [[nodiscard]] std::string file() const { return directory_ + "/file"; }
  std::string directory_ = "/tmp/gatewhy-file-XXXXXX";
};

TEST_F(FileText, NeitherPipesNorDevicesAreRead) {
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  const auto fifo = readTextFile(file(), 10);
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error(), "it is a pipe, not a regular file");
  const auto device = readTextFile("/dev/zero", 10, Pipes::Accepted);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error(), "it is a device, not a regular file");
  EXPECT_EQ(readTextFile("/proc/self", 10).error(), "Is a directory");
  EXPECT_EQ(readTextFile(file() + "x", 10).error(), "No such file or directory");
}

TEST_F(FileText, ReadsNoMoreThanIsAskedFor) {
  std::FILE* const out = std::fopen(file().c_str(), "w");
  ASSERT_NE(out, nullptr);
  std::fputs("0123456789abcdef", out);
  std::fclose(out);
  EXPECT_EQ(*readTextFile(file(), 100), "0123456789abcdef");
  EXPECT_EQ(*readTextFile(file(), 4), "01234");
}

}  // namespace
}  // namespace gatewhy
