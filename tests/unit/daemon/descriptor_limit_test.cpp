// SPDX-License-Identifier: Apache-2.0
#include "daemon/descriptor_limit.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

namespace gatewhy {
namespace {

Config twoOrigins() {
  Config config;
  config.workers = 2;
  config.limits.connections = 1000;
  config.listeners.resize(1);
  config.origins.resize(2);
  for (OriginConfig& origin : config.origins) {
    origin.endpoints.resize(2);
    origin.limits.connections = 100;
  }
  return config;
}

TEST(DescriptorLimit, ClientsAndOriginsAreCounted) {
  Config config = twoOrigins();
  const std::uint64_t needed = descriptorsNeeded(config);
  EXPECT_GT(needed, 1400U);
  EXPECT_LT(needed, 1600U);
  config.origins[0].limits.connections = 0;  // no limit of its own: each client can have one
  EXPECT_GT(descriptorsNeeded(config), 2000U);
  EXPECT_LT(descriptorsNeeded(config), 2200U);
}

TEST(DescriptorLimit, SaysWhatIsMissing) {
  const Config config = twoOrigins();
  EXPECT_FALSE(descriptorShortage(config, descriptorsNeeded(config)));
  const auto said = descriptorShortage(config, 1024);
  ASSERT_TRUE(said);
  EXPECT_THAT(*said, ::testing::HasSubstr("may open 1024 descriptors"));
  EXPECT_THAT(*said, ::testing::HasSubstr("limits.connections (1000)"));
}

TEST(DescriptorLimit, TheSoftLimitBecomesTheHardOne) {
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  const rlimit lowered{.rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &lowered));
  EXPECT_EQ(before.rlim_max, raiseDescriptorLimit());
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace gatewhy
