// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gatewhy {

// "ECONNREFUSED" for 111. Empty for 0 and for numbers Linux does not use for
// sockets and files. Thread-safe, unlike strerror().
[[nodiscard]] std::string_view errnoName(int error) noexcept;

}  // namespace gatewhy
