// SPDX-License-Identifier: Apache-2.0
// What intermediaries between gatewhy and the origin say of a response in
// Proxy-Status (RFC 9209): read for the event, never changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatewhy {

struct ReceivedProxyStatus {
  std::string name;                   // of the intermediary
  std::string error;                  // its error type; "" = it names none
  std::string details;                // its words
  std::uint16_t received_status = 0;  // 0 = not said
};

// The member that explains the response: the first with an error, for the list
// begins at the origin's side; else the last. `value`: all lines of the field,
// joined with ", ". nullopt where it is no list of tokens and strings (RFC
// 9651 section 4.2: then all of it is to be ignored) or too long.
[[nodiscard]] std::optional<ReceivedProxyStatus> readProxyStatus(std::string_view value);

}  // namespace gatewhy
