// SPDX-License-Identifier: Apache-2.0
// What people are told of an endpoint, in one word: the live page, `top`, the
// admin API and commands say the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "daemon/metrics/endpoint_series.h"
#include "proxy/origin/endpoint_state.h"

namespace gatewhy {

// Out of use first; then what its tries of late say.
enum class EndpointCondition : std::uint8_t { Drained, DownByCheck, Ejected, Failing, Up, NoTraffic };

// From this share of failing tries on an endpoint is not called up.
inline constexpr double kFailingShare = 0.05;

// Only what has answered is up: `recent` are the tries of the last minutes.
[[nodiscard]] EndpointCondition conditionOf(const EndpointState& state, TimePoint now, const TryCounts& recent);
// "drained", "down_by_check", "ejected", "failing", "up", "no_traffic".
[[nodiscard]] std::string_view name(EndpointCondition condition);

// Whose health is told as that of an endpoint with many hosts: where it is
// drained its own, else the first host's that is in use, else the first
// host's. Kept alive by what is returned.
[[nodiscard]] std::shared_ptr<const EndpointState> spokesmanOf(const std::shared_ptr<EndpointState>& endpoint,
                                                               TimePoint now);
// Connections to all of its hosts.
[[nodiscard]] std::uint32_t connectionsOf(const EndpointState& endpoint);

}  // namespace gatewhy
