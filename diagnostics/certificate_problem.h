// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "diagnostics/observation.h"

namespace gatewhy {

// The verification error that names the failure when there are several: the
// first one, but a wrong name only where the chain itself is in order.
// Null where the verify callback reported none.
[[nodiscard]] const X509Problem* decisiveProblem(const TlsFault& fault) noexcept;

// Code 62, 63 or 64: host, e-mail address or IP address.
[[nodiscard]] bool isNameMismatch(const X509Problem& problem) noexcept;

}  // namespace gatewhy
