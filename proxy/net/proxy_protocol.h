// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol header (HAProxy's proxy-protocol.txt, versions 1 and 2)
// that a balancer sends before the client's bytes. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/address.h"

namespace gatewhy {

struct ProxyHeader {
  enum class Status { NeedMore, Done, Invalid };
  Status status = Status::NeedMore;
  std::size_t consumed = 0;       // Done: header size
  std::optional<Address> source;  // absent: UNKNOWN, LOCAL or unix
  std::string problem;            // Invalid: what is wrong
};

// `bytes`: the connection's first bytes. Never needs more than
// kProxyHeaderLimit to decide.
inline constexpr std::size_t kProxyHeaderLimit = 536;
[[nodiscard]] ProxyHeader parseProxyHeader(std::string_view bytes);

}  // namespace gatewhy
