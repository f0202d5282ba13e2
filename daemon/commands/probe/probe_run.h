// SPDX-License-Identifier: Apache-2.0
// One probe on an event loop of its own.
#pragma once

#include <vector>

#include "config/config.h"
#include "daemon/commands/probe/prober.h"
#include "proxy/http/message.h"
#include "proxy/net/address.h"

namespace gatewhy {

// `pinned`: the name resolves to these; empty = it is looked up. Blocks.
[[nodiscard]] ProbeResult runProbe(const ConfigPtr& config, const RequestHead& head,
                                   const std::vector<Address>& pinned);

// Every address of the only endpoint's name, IPv6 first, within
// timeouts.resolve; empty where there is none. Blocks.
[[nodiscard]] std::vector<Address> resolveAll(const Config& config);

}  // namespace gatewhy
