// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "diagnostics/observation.h"
#include "proxy/http/message.h"

namespace gatewhy {

// True where the request's Upgrade is passed on: HTTP/1.1, nominated by
// Connection, without a body. h2c is not offered to origins by this hop, so a
// request for it is forwarded without (RFC 9110 section 7.8 lets a server
// ignore Upgrade).
[[nodiscard]] bool forwardsUpgrade(const RequestHead& request);

// Judges a 101 (RFC 9110 section 15.2.2, RFC 6455 section 4.2.2), or what came
// instead where the request must switch: nullopt where it answers what was asked.
[[nodiscard]] std::optional<UpgradeFault> judgeSwitch(const RequestHead& request, bool upgrade_forwarded,
                                                      const ResponseHead& response);

// A new key for Sec-WebSocket-Key: base64 of 16 random octets (RFC 6455 section 4.1).
[[nodiscard]] std::string webSocketKey();

// base64(SHA-1(key + GUID)), RFC 6455 section 4.2.2.
[[nodiscard]] std::string webSocketAccept(std::string_view key);

}  // namespace gatewhy
