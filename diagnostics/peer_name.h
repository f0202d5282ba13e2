// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gatewhy {

// Names what a peer speaks by its first bytes (16 to 32 are enough): "SSH",
// "TLS alert", "HTTP/2 SETTINGS", "text", "binary" … Empty for no bytes.
// A guess for people; nothing decides by it.
[[nodiscard]] std::string_view identifyPeer(std::string_view first_bytes) noexcept;

// A TLS alert record (RFC 8446 section 5.1: type 21, major version 3), the
// usual answer of a TLS server to plain HTTP.
[[nodiscard]] bool beginsWithTlsAlert(std::string_view first_bytes) noexcept;

}  // namespace gatewhy
