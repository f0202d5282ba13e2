// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace gatewhy {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// sockaddr_storage is meant to be seen through the type its family names.
const sockaddr_in& asV4(const Address& address) {
  return *reinterpret_cast<const sockaddr_in*>(&address.storage);
}
const sockaddr_in6& asV6(const Address& address) {
  return *reinterpret_cast<const sockaddr_in6*>(&address.storage);
}

std::string_view pathOf(const Address& address) {
  if (address.size <= kPathOffset) {
    return {};  // unnamed: the client side of a unix connection
  }
  const auto& path = reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
  const std::size_t room = std::min<std::size_t>(address.size - kPathOffset, sizeof path);
  return {path, strnlen(path, room)};
}

std::optional<std::uint32_t> scopeId(std::string_view zone) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), number);
  if (error == std::errc{} && end == zone.data() + zone.size() && number != 0) {
    return number;
  }
  number = if_nametoindex(std::string(zone).c_str());
  return number == 0 ? std::nullopt : std::optional(number);
}

std::optional<Address> fromV6(std::string_view ip, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const std::size_t percent = ip.find('%');
  if (percent != std::string_view::npos) {
    const auto scope = scopeId(ip.substr(percent + 1));
    if (!scope) {
      return std::nullopt;
    }
    v6.sin6_scope_id = *scope;
  }
  if (inet_pton(AF_INET6, std::string(ip.substr(0, percent)).c_str(), &v6.sin6_addr) != 1) {
    return std::nullopt;
  }
  Address address;
  std::memcpy(&address.storage, &v6, sizeof v6);
  address.size = sizeof v6;
  return address.unmapped();
}

}  // namespace

std::uint16_t Address::port() const noexcept {
  switch (family()) {
    case AF_INET:
      return ntohs(asV4(*this).sin_port);
    case AF_INET6:
      return ntohs(asV6(*this).sin6_port);
    default:
      return 0;
  }
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &asV4(*this).sin_addr, text, sizeof text);
    return text;
  }
  if (family() != AF_INET6) {
    return "";
  }
  inet_ntop(AF_INET6, &asV6(*this).sin6_addr, text, sizeof text);
  const std::uint32_t scope = asV6(*this).sin6_scope_id;
  if (scope == 0) {
    return text;
  }
  char interface[IF_NAMESIZE] = "";
  if (if_indextoname(scope, interface) != nullptr) {
    return fmt::format("{}%{}", text, interface);
  }
  return fmt::format("{}%{}", text, scope);
}

std::string Address::text() const {
  switch (family()) {
    case AF_INET:
      return fmt::format("{}:{}", ip(), port());
    case AF_INET6:
      return fmt::format("[{}]:{}", ip(), port());
    case AF_UNIX:
      return fmt::format("{}{}", kUnixPrefix, pathOf(*this));
    default:
      return "";
  }
}

Address Address::unmapped() const noexcept {
  if (family() != AF_INET6 || IN6_IS_ADDR_V4MAPPED(&asV6(*this).sin6_addr) == 0) {
    return *this;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = asV6(*this).sin6_port;
  std::memcpy(&v4.sin_addr, &asV6(*this).sin6_addr.s6_addr[12], sizeof v4.sin_addr);
  Address address;
  std::memcpy(&address.storage, &v4, sizeof v4);
  address.size = sizeof v4;
  return address;
}

std::array<std::uint8_t, 16> Address::bytes() const noexcept {
  std::array<std::uint8_t, 16> out{};
  if (family() == AF_INET) {
    out[10] = out[11] = 0xff;
    std::memcpy(&out[12], &asV4(*this).sin_addr, 4);
  } else if (family() == AF_INET6) {
    std::memcpy(out.data(), &asV6(*this).sin6_addr, 16);
  }
  return out;
}

std::optional<Address> Address::fromIp(std::string_view ip, std::uint16_t port) {
  if (ip.find('\0') != std::string_view::npos) {
    return std::nullopt;  // inet_pton would stop there
  }
  if (ip.find(':') != std::string_view::npos) {
    return fromV6(ip, port);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, std::string(ip).c_str(), &v4.sin_addr) != 1) {
    return std::nullopt;
  }
  Address address;
  std::memcpy(&address.storage, &v4, sizeof v4);
  address.size = sizeof v4;
  return address;
}

std::optional<Address> Address::unixPath(std::string_view path) {
  sockaddr_un local{};
  if (path.empty() || path.size() >= sizeof local.sun_path || path.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  Address address;
  std::memcpy(&address.storage, &local, sizeof local);
  address.size = static_cast<socklen_t>(kPathOffset + path.size() + 1);
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    return unixPath(text.substr(kUnixPrefix.size()));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  const std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const std::string_view inner = host.substr(1, host.size() - 2);
    return inner.find(':') == std::string_view::npos ? std::nullopt : fromIp(inner, port);
  }
  return host.find(':') == std::string_view::npos ? fromIp(host, port) : std::nullopt;
}

bool operator==(const Address& a, const Address& b) noexcept {
  if (a.family() != b.family()) {
    return false;
  }
  switch (a.family()) {
    case AF_INET:
      return a.port() == b.port() && asV4(a).sin_addr.s_addr == asV4(b).sin_addr.s_addr;
    case AF_INET6:
      return a.port() == b.port() && asV6(a).sin6_scope_id == asV6(b).sin6_scope_id && a.bytes() == b.bytes();
    case AF_UNIX:
      return pathOf(a) == pathOf(b);
    default:
      return true;
  }
}

}  // namespace gatewhy
