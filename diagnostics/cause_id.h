// SPDX-License-Identifier: Apache-2.0
// The names of causes in other people's name spaces. All are derived from the
// cause's own name and as stable as that.
#pragma once

#include <string>

#include "diagnostics/cause.h"

namespace gatewhy {

// The `type` of a problem document (RFC 9457 section 3.1.1):
// "urn:gatewhy:cause:connection_refused".
inline constexpr std::string_view kProblemTypePrefix = "urn:gatewhy:cause:";
[[nodiscard]] std::string problemType(Cause cause);

// The journal's MESSAGE_ID: 32 lower-case hexadecimal digits, by which
// `journalctl -x` finds the catalogue's text and `journalctl MESSAGE_ID=` the
// events. A UUID of version 8 (RFC 9562 section 5.8) over problemType().
[[nodiscard]] std::string messageId(Cause cause);

}  // namespace gatewhy
