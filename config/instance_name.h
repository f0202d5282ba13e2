// SPDX-License-Identifier: Apache-2.0
// What an instance calls itself where nobody gave it a name.
#pragma once

#include <string>
#include <string_view>

namespace gatewhy {

struct Config;

// "gatewhy-" and 8 hex digits of an HMAC: the same at every start, another one
// for each machine, configuration and first listener, so that gateways in a
// row do not take each other for themselves; and nothing of the host can be
// read from it. `config_path` is made absolute by the caller.
[[nodiscard]] std::string instanceName(std::string_view machine_id, std::string_view config_path,
                                       std::string_view first_listener);

// machine-id(5); where there is none, as in many containers, the host's name.
[[nodiscard]] std::string machineId();

// The name for this configuration on this machine.
[[nodiscard]] std::string defaultInstanceName(const Config& config);

}  // namespace gatewhy
