// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "diagnostics/result.h"
#include "proxy/client/listener.h"

namespace gatewhy {

enum class Became : std::uint8_t { Asked, Already, NotRoot };

// What `user` and `group` ask for: gives the log's file and those of sockets to
// that user and becomes it, for good, in all threads. CAP_NET_BIND_SERVICE
// stays to the calling thread (which opens listeners on a reload) and to a
// successor; no other capability does. Already: nothing is asked, or it is us.
// NotRoot: only root could. The error is a sentence.
[[nodiscard]] Result<Became, std::string> becomeUser(const Config& config);

// `mode` and `group` of a unix listener; nothing for others.
[[nodiscard]] Result<bool, ListenFault> applySocketRights(const ListenerConfig& listener);

}  // namespace gatewhy
