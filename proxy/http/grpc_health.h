// SPDX-License-Identifier: Apache-2.0
// The gRPC health checking protocol (grpc/health/v1/health.proto): the one call
// of it that a check makes, as bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/result.h"
#include "proxy/http/grpc.h"

namespace gatewhy {

inline constexpr std::string_view kHealthCall = "/grpc.health.v1.Health/Check";
// No answer is as long as that: its message has one small number.
inline constexpr std::size_t kLongestHealthAnswer = 4096;

// HealthCheckRequest behind its prefix ("gRPC over HTTP/2", Length-Prefixed-Message).
// `service`: "" asks about the server as a whole.
[[nodiscard]] std::string healthRequest(std::string_view service);

// ServingStatus of the one HealthCheckResponse in an answer's content: 1 is
// SERVING, and others may be none that the protocol has. The error is a sentence.
[[nodiscard]] Result<std::uint64_t, std::string> servingStatus(std::string_view content);
[[nodiscard]] std::string_view servingStatusName(std::uint64_t status) noexcept;  // "" = none of the protocol's

// What is wrong with the answer to a check, as the end of a sentence that begins
// with who answered; nullopt: the service serves, or nothing is wrong with the head.
[[nodiscard]] std::optional<std::string> healthHeadComplaint(const ResponseHead& head);
[[nodiscard]] std::optional<std::string> healthComplaint(const GrpcEnd& end, std::string_view content);

}  // namespace gatewhy
