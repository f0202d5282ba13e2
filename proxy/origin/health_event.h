// SPDX-License-Identifier: Apache-2.0
// What the log says when an endpoint's health changes. Any thread.
#pragma once

#include <functional>

#include "diagnostics/event.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

// Called once, before the function that was given it returns.
using Teller = std::function<void(const LifecycleEvent&)>;

// `diagnosis`: of what decided it, null for a success. Its sentence is kept
// with the endpoint, for those whom its absence will cost an answer.
void tellHealthChange(const Teller& tell, const OriginConfig& origin, const OriginHost& host, HealthChange change,
                      const Diagnosis* diagnosis, TimePoint now);
// Other addresses behind an endpoint's name.
void tellHosts(const Teller& tell, const OriginConfig& origin, std::size_t endpoint, const HostChange& change);
void tellDrain(const Teller& tell, const std::string& origin, const std::string& url, bool drained);
void tellPanic(const Teller& tell, const OriginConfig& origin, const PanicChange& change);

}  // namespace gatewhy
