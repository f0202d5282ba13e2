// SPDX-License-Identifier: Apache-2.0
// What the variables of config/text_template.h stand for in one exchange.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Views live as long as the exchange. Empty and 0: not known.
struct VariableSource {
  const RequestHead& request;
  const ClientFacts& client;
  std::string_view client_address;  // as believed after trusted_proxies
  bool forwarded = false;           // that is not the connection's own
  std::string_view scheme;          // as believed
  std::string_view request_id, route, origin;
  std::uint16_t status = 0;
  std::string_view cause;
};

// Of the part's variable, raw; those that stand in answers only are empty
// (answer_text.h has them).
[[nodiscard]] std::string valueOf(const TemplatePart& part, const VariableSource& source);

[[nodiscard]] std::string expand(const TextTemplate& text, const VariableSource& source);

// The edits with every value expanded; a field whose value comes to nothing is
// not sent, as in nginx.
[[nodiscard]] HeaderEdits expand(const HeaderEdits& edits, const VariableSource& source);

// Where a redirect leads. A target that would begin with two slashes names
// another host to a browser; one of them is left out.
[[nodiscard]] std::string redirectTarget(const TextTemplate& to, const VariableSource& source);

// The value of a cookie, or of a query parameter (decoded); "" where absent.
[[nodiscard]] std::string_view cookieOf(const RequestHead& request, std::string_view name);
[[nodiscard]] std::string queryParameterOf(const RequestHead& request, std::string_view name);

}  // namespace gatewhy
