// SPDX-License-Identifier: Apache-2.0
// What a failed exchange is answered, and what operators are told once of what
// an exchange has shown.
#pragma once

#include "diagnostics/diagnosis.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

// `source.client` and `source.request` are the exchange's; `route` may be null.
// `origin_status`: what the origin itself said, 0 = nothing.
[[nodiscard]] SynthesizedResponse answerToFailure(const Diagnosis& diagnosis, const DiagnosticsConfig& config,
                                                  const RouteConfig* route, const VariableSource& source,
                                                  std::uint16_t origin_status);

// What its Retry-After says; 0 = none.
[[nodiscard]] int retryAfterSeconds(const Diagnosis& diagnosis);

// Which of the two wrote a 52x is what an operator behind Cloudflare will ask.
void warnBehindCloudflare(WorkerContext& worker, const Diagnosis& diagnosis, const VariableSource& source);

// Bytes that came while no request was under way belong to no exchange: the next
// one carries the finding, and the first time the log quotes them.
[[nodiscard]] FindingSet tellUnsolicited(EventSink& sink, OriginPool& pool);

}  // namespace gatewhy
