// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/probe.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "config/units.h"
#include "daemon/commands/probe/probe_report.h"
#include "daemon/exit_status.h"

namespace gatewhy {
namespace {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool printResult(const ProbeResult& result, const ProbeOptions& options, const TextStyle& style) {
  print(options.json ? result.event + "\n" : probeText(result, options.request.url, style));
  return result.answered;
}

int probeRepeatedly(const Prober& prober, const ProbeOptions& options, const TextStyle& style) {
  ProbeSummary summary;
  for (unsigned n = 0; n < options.repeat; ++n) {
    const ProbeResult result = prober.run();
    if (options.json) {
      print(result.event + "\n");
    }
    summary.add(result);
  }
  if (!options.json) {
    print(summary.text(style));
  }
  return summary.failures() == 0 ? kExitOk : kExitDiagnosed;
}

int probeEachAddress(const Prober& prober, const ProbeOptions& options, const TextStyle& style) {
  const std::vector<Address> addresses = prober.addresses();
  if (addresses.empty()) {  // a socket's path, or a name that does not resolve: that is what is to be said
    return printResult(prober.run(), options, style) ? kExitOk : kExitDiagnosed;
  }
  if (!options.json) {
    print(addressTableHead(options.request.url, addresses.size(), style));
  }
  bool all_answered = true;
  for (const Address& address : addresses) {
    for (unsigned n = 0; n < options.repeat; ++n) {
      const ProbeResult result = prober.run(address);
      all_answered = all_answered && result.answered;
      print(options.json ? result.event + "\n"
                         : addressRow(address.text(), address.family() == AF_INET6, result, style));
    }
  }
  return all_answered ? kExitOk : kExitDiagnosed;
}

}  // namespace

int runProbeCommand(ProbeOptions options) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  if (!options.timeout.empty()) {
    const auto timeout = parseDuration(options.timeout);
    if (!timeout) {
      fmt::print(stderr, "gatewhy: --timeout: {}\n", timeout.error());
      return kExitUsage;
    }
    options.request.timeout = *timeout;
  }
  const auto prober = Prober::create(options.request);
  if (!prober) {
    fmt::print(stderr, "gatewhy: {}\n", prober.error());
    return kExitUsage;
  }
  const TextStyle style = styleOf(STDOUT_FILENO);
  if (options.all_addresses) {
    return probeEachAddress(*prober, options, style);
  }
  if (options.repeat > 1) {
    return probeRepeatedly(*prober, options, style);
  }
  return printResult(prober->run(), options, style) ? kExitOk : kExitDiagnosed;
}

}  // namespace gatewhy
