// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol header (HAProxy's proxy-protocol.txt, versions 1 and 2)
// that a balancer sends before the client's bytes, and that we may send before
// ours. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/net/address.h"

namespace gatewhy {

struct ProxyHeader {
  enum class Status { NeedMore, Done, Invalid };
  Status status = Status::NeedMore;
  std::size_t consumed = 0;  // Done: header size
  // Absent: UNKNOWN, LOCAL or unix.
  std::optional<Address> source, destination;
  std::string problem;  // Invalid: what is wrong
};

// `bytes`: the connection's first bytes. Never needs more than
// kProxyHeaderLimit to decide.
inline constexpr std::size_t kProxyHeaderLimit = 536;
[[nodiscard]] ProxyHeader parseProxyHeader(std::string_view bytes);

// Of a client's connection: whose it is, and where it came in.
struct ProxiedAddresses {
  Address source, destination;
};
// What a connection to an origin begins with; "" for Off. `client`: null for a
// request of our own.
[[nodiscard]] std::string proxyHeader(SendProxyProtocol version, const ProxiedAddresses* client);

}  // namespace gatewhy
