// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "diagnostics/observation.h"
#include "proxy/http/h2/h2_code.h"

namespace gatewhy {

// The origin wants the request by HTTP/1.1 (RFC 9113 section 7), or by another
// connection than one that several names share.
[[nodiscard]] inline bool requiresHttp1(const Fault& fault) noexcept {
  const auto* stream = std::get_if<StreamFault>(&fault);
  if (stream == nullptr) {
    return false;
  }
  using How = StreamFault::How;
  const bool said = stream->how == How::Reset || stream->how == How::GoAway;
  return stream->how == How::Misdirected || (said && stream->code == numberOf(H2Code::Http11Required));
}

}  // namespace gatewhy
