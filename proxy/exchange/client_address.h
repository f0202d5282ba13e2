// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/cidr.h"
#include "diagnostics/text_buffer.h"
#include "proxy/http/message.h"
#include "proxy/net/address.h"

namespace gatewhy {

[[nodiscard]] bool isTrusted(const Address& address, const std::vector<Cidr>& trusted) noexcept;

// Of this host: 127.0.0.0/8 (v4-mapped) or ::1.
[[nodiscard]] bool isLoopbackAddress(const std::array<std::uint8_t, 16>& address) noexcept;

// The client that a chain of trusted proxies speaks for: read from the right,
// the first address in X-Forwarded-For that is not trusted itself, or the
// leftmost where all are. What stands left of it anybody could have written.
// Without that field the for= nodes of Forwarded (RFC 7239) are read; one that
// is "unknown" or obfuscated ends the walk. nullopt: neither field names
// anybody, or its last entry is not an address. Ask only where the peer is trusted.
[[nodiscard]] std::optional<Address> forwardedClient(const RequestHead& request, const std::vector<Cidr>& trusted);

// "a, b, ": those whom that field names, for the origin's X-Forwarded-For.
void appendEarlierHops(TextBuffer& out, const RequestHead& request);

}  // namespace gatewhy
