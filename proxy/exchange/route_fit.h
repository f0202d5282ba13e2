// SPDX-License-Identifier: Apache-2.0
// A route's conditions, one by one.
#pragma once

#include <string_view>

#include "config/config.h"
#include "proxy/exchange/router.h"

namespace gatewhy {

// "*.example" is for one or more labels below; everything else for itself.
[[nodiscard]] bool hostFits(const RouteConfig& route, std::string_view host) noexcept;
[[nodiscard]] bool pathFits(const RouteConfig& route, std::string_view path);
// Matches, or the first of the route's `match` that does not hold.
[[nodiscard]] RouteFit conditionsFit(const RouteConfig& route, const RequestHead* request);

}  // namespace gatewhy
