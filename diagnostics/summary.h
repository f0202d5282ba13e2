// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "diagnostics/cause.h"
#include "diagnostics/observation.h"

namespace gatewhy {

// One sentence: what the cause's row says was seen, and in parentheses the
// facts that make it this failure and no other (peer, errno, bytes, limit,
// certificate). Never a field value, never a body; text from peers is bounded
// and stripped of control octets.
[[nodiscard]] std::string summarize(Cause cause, const Observation& observation);

}  // namespace gatewhy
