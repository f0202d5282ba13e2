// SPDX-License-Identifier: Apache-2.0
// Responses of our own making.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/diagnosis.h"
#include "proxy/exchange/variables.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct SynthesizedResponse {
  std::string bytes;  // head and body
  std::uint64_t body_size = 0;
  std::uint16_t status = 0;
};

// Fields that some failures need; absent, empty and 0 = left out.
struct FailureFields {
  std::optional<std::string> allow;  // 405, OPTIONS; empty = no method at all (RFC 9110 section 10.2.1)
  std::string upgrade;               // 426, with Connection: Upgrade
  std::string challenge;             // 401 (RFC 9110 section 11.6.1)
  int retry_after_s = 0;             // 429, 503
  bool close = false;
};

// The changes to response fields of `route`, which may be null, without those
// that are not for a failure; see isOfContent().
[[nodiscard]] HeaderEdits editsOfFailure(const RouteConfig* route, const VariableSource& source);

// The answer to a failed exchange (RFC 9457 / RFC 9209 by configuration and
// Accept), with the changes to response fields of its `route`, which may be null;
// see isOfContent(). `origin_status`: what the origin itself said, 0 = nothing.
[[nodiscard]] SynthesizedResponse synthesizeFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                                    const RouteConfig* route, VariableSource source,
                                                    std::uint16_t origin_status, const FailureFields& fields);
// A route's fixed answer, with the route's changes to response fields; `route`
// has one.
[[nodiscard]] SynthesizedResponse synthesizeFixed(const RouteConfig& route, const DiagnosticsConfig& config,
                                                  VariableSource source, bool close);
// The answer to an OPTIONS that may go no further. `route`: null where none matches.
[[nodiscard]] SynthesizedResponse synthesizeOptions(const RouteConfig* route, std::string allow, VariableSource source,
                                                    bool close);

// Fields that describe one answer's content, or say how long to keep it: what a
// route sets for its origin's answers would be wrong for a failure's.
[[nodiscard]] bool isOfContent(std::string_view name) noexcept;

}  // namespace gatewhy
