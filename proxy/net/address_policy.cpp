// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/address_policy.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

bool isV4(const Bytes& ip) {
  return std::all_of(ip.begin(), ip.begin() + 10, [](std::uint8_t byte) { return byte == 0; }) && ip[10] == 0xff &&
         ip[11] == 0xff;
}

bool isUnspecified(const Bytes& ip) {
  const auto host = ip.begin() + (isV4(ip) ? 12 : 0);
  return std::all_of(host, ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool isLoopback(const Bytes& ip) {
  if (isV4(ip)) {
    return ip[12] == 127;
  }
  return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t byte) { return byte == 0; }) && ip[15] == 1;
}

bool isOnThisHost(const Bytes& ip) {
  if (isLoopback(ip)) {
    return true;
  }
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) {
    return false;
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, &freeifaddrs);
  for (const ifaddrs* item = list.get(); item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr) {
      continue;
    }
    Address own;
    if (item->ifa_addr->sa_family == AF_INET) {
      own.size = sizeof(sockaddr_in);
    } else if (item->ifa_addr->sa_family == AF_INET6) {
      own.size = sizeof(sockaddr_in6);
    } else {
      continue;
    }
    std::memcpy(&own.storage, item->ifa_addr, own.size);
    if (own.bytes() == ip) {
      return true;
    }
  }
  return false;
}

bool reaches(const Address& target, const Address& listener) {
  if (listener.family() == AF_UNIX || target.family() == AF_UNIX) {
    return listener == target;
  }
  if (listener.port() != target.port()) {
    return false;
  }
  const Bytes ip = target.bytes();
  const Bytes bound = listener.bytes();
  if (bound == ip) {
    return true;
  }
  // A wildcard listens on the addresses of its own family. A connection to the
  // unspecified address goes to this host.
  return (isUnspecified(bound) && isV4(bound) == isV4(ip) && (isUnspecified(ip) || isOnThisHost(ip))) ||
         (isUnspecified(ip) && isLoopback(bound) && isV4(ip) == isV4(bound));
}

}  // namespace

bool hasRoute(const Address& address) noexcept {
  const Fd probe(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe.valid() && ::connect(probe.get(), address.get(), address.size) == 0;
}

std::optional<std::string_view> ruleAgainst(const Address& address) noexcept {
  const Bytes ip = address.bytes();
  if (isUnspecified(ip)) {
    return "unspecified address";
  }
  if (isV4(ip)) {
    if (ip[12] == 169 && ip[13] == 254) {
      return "link-local address";
    }
    if (ip[12] >= 224 && ip[12] < 240) {
      return "multicast address";
    }
    if (ip[12] == 255 && ip[13] == 255 && ip[14] == 255 && ip[15] == 255) {
      return "broadcast address";
    }
    if (ip[12] == 0) {
      return "address of \"this network\"";
    }
    return std::nullopt;
  }
  if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) {
    return "link-local address";
  }
  if (ip[0] == 0xff) {
    return "multicast address";
  }
  return std::nullopt;
}

bool isOwnListener(const Address& target, const std::vector<Address>& listeners) {
  return std::any_of(listeners.begin(), listeners.end(),
                     [&](const Address& listener) { return reaches(target, listener); });
}

}  // namespace gatewhy
