// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "daemon/commands/admin_client.h"
#include "daemon/exit_status.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kHealthy = 200;

// Whoever answers there may be anybody.
std::string firstLine(std::string_view body) {
  constexpr std::size_t kMost = 200;
  const std::string_view line = body.substr(0, std::min(body.find_first_of("\r\n"), kMost));
  return printableText(line);
}

}  // namespace

int runHealth(const HealthOptions& options) {
  const auto client = adminClient(options.admin, options.config);
  if (!client) {
    fmt::print(stderr, "gatewhy: {}\n", client.error());
    return kExitFailure;
  }
  const auto answer = client->request("GET", options.ready ? "/readyz" : "/healthz");
  if (!answer) {
    fmt::print(stderr, "gatewhy: {}\n", answer.error());
    return kExitFailure;
  }
  const bool healthy = answer->status == kHealthy;
  fmt::print(healthy ? stdout : stderr, "{}\n", firstLine(answer->body));
  return healthy ? kExitOk : kExitFailure;
}

}  // namespace gatewhy
