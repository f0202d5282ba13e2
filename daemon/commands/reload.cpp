// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/reload.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <thread>

#include "config/config.h"
#include "daemon/commands/admin_client.h"
#include "daemon/commands/config_text.h"
#include "daemon/commands/run.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{20};
constexpr std::chrono::seconds kPatience{60};  // certificates of thousands of origins take their time

// The file is often the broken one that is about to be refused: then the
// daemon, which runs on an older one, is looked for where it usually is.
Result<AdminClient, std::string> clientOf(const ReloadOptions& options) {
  if (options.admin.empty() && loadConfigText(options.config).config == nullptr) {
    return AdminClient::create(AdminConfig().address);
  }
  return adminClient(options.admin, options.config);
}

int signalInstead(int pid, const std::string& problem) {
  if (pid <= 0) {
    fmt::print(stderr, "gatewhy: {}\n", problem);
    return kExitFailure;
  }
  if (::kill(pid, SIGHUP) != 0) {
    fmt::print(stderr, "gatewhy: process {}: {}\n", pid, std::strerror(errno));
    return kExitFailure;
  }
  fmt::print("sent SIGHUP to process {} ({}); the event `reload` has the result\n", pid, problem);
  return kExitOk;
}

// The report of reload number `awaited` or a later one; the error is a sentence.
Result<Json, std::string> awaitReload(const AdminClient& client, std::uint64_t awaited) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    auto status = client.get("/api/v1/status");
    if (!status) {
      return Failure{status.error()};
    }
    const Json& config = (*status)["config"];
    if (config.value("reloads", std::uint64_t{0}) >= awaited) {
      return config.value("last_reload", Json::object());
    }
    std::this_thread::sleep_for(kPoll);
  }
  return Failure{fmt::format("the daemon had not finished after {} s", kPatience.count())};
}

int print(const Json& report) {
  const bool applied = report.value("outcome", "") == "applied";
  std::FILE* const out = applied ? stdout : stderr;
  for (const Json& problem : report.value("problems", Json::array())) {
    fmt::print(out, "{}\n", problem.get<std::string>());
  }
  fmt::print(out, "{}\n", report.value("message", ""));
  return applied ? kExitOk : kExitFailure;
}

}  // namespace

int runReload(const ReloadOptions& options) {
  const auto client = clientOf(options);
  if (!client) {
    return signalInstead(options.pid, client.error());
  }
  const auto asked = client->request("POST", "/api/v1/reload", {"X-Gatewhy-Action: reload"});
  if (!asked) {
    return signalInstead(options.pid, asked.error());
  }
  const Json answer = Json::parse(asked->body, nullptr, false);
  if (asked->status != 202 || !answer.is_object()) {
    fmt::print(stderr, "gatewhy: {} answers {}\n", client->text(), asked->status);
    return kExitFailure;
  }
  const auto report = awaitReload(*client, answer.value("reload", std::uint64_t{0}));
  if (!report) {
    fmt::print(stderr, "gatewhy: {}\n", report.error());
    return kExitFailure;
  }
  return print(*report);
}

}  // namespace gatewhy
