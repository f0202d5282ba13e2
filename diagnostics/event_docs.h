// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gatewhy {

// The text of docs/events.md, made from the key tables.
[[nodiscard]] std::string eventsMarkdown();

}  // namespace gatewhy
