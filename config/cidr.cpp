// SPDX-License-Identifier: Apache-2.0
#include "config/cidr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "config/units.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMappedBytes = 12;  // ::ffff:0:0/96, RFC 4291 section 2.5.5.2

// Bits of byte `index` that belong to a prefix of `bits`.
std::uint8_t maskByte(unsigned bits, std::size_t index) noexcept {
  const unsigned before = static_cast<unsigned>(index) * 8;
  if (bits <= before) {
    return 0;
  }
  const unsigned inside = std::min(bits - before, 8U);
  return static_cast<std::uint8_t>(0xFF00U >> inside);
}

}  // namespace

std::optional<Cidr> Cidr::parse(std::string_view text) noexcept {
  if (text.size() > 64) {
    return std::nullopt;
  }
  const std::size_t slash = text.find('/');
  char address[65] = {};
  text.substr(0, slash).copy(address, 64);

  Cidr block;
  const bool v4 = ::inet_pton(AF_INET, address, block.network.data() + kMappedBytes) == 1;
  if (v4) {
    block.network[10] = block.network[11] = 0xFF;
  } else if (::inet_pton(AF_INET6, address, block.network.data()) != 1) {
    return std::nullopt;
  }
  if (slash != std::string_view::npos) {
    const auto bits = parseWholeNumber(text.substr(slash + 1));
    if (!bits || *bits > (v4 ? 32U : 128U)) {
      return std::nullopt;
    }
    block.prefix_bits = static_cast<std::uint8_t>(*bits + (v4 ? kMappedBytes * 8 : 0));
  }
  // A bit after the prefix is a typing error in a list of whom to believe.
  for (std::size_t i = 0; i < block.network.size(); ++i) {
    if ((block.network[i] & ~maskByte(block.prefix_bits, i)) != 0) {
      return std::nullopt;
    }
  }
  return block;
}

bool Cidr::contains(const std::array<std::uint8_t, 16>& address) const noexcept {
  for (std::size_t i = 0; i < network.size(); ++i) {
    if ((address[i] & maskByte(prefix_bits, i)) != network[i]) {
      return false;
    }
  }
  return true;
}

bool Cidr::covers(const Cidr& other) const noexcept {
  return prefix_bits <= other.prefix_bits && contains(other.network);
}

std::string Cidr::text() const {
  const bool v4 = prefix_bits >= kMappedBytes * 8 &&
                  std::all_of(network.begin(), network.begin() + 10, [](std::uint8_t byte) { return byte == 0; }) &&
                  network[10] == 0xFF && network[11] == 0xFF;
  std::array<char, INET6_ADDRSTRLEN> address{};
  ::inet_ntop(v4 ? AF_INET : AF_INET6, network.data() + (v4 ? kMappedBytes : 0), address.data(), address.size());
  return fmt::format("{}/{}", address.data(), v4 ? prefix_bits - kMappedBytes * 8 : prefix_bits);
}

std::string cidrComplaint(const std::string& text) {
  if (Cidr::parse(text)) {
    return "";
  }
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos && Cidr::parse(text.substr(0, slash))) {
    return fmt::format(
        "'{}' is not an address block: the prefix length is impossible, or the address has bits after it", text);
  }
  return fmt::format("'{}' is not an address or a block such as 10.0.0.0/8 or 2001:db8::/32", text);
}

}  // namespace gatewhy
