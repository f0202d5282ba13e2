// SPDX-License-Identifier: Apache-2.0
// How many cores the process may use, which is less than the machine has
// where an affinity mask or a control group says so: a pod with half a core on
// a machine of 64 wants one event loop, not 64.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gatewhy {

// The text of a file, or nullopt where it cannot be read.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

// The CPU quota in cores (0.5 = half of one), the least of the process's
// control group and those above it: cpu.max of the unified hierarchy, or
// cpu.cfs_quota_us of the older one (cgroups(7)). nullopt: no quota.
[[nodiscard]] std::optional<double> cpuQuota(const FileReader& read);

// Cores by affinity (sched_getaffinity(2)), capped by the quota rounded up;
// 1 to 1024.
[[nodiscard]] std::uint32_t usableCpus();
[[nodiscard]] std::uint32_t usableCpus(std::uint32_t by_affinity, std::optional<double> quota);

}  // namespace gatewhy
