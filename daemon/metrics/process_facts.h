// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gatewhy {

// What the kernel says of this process; 0 where it says nothing.
struct ProcessFacts {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_fds = 0, max_fds = 0;
  std::uint64_t threads = 0;
  double start_time = 0;  // Unix seconds
};
[[nodiscard]] ProcessFacts processFacts();

}  // namespace gatewhy
