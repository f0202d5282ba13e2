// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "diagnostics/observation.h"

namespace gatewhy {

// TCP_INFO (tcp(7)) of a socket that connected; nullopt: not TCP.
[[nodiscard]] std::optional<TcpSnapshot> tcpSnapshot(int fd) noexcept;

}  // namespace gatewhy
