// SPDX-License-Identifier: Apache-2.0
// Addresses that a connection must not go to.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "proxy/net/address.h"

namespace gatewhy {

// The rule that forbids an address which a DNS answer named: nobody means
// these with an origin's name, and cloud metadata services live on link-local
// ones. What the configuration itself writes is not asked about.
[[nodiscard]] std::optional<std::string_view> ruleAgainst(const Address& address) noexcept;

// True where `target` is one of our own listeners, also through a wildcard
// address that listens on every address of its family on this host. An IPv6
// listener that takes IPv4 too is two entries.
[[nodiscard]] bool isOwnListener(const Address& target, const std::vector<Address>& listeners);

// Whether this machine knows a way to the address. No packet is sent.
[[nodiscard]] bool hasRoute(const Address& address) noexcept;

}  // namespace gatewhy
