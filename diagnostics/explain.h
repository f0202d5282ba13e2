// SPDX-License-Identifier: Apache-2.0
// The tables of causes, status codes, those of gRPC too, and findings for people and programs:
// gatewhy explain, and /api/v1/causes. Documents and man pages: reference.h.
#pragma once

#include <cstdint>
#include <string>

#include "diagnostics/cause.h"
#include "diagnostics/explain_text.h"
#include "diagnostics/findings.h"
#include "diagnostics/grpc_status.h"

namespace gatewhy {

// One cause.
[[nodiscard]] std::string explainCause(Cause cause, const ExplainStyle& style = {});
// Every cause, one line each, under headings per phase; what does not fit is
// cut with an ellipsis.
[[nodiscard]] std::string causesTable(const ExplainStyle& style = {});
// One cause as one JSON object, and all of them as an array with an object a
// line; without a newline at the end. An absent fact is null.
[[nodiscard]] std::string causeJson(Cause cause);
[[nodiscard]] std::string causesJson();

// A code with all its meanings, and what it means when gatewhy says it. The
// registry must have it.
[[nodiscard]] std::string explainStatus(std::uint16_t code, const ExplainStyle& style = {});
// A class (1 to 5), and every meaning of its codes, one line each.
[[nodiscard]] std::string explainStatusClass(std::uint16_t digit, const ExplainStyle& style = {});
[[nodiscard]] std::string statusesTable(const ExplainStyle& style = {});
// The same as JSON; an absent fact is an absent key.
[[nodiscard]] std::string statusJson(std::uint16_t code);
[[nodiscard]] std::string statusClassJson(std::uint16_t digit);
[[nodiscard]] std::string statusesJson();

// A status of gRPC.
[[nodiscard]] std::string explainGrpcStatus(GrpcStatus status, const ExplainStyle& style = {});
[[nodiscard]] std::string grpcStatusesTable(const ExplainStyle& style = {});
[[nodiscard]] std::string grpcStatusJson(GrpcStatus status);
[[nodiscard]] std::string grpcStatusesJson();

// One rule of the response lint.
[[nodiscard]] std::string explainFinding(Finding finding, const ExplainStyle& style = {});
[[nodiscard]] std::string findingsTable(const ExplainStyle& style = {});
[[nodiscard]] std::string findingJson(Finding finding);
[[nodiscard]] std::string findingsJson();

}  // namespace gatewhy
