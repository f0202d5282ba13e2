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

// The answer to a failed exchange, in the form that `accept_header` asks for
// (empty = no Accept). How much it tells:
//   None      the status and the request id, nothing that betrays the cause;
//   Cause     the cause and its general description, no host, address or fact;
//   Evidence  also the summary and everything that was seen.
[[nodiscard]] Answer makeAnswer(const Diagnosis& diagnosis, std::uint16_t status, std::string_view request_id,
                                std::string_view accept_header, Disclose disclose, std::string_view hop_name);

// The answer of a route's `respond`: not a failure, so nothing is explained.
[[nodiscard]] Answer makeFixedAnswer(std::uint16_t status, std::string_view request_id, std::string_view accept_header);

}  // namespace gatewhy
