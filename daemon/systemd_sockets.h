// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "proxy/exchange/listener.h"

namespace gatewhy {

// "systemd:NAME": a socket that systemd opened (sd_listen_fds_with_names(3)).
[[nodiscard]] bool isSystemdAddress(const std::string& address);
// Every worker gets a duplicate of it.
[[nodiscard]] Result<ListenSockets, ListenFault> takeSystemdSocket(const std::string& address, std::size_t workers);

}  // namespace gatewhy
