// SPDX-License-Identifier: Apache-2.0
// The body of a response that gatewhy writes itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/diagnosis.h"

namespace gatewhy {

struct Answer {
  std::string content_type;
  std::string body;
};

// For a browser that shows an answer of ours: nothing is loaded, run, framed
// or sent from it; the page's style stands in itself.
inline constexpr std::string_view kAnswerPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// The answer to a failed exchange, in the form that `accept_header` asks for
// (empty = no Accept). How much it tells:
//   None      the status and the request id, nothing that betrays the cause;
//   Cause     the cause and its general description, no host, address or fact;
//   Evidence  also the summary, everything that was seen, and what an operator
//             should check.
// `date`: the response's Date (RFC 9110 section 5.6.7), shown to people; may
// be empty.
[[nodiscard]] Answer makeAnswer(const Diagnosis& diagnosis, std::uint16_t status, std::string_view request_id,
                                std::string_view accept_header, Disclose disclose, std::string_view hop_name,
                                std::string_view date = {});

// The answer of a route's `respond`: not a failure, so nothing is explained.
[[nodiscard]] Answer makeFixedAnswer(std::uint16_t status, std::string_view request_id, std::string_view accept_header,
                                     std::string_view date = {});

}  // namespace gatewhy
