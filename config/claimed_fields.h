// SPDX-License-Identifier: Apache-2.0
// Fields by which hops tell an origin who the client is and what it asked for.
// Origins believe them, so a stranger's do not reach one: only those of
// trusted_proxies, and what a route's request_headers.keep lists. Some no hop
// writes: proxies in front pass on what their clients sent, so being trusted
// does not let these through. Those that gatewhy writes itself
// (X-Forwarded-For, Forwarded and so on) are not here:
// proxy/exchange/forward_head.cpp writes them anew.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gatewhy {

enum class Claim : std::uint8_t {
  None,
  OfHops,
  OfAttackers,  // whoever sends it
  OfMethod,     // likewise, where a rule depends on the method; else clients have uses for it
};

struct ClaimedField {
  std::string_view name;    // as it is usually written; a final "*" stands for all that begin so
  std::string_view claims;  // what origins take it for, for docs/headers.md
  Claim claim = Claim::OfHops;
};

[[nodiscard]] std::span<const ClaimedField> claimedFields() noexcept;

// Case-insensitive. Cheap where the answer is None.
[[nodiscard]] Claim claimOf(std::string_view name) noexcept;

}  // namespace gatewhy
