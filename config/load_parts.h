// SPDX-License-Identifier: Apache-2.0
// The parts of load.cpp: each reads one section of the top level into Config.
#pragma once

#include <string>

#include "config/config.h"
#include "config/section.h"

namespace gatewhy {

void readListeners(Reader& reader, Section& top, Config& config);
void readOrigins(Reader& reader, Section& top, Config& config);
// After the origins, whose names routes refer to.
void readRoutes(Reader& reader, Section& top, Config& config);
// Whom and what a route serves: methods, clients, requires, rate_limit, upgrade.
void readRouteRules(Reader& reader, Section& section, RouteConfig& route);
// workers, limits, trusted_proxies, dns, diagnostics, log, drain.
void readRest(Reader& reader, Section& top, Config& config);

// "*" or the host, then the path: unique within the configuration.
void nameRoutes(Config& config);

}  // namespace gatewhy
