// SPDX-License-Identifier: Apache-2.0
// The fleet for people and programs. Pure.
#pragma once

#include <string>

#include "daemon/fleet/fleet_view.h"

namespace gatewhy {

// For a terminal: instances, what fails with its vantage, gaps, the latest failures.
[[nodiscard]] std::string fleetText(const FleetView& view, FleetView::Time now);
[[nodiscard]] std::string fleetJson(const FleetView& view, FleetView::Time now);

}  // namespace gatewhy
