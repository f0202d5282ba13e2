// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gatewhy {

// IMF-fixdate of the present second (RFC 9110 section 5.6.7), for the Date of
// responses that have none yet. Valid until the thread's next call.
[[nodiscard]] std::string_view currentDate();

}  // namespace gatewhy
