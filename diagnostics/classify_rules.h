// SPDX-License-Identifier: Apache-2.0
// The parts of classify(), one per kind of fault that needs a file.
#pragma once

#include "diagnostics/observation.h"

namespace gatewhy {

[[nodiscard]] Cause causeOfConnect(const ConnectFault& fault, const ConnectionFacts& connection) noexcept;

// During the handshake with the origin.
[[nodiscard]] Cause causeOfTlsHandshake(const TlsFault& fault) noexcept;

// With a client; a certificate of the client's that is refused ends no handshake.
[[nodiscard]] Cause causeOfClientTls(const TlsFault& fault) noexcept;

// After our side thought the handshake was done.
[[nodiscard]] Cause causeOfLateTls(const TlsFault& fault, std::uint64_t response_received) noexcept;

// Whether request bytes are still without acknowledgement, as far as TCP_INFO
// tells; false without it.
[[nodiscard]] bool requestUnacknowledged(const Observation& observation) noexcept;

}  // namespace gatewhy
