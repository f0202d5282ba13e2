// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "config/config.h"
#include "diagnostics/redaction.h"
#include "proxy/net/connector.h"
#include "proxy/origin/origin_connection.h"

namespace gatewhy {

// What was connected, in the version of HTTP that is spoken on it. `fields`: a
// response's at most; 0 = no limit. `streams`: requests that it is given before
// it has said how many it takes.
[[nodiscard]] std::unique_ptr<OriginConnection> newOriginConnection(EventLoop& loop, const OriginConfig& origin,
                                                                    std::uint32_t fields, std::uint32_t streams,
                                                                    const Redaction& redaction, Connected connected);

}  // namespace gatewhy
