// SPDX-License-Identifier: Apache-2.0
#include "config/cpu_count.h"

#include <gtest/gtest.h>

#include <map>

namespace gatewhy {
namespace {

std::optional<double> quotaOf(const std::map<std::string, std::string>& files) {
  return cpuQuota([&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(CpuCount, QuotaOfAContainer) {
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "50000 100000\n"}}), 0.5);
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "max 100000\n"}}), std::nullopt);
}

TEST(CpuCount, TheTightestGroupOnTheWayUpCounts) {
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/system.slice/gatewhy.service\n"},
                     {"/sys/fs/cgroup/system.slice/gatewhy.service/cpu.max", "max 100000\n"},
                     {"/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n"},
                     {"/sys/fs/cgroup/cpu.max", "400000 100000\n"}}),
            1.5);
}

TEST(CpuCount, OldHierarchy) {
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/kubepods/pod1\n"},
                     {"/sys/fs/cgroup/cpu/kubepods/pod1/cpu.cfs_quota_us", "-1\n"},
                     {"/sys/fs/cgroup/cpu/kubepods/pod1/cpu.cfs_period_us", "100000\n"},
                     {"/sys/fs/cgroup/cpu/kubepods/cpu.cfs_quota_us", "200000\n"},
                     {"/sys/fs/cgroup/cpu/kubepods/cpu.cfs_period_us", "100000\n"}}),
            2);
}

TEST(CpuCount, WhatCannotBeReadIsNoQuota) {
  EXPECT_EQ(quotaOf({}), std::nullopt);
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/\nnonsense\n"}}), std::nullopt);
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "100000"}}), std::nullopt);
  EXPECT_EQ(quotaOf({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "1 0"}}), std::nullopt);
}

TEST(CpuCount, AQuotaIsRoundedUpAndNeverRaisesTheCount) {
  EXPECT_EQ(usableCpus(64, 0.5), 1U);
  EXPECT_EQ(usableCpus(64, 1.5), 2U);
  EXPECT_EQ(usableCpus(64, 2), 2U);
  EXPECT_EQ(usableCpus(2, 8), 2U);
  EXPECT_EQ(usableCpus(0, std::nullopt), 1U);
  EXPECT_GE(usableCpus(), 1U);
}

}  // namespace
}  // namespace gatewhy
