// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "proxy/exchange/generation.h"
#include "proxy/net/tls_context.h"

namespace gatewhy {

struct ListenerCertificate {
  std::string listener;
  ServedCertificate served;
};

// Those that are in force, of every listener. Any thread.
[[nodiscard]] std::vector<ListenerCertificate> listenerCertificates(const Generation& generation);

}  // namespace gatewhy
