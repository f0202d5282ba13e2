// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "diagnostics/findings.h"

namespace gatewhy {

// What browsers refuse of one Set-Cookie (RFC 6265 section 5, RFC 6265bis
// section 5.7). `host`: lower case, the name that the client asked for; ""
// where that is not known, and then Domain is not judged.
[[nodiscard]] FindingSet lintSetCookie(std::string_view value, std::string_view host) noexcept;

}  // namespace gatewhy
