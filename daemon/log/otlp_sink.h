// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "config/log_place.h"
#include "daemon/log/log_destination.h"

namespace gatewhy {

// OpenTelemetry over HTTP (OTLP 1.0, JSON, gzip): a log record for each event,
// and the spans of each exchange (daemon/log/otlp_json.h). A batch is taken once
// the receiver has accepted both.
[[nodiscard]] std::unique_ptr<LogDestination> makeOtlpSink(const LogPlace& place, const LogTarget& target);

}  // namespace gatewhy
