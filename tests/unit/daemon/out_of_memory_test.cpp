// SPDX-License-Identifier: Apache-2.0
#include "daemon/out_of_memory.h"

#include <gtest/gtest.h>

#include <new>

namespace gatewhy {
namespace {

TEST(OutOfMemoryDeathTest, SaysOneEventAndEnds) {
  const std::string line =
      "\\{\"timestamp\":\"20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{6}Z\".*"
      "\"cause\":\"proxy_memory_exhausted\"";
  EXPECT_DEATH(
      {
        prepareForOutOfMemory("stderr");
        std::get_new_handler()();
      },
      line);
}

}  // namespace
}  // namespace gatewhy
