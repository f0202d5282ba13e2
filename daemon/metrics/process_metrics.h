// SPDX-License-Identifier: Apache-2.0
// The rows of /metrics about gatewhy itself: its certificates, configuration,
// log and process.
#pragma once

#include <vector>

#include "daemon/daemon_view.h"
#include "daemon/metrics/certificate_expiry.h"
#include "daemon/metrics/metrics_writer.h"

namespace gatewhy {

void writeCertificates(MetricsWriter& page, const DaemonView& daemon,
                       const std::vector<ListenerCertificate>& certificates);
void writeConfiguration(MetricsWriter& page, const DaemonView& daemon);
void writeLog(MetricsWriter& page, const std::vector<LogSinkState>& sinks);
void writeProcess(MetricsWriter& page);

}  // namespace gatewhy
