// SPDX-License-Identifier: Apache-2.0
#include "daemon/endpoint_condition.h"

#include <algorithm>

namespace gatewhy {

EndpointCondition conditionOf(const EndpointState& state, TimePoint now, const TryCounts& recent) {
  switch (state.health.standing(now)) {
    case EndpointHealth::Standing::Drained:
      return EndpointCondition::Drained;
    case EndpointHealth::Standing::Down:
      return EndpointCondition::DownByCheck;
    case EndpointHealth::Standing::Ejected:
      return EndpointCondition::Ejected;
    case EndpointHealth::Standing::InUse:
      break;
  }
  if (recent.answered + recent.failed == 0) {
    return EndpointCondition::NoTraffic;
  }
  return recent.failingShare() >= kFailingShare ? EndpointCondition::Failing : EndpointCondition::Up;
}

std::string_view name(EndpointCondition condition) {
  switch (condition) {
    case EndpointCondition::Drained:
      return "drained";
    case EndpointCondition::DownByCheck:
      return "down_by_check";
    case EndpointCondition::Ejected:
      return "ejected";
    case EndpointCondition::Failing:
      return "failing";
    case EndpointCondition::Up:
      return "up";
    case EndpointCondition::NoTraffic:
      return "no_traffic";
  }
  return {};
}

std::shared_ptr<const EndpointState> spokesmanOf(const std::shared_ptr<EndpointState>& endpoint, TimePoint now) {
  const auto named = endpoint->name.hosts();
  if (named == nullptr || endpoint->health.standing(now) == EndpointHealth::Standing::Drained) {
    return endpoint;
  }
  const auto in_use = std::find_if(named->hosts.begin(), named->hosts.end(),
                                   [now](const NamedHost& host) { return host.state->health.usable(now); });
  return in_use == named->hosts.end() ? named->hosts.front().state : in_use->state;
}

std::uint32_t connectionsOf(const EndpointState& endpoint) {
  std::uint32_t connections = endpoint.connections();
  if (const auto named = endpoint.name.hosts()) {
    for (const NamedHost& host : named->hosts) {
      connections += host.state->connections();
    }
  }
  return connections;
}

}  // namespace gatewhy
