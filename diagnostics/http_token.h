// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gatewhy {

// RFC 9110 section 5.6.2; not empty.
[[nodiscard]] constexpr bool isToken(std::string_view text) noexcept {
  constexpr std::string_view kToken = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !text.empty() && text.find_first_not_of(kToken) == std::string_view::npos;
}

}  // namespace gatewhy
