// SPDX-License-Identifier: Apache-2.0
#include "config/config_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ConfigWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "gatewhy-watch-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    write("main.yaml", "a");
    begin(path("main.yaml"), {path("conf.d/*.yaml")});
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  void begin(const std::string& main, const std::vector<std::string>& patterns) {
    watch_.begin(main, patterns, ConfigWatch::sight(main, patterns), now_);
  }
  // Half a second later.
  bool look() {
    now_ += milliseconds(500);
    return watch_.look(now_);
  }
  // How many looks it takes until the change is taken; 0: it is not, within ten.
  int looksUntilTaken() {
    for (int i = 1; i <= 10; ++i) {
      if (look()) {
        return i;
      }
    }
    return 0;
  }

  fs::path directory_;
  ConfigWatch::Clock::time_point now_;
  ConfigWatch watch_;
};

TEST_F(ConfigWatchTest, NothingChanged) {
  EXPECT_EQ(looksUntilTaken(), 0);
}

TEST_F(ConfigWatchTest, AChangeIsTakenOnceItIsQuiet) {
  write("main.yaml", "ab");
  EXPECT_EQ(looksUntilTaken(), 3) << "seen, and then unchanged for a second";
  EXPECT_EQ(looksUntilTaken(), 0) << "once";
}

TEST_F(ConfigWatchTest, AnEditorThatWritesOnIsWaitedFor) {
  std::string text = "ab";
  for (int i = 0; i < 10; ++i) {
    write("main.yaml", text += "b");
    EXPECT_FALSE(look());
  }
  EXPECT_NE(looksUntilTaken(), 0);
}

TEST_F(ConfigWatchTest, ARenameOverTheFile) {
  write("new.yaml", "a");
  fs::rename(path("new.yaml"), path("main.yaml"));
  EXPECT_NE(looksUntilTaken(), 0);
}

TEST_F(ConfigWatchTest, AFileThatIsNewToAPattern) {
  write("conf.d/10-shop.yaml", "a");
  EXPECT_NE(looksUntilTaken(), 0);
  write("conf.d/notes.txt", "a");
  EXPECT_EQ(looksUntilTaken(), 0);
  fs::remove(path("conf.d/10-shop.yaml"));
  EXPECT_NE(looksUntilTaken(), 0);
}

// As the kubelet updates a ConfigMap: the files are links into ..data, which is
// a link to a directory, which is renamed over.
TEST_F(ConfigWatchTest, TheLinkOfAConfigMap) {
  write("map/..1/gatewhy.yaml", "a");
  fs::create_symlink("..1", path("map/..data"));
  fs::create_symlink("..data/gatewhy.yaml", path("map/gatewhy.yaml"));
  begin(path("map/gatewhy.yaml"), {});
  EXPECT_EQ(looksUntilTaken(), 0);
  write("map/..2/gatewhy.yaml", "b");
  fs::create_symlink("..2", path("map/..data_tmp"));
  fs::rename(path("map/..data_tmp"), path("map/..data"));
  EXPECT_NE(looksUntilTaken(), 0);
}

// A change between reading the file and watching it is not missed.
TEST_F(ConfigWatchTest, WhatChangedWhileItWasRead) {
  const std::string before = ConfigWatch::sight(path("main.yaml"), {});
  write("main.yaml", "ab");
  watch_.begin(path("main.yaml"), {}, before, now_);
  EXPECT_NE(looksUntilTaken(), 0);
}

TEST_F(ConfigWatchTest, NothingIsWatchedAfterTheEnd) {
  EXPECT_TRUE(watch_.dueIn(now_).has_value());
  watch_.end();
  write("main.yaml", "ab");
  EXPECT_EQ(watch_.dueIn(now_), std::nullopt);
  EXPECT_EQ(looksUntilTaken(), 0);
}

}  // namespace
}  // namespace gatewhy
