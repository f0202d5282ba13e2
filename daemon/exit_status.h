// SPDX-License-Identifier: Apache-2.0
// Exit statuses of the commands (sysexits.h where one exists).
#pragma once

namespace gatewhy {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;   // EX_USAGE
inline constexpr int kExitConfig = 78;  // EX_CONFIG

}  // namespace gatewhy
