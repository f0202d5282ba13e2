// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/exchange/login_request.h"
#include "proxy/exchange/synthesize.h"

namespace gatewhy {

// What the client gets where a login service lets its request not pass: the
// service's answer, with the route's changes to response fields as on a
// failure's answer, and not to be stored unless the service says otherwise.
[[nodiscard]] SynthesizedResponse passOnLoginAnswer(const LoginAnswer& answer, const Diagnosis& diagnosis,
                                                    const DiagnosticsConfig& config, const RouteConfig& route,
                                                    VariableSource source);

}  // namespace gatewhy
