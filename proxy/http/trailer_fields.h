// SPDX-License-Identifier: Apache-2.0
// Which fields may come after a chunked body (RFC 9110 section 6.5.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace gatewhy {

enum class TrailerUse : std::uint8_t {
  Keep,
  Drop,    // read too late to mean anything: authentication, request modifiers, response control
  Refuse,  // frames, routes or re-interprets the message: believed by one reader, ignored by the next
};
[[nodiscard]] TrailerUse trailerUse(std::string_view name) noexcept;

}  // namespace gatewhy
