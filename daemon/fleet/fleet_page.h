// SPDX-License-Identifier: Apache-2.0
// The fleet's page: one self-contained document and the JSON that it asks for.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "diagnostics/result.h"
#include "proxy/loop/fd.h"

namespace gatewhy {

// A listening socket on "ADDRESS:PORT" (an IPv4 loopback address: nobody is asked for a password).
[[nodiscard]] Result<Fd, std::string> openFleetPage(const std::string& address);
// As bound.
[[nodiscard]] std::string fleetPageAddress(int fd);
// Serves `json` at /api/v1/fleet and the page at /, one request a connection,
// until `stop`. Blocks.
void serveFleetPage(int fd, const std::function<std::string()>& json, const std::atomic<bool>& stop);

}  // namespace gatewhy
