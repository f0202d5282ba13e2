// SPDX-License-Identifier: Apache-2.0
// Why an address could not be listened on, in words that lead somewhere.
#pragma once

#include <string>

#include "proxy/client/listener.h"

namespace gatewhy {

// "cannot listen on 0.0.0.0:80: bind failed: EADDRINUSE (Address already in
// use): taken by nginx (pid 812)". Reads /proc: for a start that failed, never
// while serving.
[[nodiscard]] std::string describeListenFault(const ListenFault& fault);

}  // namespace gatewhy
