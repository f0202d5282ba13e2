// SPDX-License-Identifier: Apache-2.0
// Status codes of gRPC, and what a failure or an HTTP status becomes in them.
// Pure; all text has static storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "diagnostics/cause.h"

namespace gatewhy {

struct Diagnosis;

enum class GrpcStatus : std::uint8_t {
#define GRPC_STATUS(enumerator, number, ...) enumerator = number,
#include "diagnostics/grpc_statuses.def"
#undef GRPC_STATUS
};

inline constexpr std::size_t kGrpcStatusCount = 0
#define GRPC_STATUS(enumerator, ...) +1  // NOLINT(bugprone-macro-parentheses)
#include "diagnostics/grpc_statuses.def"
#undef GRPC_STATUS
    ;

struct GrpcStatusInfo {
  GrpcStatus status;
  std::string_view name;  // "UNAVAILABLE"
  bool failure;           // of whoever says so: the exchange has failed
  std::string_view meaning;
};
[[nodiscard]] std::span<const GrpcStatusInfo> allGrpcStatuses() noexcept;
[[nodiscard]] const GrpcStatusInfo& info(GrpcStatus status) noexcept;

// Of a number that came from a peer. The name of one that gRPC does not have
// is "", and clients take it for UNKNOWN: a failure.
[[nodiscard]] std::string_view grpcStatusName(std::uint32_t code) noexcept;
[[nodiscard]] bool isGrpcFailure(std::uint32_t code) noexcept;

// What clients of gRPC make of an HTTP status without a grpc-status (gRPC's
// "HTTP to gRPC Status Code Mapping").
[[nodiscard]] GrpcStatus grpcStatusOfHttp(std::uint16_t status) noexcept;
// What a client of gRPC is told of a failure here.
[[nodiscard]] GrpcStatus grpcStatusOf(const Diagnosis& diagnosis) noexcept;
// True where a failure by the cause is mostly told as `status`.
[[nodiscard]] bool isToldAs(const CauseInfo& cause, GrpcStatus status) noexcept;

// The value of a grpc-message: octets that are no printable ASCII, and '%', are
// percent-encoded (gRPC over HTTP/2, "Responses"). At most `limit` octets.
[[nodiscard]] std::string encodeGrpcMessage(std::string_view text, std::size_t limit);
// The reverse of a peer's value, of at most `limit` octets; what is encoded
// wrongly stays as it is.
[[nodiscard]] std::string decodeGrpcMessage(std::string_view value, std::size_t limit);

// docs/grpc.md's tables: the codes, and the causes by what they become.
[[nodiscard]] std::string grpcStatusesMarkdown();
[[nodiscard]] std::string grpcCausesMarkdown();

}  // namespace gatewhy
