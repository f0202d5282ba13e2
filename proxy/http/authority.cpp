// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

bool isIpv6(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN + 1> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr parsed{};
  return inet_pton(AF_INET6, terminated.data(), &parsed) == 1;
}

// Where a registered name that begins at 0 ends, or is none. Percent-encoding
// and empty labels are no part of it: no client has a use for them, and servers
// read "a%2eb" and "a..b" in several ways.
std::size_t skipName(std::string_view text) noexcept {
  const std::size_t end = octets::skip(text, 0, octets::kRegName);
  const std::string_view name = text.substr(0, end);
  return name.starts_with('.') ? 0 : std::min(name.find(".."), end);
}

}  // namespace

std::optional<std::size_t> parseAuthority(std::string_view text, Authority& out) noexcept {
  std::size_t at = 0;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !isIpv6(text.substr(1, close - 1))) {
      return 0;
    }
    out.host = text.substr(1, close - 1);
    at = close + 1;
  } else {
    at = skipName(text);
    if (at == 0) {
      return 0;
    }
    out.host = text.substr(0, at);
    if (at > 1 && out.host.ends_with('.')) {
      out.host.remove_suffix(1);
    }
  }
  if (at == text.size()) {
    return std::nullopt;
  }
  if (text[at] != ':') {
    return at;
  }
  constexpr std::size_t kMostDigits = 5;
  std::uint32_t port = 0;
  for (std::size_t digit = at + 1; digit < text.size(); ++digit) {
    if (!octets::is(text[digit], octets::kDigit) || digit > at + kMostDigits) {
      return digit;
    }
    port = port * 10 + static_cast<std::uint32_t>(text[digit] - '0');
  }
  if (port > 65535) {
    return at + 1;
  }
  out.has_port_digits = at + 1 < text.size();
  out.port = static_cast<std::uint16_t>(port);
  return std::nullopt;
}

}  // namespace gatewhy
