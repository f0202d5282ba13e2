// SPDX-License-Identifier: Apache-2.0
// Fields by which hops tell an origin who the client is and what it asked for.
// Origins believe them, so a stranger's do not reach one: only those of
// trusted_proxies, and what a route's request_headers.keep lists. Those that
// gatewhy writes itself (X-Forwarded-For, Forwarded and so on) are not here:
// proxy/exchange/forward_head.cpp writes them anew.
#pragma once

#include <span>
#include <string_view>

namespace gatewhy {

struct ClaimedField {
  std::string_view name;    // as it is usually written; "X-Forwarded-*" stands for all that begin so
  std::string_view claims;  // what origins take it for, for docs/headers.md
};

[[nodiscard]] std::span<const ClaimedField> claimedFields() noexcept;

// Case-insensitive. Cheap where the answer is no.
[[nodiscard]] bool isClaimedField(std::string_view name) noexcept;

}  // namespace gatewhy
