// SPDX-License-Identifier: Apache-2.0
// Other proxies' configurations, recognised so that somebody who comes from
// there is told where to read on.
#pragma once

#include <string_view>

namespace gatewhy {

// Whose configuration file the text is, by name ("nginx"); "" where it is
// nobody's that is known.
[[nodiscard]] std::string_view foreignProduct(std::string_view text);

// gatewhy's word for another proxy's key, as a clause ("write 'origins'");
// "" where there is nothing to say.
[[nodiscard]] std::string_view foreignKeyHint(std::string_view key);

}  // namespace gatewhy
