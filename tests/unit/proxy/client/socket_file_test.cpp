// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/socket_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/client/listener.h"

namespace gatewhy {
namespace {

class SocketFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/gatewhy-sock-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = directory_ + "/s";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  ListenSockets listen() {
    auto opened = openListener("unix:" + path_, 2);
    EXPECT_TRUE(opened);
    return std::move(opened).value();
  }
  [[nodiscard]] bool exists() const { return std::filesystem::exists(path_); }

  std::string directory_, path_;
};

TEST_F(SocketFileTest, IsRemovedWhenNobodyListens) {
  ListenSockets sockets = listen();
  const auto file = SocketFile::of(sockets.local);
  ASSERT_TRUE(file);
  file->removeIfDead();
  EXPECT_TRUE(exists()) << "somebody listens";
  sockets.per_worker.pop_back();
  file->removeIfDead();
  EXPECT_TRUE(exists()) << "a duplicate listens";
  sockets.per_worker.clear();
  file->removeIfDead();
  EXPECT_FALSE(exists());
  file->removeIfDead();  // twice does no harm
}

TEST_F(SocketFileTest, OfASuccessorStays) {
  ListenSockets first = listen();
  const auto file = SocketFile::of(first.local);
  first.per_worker.clear();
  const ListenSockets second = listen();
  file->removeIfDead();
  EXPECT_TRUE(exists());
}

TEST_F(SocketFileTest, WhatIsNoSocketStays) {
  ListenSockets sockets = listen();
  const auto file = SocketFile::of(sockets.local);
  sockets.per_worker.clear();
  std::filesystem::remove(path_);
  std::ofstream(path_) << "something else";
  file->removeIfDead();
  EXPECT_TRUE(exists());
  EXPECT_FALSE(SocketFile::of(sockets.local));
  EXPECT_FALSE(SocketFile::of(*Address::fromIp("127.0.0.1", 80)));
}

}  // namespace
}  // namespace gatewhy
