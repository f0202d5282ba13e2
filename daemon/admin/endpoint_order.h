// SPDX-License-Identifier: Apache-2.0
// An operator's word on endpoints: POST /api/v1/endpoints. The admin thread only.
#pragma once

#include <functional>
#include <string>

#include "daemon/admin/admin_http.h"
#include "diagnostics/event.h"
#include "diagnostics/result.h"
#include "proxy/exchange/generation.h"

namespace gatewhy {

struct EndpointOrder {
  bool drain = false;  // else: ready
  std::string origin;
  std::string endpoint;  // its URL, as configured; "" = all of the origin's
};

// X-Gatewhy-Action says drain or ready, the parameters whom it concerns. The
// error is a sentence.
[[nodiscard]] Result<EndpointOrder, std::string> readEndpointOrder(const AdminRequest& request);

// Requests in flight end as they would have. `tell` hears of each endpoint
// whose state changed. JSON that lists those concerned; the error says what
// there is none of.
[[nodiscard]] Result<std::string, std::string> carryOut(const EndpointOrder& order, const Generation& generation,
                                                        const std::function<void(const LifecycleEvent&)>& tell);

}  // namespace gatewhy
