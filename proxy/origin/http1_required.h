// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "diagnostics/observation.h"
#include "proxy/http/h2/h2_code.h"

namespace gatewhy {

// The origin wants the request by HTTP/1.1 (RFC 9113 section 7).
[[nodiscard]] inline bool requiresHttp1(const Fault& fault) noexcept {
  const auto* stream = std::get_if<StreamFault>(&fault);
  return stream != nullptr && stream->code == numberOf(H2Code::Http11Required) &&
         (stream->how == StreamFault::How::Reset || stream->how == StreamFault::How::GoAway);
}

}  // namespace gatewhy
