// SPDX-License-Identifier: Apache-2.0
// host [":" port], as in Host and in request targets (RFC 3986 section 3.2,
// RFC 9110 section 7.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatewhy {

struct Authority {
  // IPv6 without brackets, a name without a final dot: "shop.example." is the
  // same name, said to be complete (RFC 1034 section 3.1).
  std::string_view host;
  bool has_port_digits = false;
  std::uint16_t port = 0;
};

// Offset of the first octet that makes `text` no authority; nullopt = `out` is
// filled. User information is refused: in HTTP it only ever deceives
// (RFC 9110 section 4.2.4), as is percent-encoding. An empty port is tolerated (RFC 3986 section 3.2.3).
[[nodiscard]] std::optional<std::size_t> parseAuthority(std::string_view text, Authority& out) noexcept;

}  // namespace gatewhy
