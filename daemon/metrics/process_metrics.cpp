// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/process_metrics.h"

#include <map>
#include <set>
#include <string>

#include "daemon/metrics/process_facts.h"

namespace gatewhy {

// A file may be named by several listeners, and be refused by one of them.
void writeCertificates(MetricsWriter& page, const DaemonView& daemon,
                       const std::vector<ListenerCertificate>& certificates) {
  page.begin(Metric::CertificateExpiry);
  std::set<std::string> seen;
  for (const ListenerCertificate& certificate : certificates) {
    if (seen.insert(certificate.served.file).second) {
      page.sample({{"certificate", certificate.served.file}}, certificate.served.term.not_after);
    }
  }
  std::map<std::string, bool> current;
  for (const ListenerCertificate& certificate : certificates) {
    bool& all = current.try_emplace(certificate.served.file, true).first->second;
    all = all && !certificate.served.refused;
  }
  page.begin(Metric::CertificateCurrent);
  for (const auto& [file, all] : current) {
    page.sample({{"certificate", file}}, all ? 1 : 0);
  }
  page.begin(Metric::CertificateRenewals);
  page.sample({{"outcome", "applied"}}, daemon.renewals.applied.load());
  page.sample({{"outcome", "refused"}}, daemon.renewals.refused.load());
}

void writeConfiguration(MetricsWriter& page, const DaemonView& daemon) {
  writeSingle(page, Metric::ReloadSuccessful, daemon.lastReload().applied ? 1 : 0);
  writeSingle(page, Metric::ReloadTimestamp, daemon.reloaded_at.load());
  page.begin(Metric::ConfigInfo);
  if (const std::string& hash = daemon.generation()->config->hash; !hash.empty()) {
    page.sample({{"hash", hash}}, 1);
  }
  writeSingle(page, Metric::Generations, daemon.generations());
}

void writeLog(MetricsWriter& page, const std::vector<LogSinkState>& sinks) {
  const auto write = [&](Metric metric, std::uint64_t LogSinkState::*value) {
    page.begin(metric);
    for (const LogSinkState& sink : sinks) {
      page.sample({{"sink", sink.name}}, sink.*value);
    }
  };
  write(Metric::LogDropped, &LogSinkState::dropped);
  write(Metric::LogErrors, &LogSinkState::errors);
  write(Metric::LogSpool, &LogSinkState::waiting);
}

void writeProcess(MetricsWriter& page) {
  const ProcessFacts facts = processFacts();
  writeSingle(page, Metric::CpuSeconds, facts.cpu_seconds);
  writeSingle(page, Metric::ResidentMemory, facts.resident_bytes);
  writeSingle(page, Metric::VirtualMemory, facts.virtual_bytes);
  if (facts.open_fds != 0) {  // reading it needs one
    writeSingle(page, Metric::OpenFds, facts.open_fds);
  }
  writeSingle(page, Metric::MaxFds, facts.max_fds);
  writeSingle(page, Metric::Threads, facts.threads);
  writeSingle(page, Metric::StartTime, facts.start_time);
}

}  // namespace gatewhy
