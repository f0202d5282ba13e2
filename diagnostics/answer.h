// SPDX-License-Identifier: Apache-2.0
// The body of a response that gatewhy writes itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/answer_page.h"
#include "diagnostics/diagnosis.h"

namespace gatewhy {

// For a browser that shows an answer of ours: nothing is loaded, run, framed
// or sent from it; the page's style and its empty icon stand in itself.
inline constexpr std::string_view kAnswerPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";
// The same for a page of the operator's own: styles, pictures and fonts from
// the page itself and from its site as well; still no script.
inline constexpr std::string_view kOwnPagePolicy =
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri "
    "'none'; form-action 'none'; frame-ancestors 'none'";

struct Answer {
  std::string content_type;
  std::string body;
  std::string_view policy = kAnswerPolicy;  // its Content-Security-Policy
};

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
                                std::string_view date = {}, AnswerSite site = {});

// The answer of a route's `respond`: not a failure, so nothing is explained.
[[nodiscard]] Answer makeFixedAnswer(std::uint16_t status, std::string_view request_id, std::string_view accept_header,
                                     std::string_view date = {}, AnswerSite site = {});

// Everything that was seen, as JSON with one member a line.
[[nodiscard]] std::string readableEvidence(const Diagnosis& diagnosis);

}  // namespace gatewhy
