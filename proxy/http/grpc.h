// SPDX-License-Identifier: Apache-2.0
// What a message of HTTP says about gRPC ("gRPC over HTTP/2"; gRPC-Web). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/message.h"

namespace gatewhy {

enum class GrpcKind : std::uint8_t {
  None,
  Native,  // the status is in the trailers
  Web,     // the status is in the body, or in the head
};
// By a Content-Type: application/grpc, +proto and the like, or application/grpc-web….
[[nodiscard]] GrpcKind grpcKind(std::string_view content_type) noexcept;

// A grpc-timeout: at most eight digits and a unit (H, M, S, m, u, n), rounded
// up to milliseconds; 49 days, which is 2^32 of them, stand for all that is longer.
// nullopt: malformed, and then servers assume none.
[[nodiscard]] std::optional<std::chrono::milliseconds> parseGrpcTimeout(std::string_view value) noexcept;
// The request's; nullopt: none, or malformed.
[[nodiscard]] std::optional<std::chrono::milliseconds> grpcTimeoutOf(const RequestHead& head) noexcept;

// What a head or a trailer section says of a call's end. Views into it.
struct GrpcEnd {
  std::optional<std::uint32_t> status;  // absent: there is no grpc-status, or it is no number
  std::string_view message;             // percent-encoded, as it came
};
[[nodiscard]] GrpcEnd grpcEndOf(const ResponseHead& head) noexcept;
// `trailers`: "Name: value\r\n" each.
[[nodiscard]] GrpcEnd grpcEndOf(std::string_view trailers) noexcept;

}  // namespace gatewhy
