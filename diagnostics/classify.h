// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "diagnostics/observation.h"

namespace gatewhy {

// Pure: the same observation always gives the same cause. One exhaustive
// switch per phase. Never fails: what no row describes is
// proxy_internal_error, with the raw numbers kept in the observation.
[[nodiscard]] Cause classify(const Observation& observation) noexcept;

// The same, whoever the request was to: why a login service failed.
[[nodiscard]] Cause classifyFault(const Observation& observation) noexcept;

// Interim responses (1xx) came, and no byte of a final one.
[[nodiscard]] bool onlyInterims(const Observation& observation) noexcept;
// The time for the response head was over while it was still coming: bytes
// came in the second half of the wait too.
[[nodiscard]] bool headDripped(const Observation& observation) noexcept;

}  // namespace gatewhy
