// SPDX-License-Identifier: Apache-2.0
// What an event names as the timer is what somebody will look for in the
// configuration.
#include <gtest/gtest.h>

#include <algorithm>

#include "config/schema.h"
#include "diagnostics/observation.h"

namespace gatewhy {
namespace {

TEST(TimerNames, EachIsAKeyOfTheConfiguration) {
  for (int i = 0; i <= static_cast<int>(Timer::Tunnel); ++i) {
    const std::string_view timer = name(static_cast<Timer>(i));
    const auto rows = schemaRows();
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const SchemaRow& row) {
      const bool limits_time = row.type == ValueType::Duration || row.path == "limits.client_minimum_rate";
      const bool here = row.path.starts_with("limits.") || row.path.starts_with("origins.*.timeouts.");
      return here && limits_time && lastPart(row.path) == timer;
    });
    EXPECT_TRUE(known) << "timer " << i << " '" << timer << "'";
  }
}

}  // namespace
}  // namespace gatewhy
