// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace gatewhy {

// HTML text and attribute values alike; controls are made visible. Ill-formed
// UTF-8 may pass: a browser shows U+FFFD and never swallows the ASCII after it.
[[nodiscard]] std::string escapeHtml(std::string_view text);

}  // namespace gatewhy
