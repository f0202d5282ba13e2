// SPDX-License-Identifier: Apache-2.0
// Responses of our own making.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/diagnosis.h"
#include "proxy/exchange/variables.h"
#include "proxy/http/answer_head.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct SynthesizedResponse {
  std::uint16_t status = 0;
  std::string reason;
  std::string fields;  // as AnswerHead has them
  std::string body;    // "" where none is to be sent
  AnswerLength length = AnswerLength::None;
  std::string upgrade;  // 426

  // Valid as long as this is.
  [[nodiscard]] AnswerHead head(bool close) const {
    return {.status = status,
            .reason = reason,
            .fields = fields,
            .length = length,
            .content_length = body.size(),
            .upgrade = upgrade,
            .close = close};
  }
};

// Fields that some failures need; absent, empty and 0 = left out.
struct FailureFields {
  std::optional<std::string> allow;  // 405, OPTIONS; empty = no method at all (RFC 9110 section 10.2.1)
  std::string upgrade;               // 426
  std::string challenge;             // 401 (RFC 9110 section 11.6.1)
  int retry_after_s = 0;             // 429, 503
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
                                                  VariableSource source);
// The answer to an OPTIONS that may go no further. `route`: null where none matches.
[[nodiscard]] SynthesizedResponse synthesizeOptions(const RouteConfig* route, std::string allow, VariableSource source);

// Fields that describe one answer's content, or say how long to keep it: what a
// route sets for its origin's answers would be wrong for a failure's.
[[nodiscard]] bool isOfContent(std::string_view name) noexcept;

}  // namespace gatewhy
