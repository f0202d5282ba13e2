// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gatewhy {

// IANA's name of a TLS alert: "handshake_failure" for 40. Empty where IANA
// has none. OpenSSL 3.0 itself does not know 120, hence a table of our own.
[[nodiscard]] std::string_view tlsAlertName(int alert) noexcept;

}  // namespace gatewhy
