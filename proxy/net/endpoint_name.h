// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "proxy/net/address.h"

namespace gatewhy {

// The one address that the configuration itself has; nullopt: a name, or a
// socket's path that is too long.
[[nodiscard]] inline std::optional<Address> literalAddress(const EndpointConfig& endpoint) {
  return endpoint.scheme == EndpointScheme::Unix ? Address::unixPath(endpoint.unix_path)
                                                 : Address::fromIp(endpoint.host, endpoint.port);
}

// As it is looked up: a name that is said to be complete has its dot.
[[nodiscard]] inline std::string lookUpName(const EndpointConfig& endpoint) {
  return endpoint.absolute ? endpoint.host + '.' : endpoint.host;
}

}  // namespace gatewhy
