// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatewhy {

// A socket address by value: IPv4, IPv6 or unix.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] std::uint16_t port() const noexcept;  // 0 for unix
  [[nodiscard]] std::string ip() const;               // "192.0.2.1", "2001:db8::1", "" for unix
  [[nodiscard]] std::string text() const;             // "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path"
  // ::ffff:192.0.2.1, as an IPv6 socket names an IPv4 peer, is 192.0.2.1 (RFC
  // 4291 section 2.5.5.2); any other address is itself.
  [[nodiscard]] Address unmapped() const noexcept;
  // 16 bytes in network order, v4-mapped; zeros for unix.
  [[nodiscard]] std::array<std::uint8_t, 16> bytes() const noexcept;

  [[nodiscard]] static std::optional<Address> fromIp(
      std::string_view ip,
      std::uint16_t port);  // a literal, no brackets; "fe80::1%eth0" too; unmapped
  [[nodiscard]] static std::optional<Address> unixPath(std::string_view path);  // nullopt: too long for sun_path
  // "192.0.2.1:80", "[::1]:80", "unix:/path"
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
};

[[nodiscard]] bool operator==(const Address& a, const Address& b) noexcept;

}  // namespace gatewhy
