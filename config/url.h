// SPDX-License-Identifier: Apache-2.0
// Places in the network as a configuration writes them. Nothing is resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/result.h"

namespace gatewhy {

// "http://host:port", "https://host:port", "unix:/path". The error says what
// to write instead.
[[nodiscard]] Result<EndpointConfig, std::string> parseEndpoint(std::string_view url);

// A listener's address in one canonical spelling, so that two spellings of
// one address are seen to be the same; the error says what to write instead.
[[nodiscard]] Result<std::string, std::string> canonicalListenerAddress(std::string_view text);

// Whether other machines can reach a listener's address (canonical or not):
// anything but loopback addresses, unix sockets and what systemd passes.
[[nodiscard]] bool isPublicAddress(std::string_view listener_address);

struct HostPort {
  std::string host;  // without brackets
  std::optional<std::uint16_t> port;
};
// "host", "host:port", "[v6]", "[v6]:port"; the host is not checked further.
[[nodiscard]] Result<HostPort, std::string> splitHostPort(std::string_view text);

// What is wrong with a DNS name or an IP literal (without brackets); "" where
// nothing is. A final dot is no part of the name (RFC 1034 section 3.1).
[[nodiscard]] std::string hostComplaint(std::string_view host);
[[nodiscard]] bool isIpLiteral(std::string_view host);  // "fe80::1%eth0" too
[[nodiscard]] std::string lowerCase(std::string_view text);
// "shop.example" of "shop.example.": the same name, said to be complete.
[[nodiscard]] std::string_view withoutFinalDot(std::string_view host) noexcept;
[[nodiscard]] std::string canonicalHost(std::string_view host);  // lower case, without a final dot

}  // namespace gatewhy
