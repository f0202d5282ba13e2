// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatewhy {

// An address block such as 10.0.0.0/8 or 2001:db8::/32; a bare address is a
// block of one. IPv4 is kept v4-mapped, so that ::ffff:10.1.2.3 is inside
// 10.0.0.0/8.
struct Cidr {
  std::array<std::uint8_t, 16> network{};
  std::uint8_t prefix_bits = 128;  // counted in the mapped form

  [[nodiscard]] static std::optional<Cidr> parse(std::string_view text) noexcept;
  // `address`: 16 bytes, network order, v4-mapped for IPv4.
  [[nodiscard]] bool contains(const std::array<std::uint8_t, 16>& address) const noexcept;
  // True where every address of `other` is in this block.
  [[nodiscard]] bool covers(const Cidr& other) const noexcept;
  [[nodiscard]] std::string text() const;  // "10.0.0.0/8"
};

// What is wrong with a block in a configuration; "" where nothing is.
[[nodiscard]] std::string cidrComplaint(const std::string& text);

}  // namespace gatewhy
