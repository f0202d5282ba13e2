// SPDX-License-Identifier: Apache-2.0
// Which fields of a request do not reach the origin although nothing is wrong
// with their form: what strangers claim (config/claimed_fields.h), and names
// with "_" or other marks that CGI, WSGI and PHP read as one with "-". A trailer field is
// judged as if it stood in the head, where some servers put it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct DroppedFields {
  std::vector<std::uint32_t> indices;  // into RequestHead::fields, ascending
  std::string refused;                 // a name that limits.underscores: refuse does not take; "" = none
};

// `trusted`: the peer is one of trusted_proxies.
[[nodiscard]] DroppedFields droppedFields(const RequestHead& request, const RouteConfig& route, bool trusted,
                                          Underscores underscores);
// What of a request's trailers, "Name: value\r\n" each, reaches the origin.
[[nodiscard]] std::string keptTrailers(std::string_view trailers, const RequestHead& request, const RouteConfig& route,
                                       bool trusted, Underscores underscores);

// Whether gatewhy writes the request field itself, or frames and routes by it.
[[nodiscard]] bool isOwnRequestField(FieldId id) noexcept;

}  // namespace gatewhy
