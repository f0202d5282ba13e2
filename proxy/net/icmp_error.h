// SPDX-License-Identifier: Apache-2.0
// The socket's error queue (ip(7), IP_RECVERR): which router or host said no,
// and in which words.
#pragma once

#include <optional>

#include "diagnostics/observation.h"
#include "proxy/net/address.h"

namespace gatewhy {

// Before connect(): what arrives earlier is not queued. Best effort.
void keepIcmpErrors(int fd, int family) noexcept;

// Empties the queue; the first ICMP error in it, nullopt where the error came
// from the peer (a RST) or from this host. A neighbour that does not answer
// ARP or ND makes the kernel send "host unreachable" to itself; that is no
// router's word and is left out. Changes SO_ERROR: read that first.
[[nodiscard]] std::optional<IcmpError> takeIcmpError(int fd, const Address& target);

}  // namespace gatewhy
