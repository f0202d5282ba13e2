// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/client_address.h"

#include <algorithm>

namespace gatewhy {
namespace {

constexpr std::size_t kLongestEntry = 64;  // "[address%zone]:port"

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

// An address as proxies write it there: bare, or with a port.
std::optional<Address> parseEntry(std::string_view entry) {
  if (entry.empty() || entry.size() > kLongestEntry) {
    return std::nullopt;
  }
  if (auto bare = Address::fromIp(entry, 0)) {
    return bare;
  }
  if (entry.front() == '[' && entry.back() == ']') {
    return Address::fromIp(entry.substr(1, entry.size() - 2), 0);
  }
  auto with_port = Address::parse(entry);
  return with_port && with_port->family() != AF_UNIX ? with_port : std::nullopt;
}

}  // namespace

bool isTrusted(const Address& address, const std::vector<Cidr>& trusted) noexcept {
  return std::any_of(trusted.begin(), trusted.end(),
                     [bytes = address.bytes()](const Cidr& block) { return block.contains(bytes); });
}

std::optional<Address> forwardedClient(const RequestHead& request, const std::vector<Cidr>& trusted) {
  std::optional<Address> nearest;
  for (auto field = request.fields.rbegin(); field != request.fields.rend(); ++field) {
    if (field->id != FieldId::XForwardedFor) {
      continue;
    }
    std::string_view rest = request.value(*field);
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const std::string_view entry = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      const auto address = parseEntry(entry);
      if (!address) {
        return nearest;
      }
      nearest = address;
      if (!isTrusted(*address, trusted)) {
        return nearest;
      }
    }
  }
  return nearest;
}

bool isLoopbackAddress(const std::array<std::uint8_t, 16>& address) noexcept {
  constexpr std::array<std::uint8_t, 16> kIpv6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 13> kIpv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  return address == kIpv6 || std::equal(kIpv4.begin(), kIpv4.end(), address.begin());
}

}  // namespace gatewhy
