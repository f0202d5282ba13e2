// SPDX-License-Identifier: Apache-2.0
// The Proxy-Status field (RFC 9209).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/diagnosis.h"

namespace gatewhy {

// The field value for a synthesised response; empty where there is nothing to
// say (disclose: none, or a cause without an error type). `received_status`
// is what the origin said, 0 = it did not speak. Text that names hosts,
// addresses or fields is only in it with Disclose::Evidence.
[[nodiscard]] std::string proxyStatus(const Diagnosis& diagnosis, std::string_view hop_name, Disclose disclose,
                                      std::uint16_t received_status);

// The field value for a response that is passed on.
[[nodiscard]] std::string passedOnProxyStatus(std::string_view hop_name, std::uint16_t received_status);

}  // namespace gatewhy
