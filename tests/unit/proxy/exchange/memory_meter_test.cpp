// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/memory_meter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/exchange/memory_guard.h"

namespace gatewhy {
namespace {

class ControlGroups : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/gatewhy-groups-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + file).parent_path());
    std::ofstream(root_ + file) << content;
  }
  std::string root_;
};

TEST_F(ControlGroups, TheLeastLimitOnTheWayUpCounts) {
  write("/system.slice/memory.max", "1048576\n");
  write("/system.slice/gatewhy.service/memory.max", "4194304\n");
  write("/memory.max", "max\n");
  const auto limit = groupLimit("0::/system.slice/gatewhy.service\n", root_);
  ASSERT_TRUE(limit);
  EXPECT_EQ(1048576U, limit->bytes);
  EXPECT_EQ(root_ + "/system.slice/memory.current", limit->usage_file);
  EXPECT_EQ("file", limit->cache_key);
}

TEST_F(ControlGroups, TheRootOfAContainer) {
  write("/memory.max", "2097152\n");
  EXPECT_EQ(2097152U, groupLimit("0::/\n", root_)->bytes);
  EXPECT_EQ(2097152U, groupLimit("0::/not/mounted/here\n", root_)->bytes);
}

TEST_F(ControlGroups, TheFirstVersion) {
  write("/memory/docker/x/memory.limit_in_bytes", "3145728\n");
  write("/memory/memory.limit_in_bytes", "9223372036854771712\n");
  const auto limit = groupLimit("8:pids:/\n4:memory:/docker/x\n0::/\n", root_);
  ASSERT_TRUE(limit);
  EXPECT_EQ(3145728U, limit->bytes);
  EXPECT_EQ(root_ + "/memory/docker/x/memory.usage_in_bytes", limit->usage_file);
}

TEST_F(ControlGroups, NoLimit) {
  write("/memory.max", "max\n");
  EXPECT_FALSE(groupLimit("0::/\n", root_));
  EXPECT_FALSE(groupLimit("", root_));
}

TEST(MemoryMeter, ReadsWhatTheKernelWrites) {
  const auto pages = readStatm("2500 1200 300 1 0 400 0\n", 4096);
  ASSERT_TRUE(pages);
  EXPECT_EQ(2500U * 4096, pages->addresses);
  EXPECT_EQ(1200U * 4096, pages->resident);
  EXPECT_FALSE(readStatm("", 4096));
  EXPECT_EQ(17U, memoryStat("anon 5\nfile_mapped 3\nfile 17\n", "file"));
  EXPECT_EQ(0U, memoryStat("anon 5\n", "file"));
}

TEST(MemoryMeter, MeasuresThisProcess) {
  const MemoryMeter meter(1ULL << 40);
  ASSERT_TRUE(meter.limited());
  const MemoryUse use = meter.measure();
  EXPECT_GT(use.used, 1U << 20);
  EXPECT_GT(use.limit, use.used);
}

TEST(MemoryGuard, IsShortAboveItsLimitAndSaysWhenThatIsOver) {
  EventLoop loop;
  MemoryState state;
  int shed = 0;
  bool relieved = false;
  MemoryGuard guard(
      loop, state,
      [&] {
        ++shed;
        state.setLimit(1ULL << 40, 2);  // room again
      },
      [&] {
        relieved = true;
        loop.stop();
      });
  state.setLimit(1ULL << 40, 2);
  EXPECT_FALSE(guard.isShort());
  guard.account(1LL << 40);  // so much that it is measured again: it is not there
  EXPECT_FALSE(guard.isShort());
  const std::uint64_t used = MemoryMeter(1ULL << 40).measure().used;
  state.setLimit(used / 82 * 100, 1);
  EXPECT_FALSE(guard.isShort());
  const auto little = static_cast<std::int64_t>(used / 25);
  guard.account(little);  // buffered since it was measured
  EXPECT_TRUE(guard.isShort());
  guard.account(-little);
  EXPECT_TRUE(guard.isShort());  // until the tick says otherwise
  loop.run();
  EXPECT_TRUE(relieved);
  EXPECT_FALSE(guard.isShort());
  state.setLimit(1, 1);  // less than any process has
  EXPECT_TRUE(guard.isShort());
  relieved = false;
  loop.run();
  EXPECT_GT(shed, 0);
  EXPECT_FALSE(guard.isShort());
}

}  // namespace
}  // namespace gatewhy
