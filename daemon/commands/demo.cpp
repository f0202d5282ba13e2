// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/demo.h"

#include <fmt/core.h>

#include <csignal>
#include <cstdio>

#include "config/load.h"
#include "daemon/commands/run.h"
#include "daemon/demo/demo_origin.h"
#include "daemon/exit_status.h"

namespace gatewhy {
namespace {

void printWelcome(const DemoOptions& options, const std::string& admin) {
  fmt::print("gatewhy demo\n  proxy  http://{}/   in front of an origin that fails on demand\n", options.from);
  if (!admin.empty()) {
    fmt::print("  admin  http://{}/   live page, metrics, recent failures\n", admin);
  }
  fmt::print(
      "\nTry, in another terminal:\n"
      "  curl -i http://{0}/ok\n"
      "  curl -i http://{0}/empty\n"
      "  curl -i -H 'Accept: application/problem+json' http://{0}/tls-expired/\n"
      "  curl -i http://{0}/truncated\n"
      "  printf '\\0\\0\\0\\0\\0' | curl -s --http2-prior-knowledge \\\n"
      "      -H 'Content-Type: application/grpc' -H 'TE: trailers' -H 'grpc-timeout: 2S' \\\n"
      "      --data-binary @- -D - -o /dev/null http://{0}/grpc/died\n",
      options.from);
  if (!admin.empty()) {
    fmt::print(
        "\nand see what gatewhy says about it:\n"
        "  curl -s http://{0}/metrics | grep '^gatewhy_diagnoses_total.* [1-9]'\n"
        "  curl -s 'http://{0}/api/v1/events?limit=1'\n",
        admin);
  }
  fmt::print("\nAll faults:\n");
  for (const DemoOrigin::Fault& fault : DemoOrigin::faults()) {
    fmt::print("  {:<18} {}\n", fault.path, fault.description);
  }
  std::fflush(stdout);
}

}  // namespace

int runDemo(const DemoOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  Result<std::unique_ptr<DemoOrigin>, std::string> origin = DemoOrigin::start();
  if (!origin) {
    fmt::print(stderr, "gatewhy: demo: {}\n", origin.error());
    return kExitFailure;
  }
  std::string yaml = (*origin)->configYaml(options.from);
  if (options.admin != DemoOptions().admin) {  // a default that is taken is no reason to fail
    yaml += fmt::format("admin: {{address: \"{}\"}}\n", options.admin);
  }
  const LoadedConfig loaded = loadConfig(yaml, "demo", [](const std::string&) { return std::nullopt; });
  if (loaded.config == nullptr) {
    for (const ConfigProblem& problem : loaded.problems) {
      fmt::print(stderr, "{}\n", format(problem));
    }
    return kExitFailure;
  }
  return runDaemon(loaded.config, "", [&](const std::string& admin) { printWelcome(options, admin); });
}

}  // namespace gatewhy
