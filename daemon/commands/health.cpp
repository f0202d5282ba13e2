// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/health.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>

#include "daemon/commands/admin_client.h"
#include "daemon/commands/run.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kHealthy = 200;

std::string withoutLineEnd(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  return text;
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
  fmt::print(healthy ? stdout : stderr, "{}\n", withoutLineEnd(answer->body));
  return healthy ? kExitOk : kExitFailure;
}

}  // namespace gatewhy
