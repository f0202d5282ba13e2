// SPDX-License-Identifier: Apache-2.0
// Which route a path is for, by every reading of it (config/path_readings.h).
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/exchange/router.h"

namespace gatewhy {

struct RouteChoice {
  const RouteConfig* route = nullptr;  // null: none matches, or the path is refused
  std::string path;                    // to be forwarded instead of what was sent; "" = as sent
  std::string ambiguity;               // why the path is refused; "" = it is not
};

// `sent.path`: as sent. `policy`: of a route that says nothing itself.
[[nodiscard]] RouteChoice chooseRoute(const Router& router, const RouteQuery& sent, PathPolicy policy);

}  // namespace gatewhy
