// SPDX-License-Identifier: Apache-2.0
// A route's `rewrite`: the path that its origin gets.
#pragma once

#include <string>
#include <string_view>

#include "proxy/exchange/variables.h"

namespace gatewhy {

struct RewrittenPath {
  std::string path;       // to be forwarded; "" = as it is
  std::string complaint;  // why the request is refused; "" = it is not
};

// `route` has a rewrite; `path`: as sent, or its normal form. A variable's value
// stands in the path percent-encoded, so that it is one piece of it wherever it
// came from, and refused where its dot segments would lead elsewhere. {path} is
// `path`. Any thread.
[[nodiscard]] RewrittenPath rewritePath(const RouteConfig& route, std::string_view path, const VariableSource& source);

}  // namespace gatewhy
