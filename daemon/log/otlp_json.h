// SPDX-License-Identifier: Apache-2.0
// Events as OpenTelemetry's OTLP/JSON (opentelemetry-proto 1.0). Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gatewhy {

// ExportLogsServiceRequest for some lines of JSON: time, severity, trace and
// span as OTLP has them, the diagnosis' sentence or the message as the body,
// everything else as attributes under its dotted name. What is no JSON object
// is a body alone. The resource is that of the first line.
[[nodiscard]] std::string otlpLogs(std::span<const std::string_view> lines);

// ExportTraceServiceRequest; empty where no line is an exchange with a trace.
// A server span for each exchange, in it a client span for each try, in that a
// span for each phase. Events have durations, not times, of tries and phases:
// these are laid one after another, the first at the exchange's begin.
[[nodiscard]] std::string otlpTraces(std::span<const std::string_view> lines);

}  // namespace gatewhy
