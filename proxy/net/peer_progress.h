// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "proxy/net/transport.h"

namespace gatewhy {

// How many bytes the peer has taken of this connection, for comparison with an
// earlier answer and with nothing else: what its TCP has acknowledged (TLS
// records, handshake and earlier messages included), or on a unix socket what
// it has read of the `written` bytes. A system call: for a timer, not per write.
[[nodiscard]] std::uint64_t bytesTakenByPeer(const Transport& transport, std::uint64_t written) noexcept;

// Bounds what waits in the kernel for the peer's window (TCP_NOTSENT_LOWAT; on
// a listening socket: of all that it accepts), so that a slow peer holds little
// memory and a reader's progress is seen in small steps. Not for spliced
// bodies, which move by whole pipes.
void boundUnsentBytes(int fd) noexcept;
void unboundUnsentBytes(int fd) noexcept;

}  // namespace gatewhy
