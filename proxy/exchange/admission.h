// SPDX-License-Identifier: Apache-2.0
// What this hop itself refuses, before anything is asked of an origin.
#pragma once

#include <optional>

#include "diagnostics/observation.h"
#include "proxy/exchange/client_side.h"
#include "proxy/exchange/generation.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct Admission {
  const RouteConfig* route = nullptr;  // of `generation`; null where the refusal came before routing, or is NoRoute
  std::optional<DecisionFault> refusal;
};

// Judges a request whose head is complete, in the order in which a client can
// mend what is wrong. Any thread; asks `client` for facts only.
[[nodiscard]] Admission admit(const RequestHead& request, const ClientSide& client, const Generation& generation);

}  // namespace gatewhy
