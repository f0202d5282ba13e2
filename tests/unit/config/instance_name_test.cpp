// SPDX-License-Identifier: Apache-2.0
#include "config/instance_name.h"

#include <gmock/gmock.h>

#include "tests/unit/config/config_testing.h"

namespace gatewhy {
namespace {

constexpr const char* kMachine = "0123456789abcdef0123456789abcdef";

TEST(InstanceName, DiffersByMachineFileAndListener) {
  const std::string name = instanceName(kMachine, "/etc/gatewhy/gatewhy.yaml", "0.0.0.0:443");
  EXPECT_THAT(name, ::testing::MatchesRegex("gatewhy-[0-9a-f]{8}"));
  EXPECT_EQ(instanceName(kMachine, "/etc/gatewhy/gatewhy.yaml", "0.0.0.0:443"), name);
  EXPECT_NE(instanceName("fedcba9876543210fedcba9876543210", "/etc/gatewhy/gatewhy.yaml", "0.0.0.0:443"), name);
  EXPECT_NE(instanceName(kMachine, "/etc/gatewhy/other.yaml", "0.0.0.0:443"), name);
  EXPECT_NE(instanceName(kMachine, "/etc/gatewhy/gatewhy.yaml", "0.0.0.0:80"), name);
}

TEST(InstanceName, IsTheDefaultAfterLoad) {
  const std::string rest = "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://b\"]}}\n";
  EXPECT_THAT(testing::load(rest).config->diagnostics.name, ::testing::MatchesRegex("gatewhy-[0-9a-f]{8}"));
  EXPECT_EQ(testing::load(rest + "diagnostics: {name: edge}\n").config->diagnostics.name, "edge");
}

}  // namespace
}  // namespace gatewhy
