// SPDX-License-Identifier: Apache-2.0
// Answers of our own to gRPC calls: HTTP status 200 without content, with
// grpc-status and grpc-message in the head ("Trailers-Only").
#pragma once

#include <string>
#include <string_view>

#include "diagnostics/diagnosis.h"
#include "diagnostics/grpc_status.h"
#include "proxy/exchange/synthesize.h"

namespace gatewhy {

struct GrpcAnswer {
  GrpcStatus status = GrpcStatus::Unknown;
  std::string message;  // "" = none
  std::string_view content_type;
  std::string_view proxy_status;  // "" = none
  int retry_after_s = 0;          // 0 = not known; told as grpc-retry-pushback-ms
};

// With the changes to response fields of `route`, which may be null, that are
// for failures; see editsOfFailure().
[[nodiscard]] SynthesizedResponse synthesizeGrpc(const GrpcAnswer& answer, const RouteConfig* route,
                                                 const VariableSource& source);

// What a grpc-message says of a failure; "" where nothing may be disclosed.
[[nodiscard]] std::string grpcMessageOf(const Diagnosis& diagnosis, Disclose disclose);
// The trailers that end a call whose answer has begun.
[[nodiscard]] std::string grpcTrailers(GrpcStatus status, std::string_view message);

}  // namespace gatewhy
