// SPDX-License-Identifier: Apache-2.0
#include "daemon/endpoint_condition.h"

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

}  // namespace gatewhy
