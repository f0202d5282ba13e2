// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/reload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "config/load.h"
#include "daemon/commands/admin_client.h"
#include "daemon/commands/config_text.h"
#include "daemon/exit_status.h"
#include "daemon/run_state.h"

namespace gatewhy {
namespace {

using Json = nlohmann::ordered_json;
using Reported = Result<ReloadReport, std::string>;
using std::chrono::milliseconds;

constexpr milliseconds kLogPoll{20};
constexpr std::chrono::seconds kReloadPatience{60};  // certificates of thousands of origins take their time

Failure<std::string> lateReload(pid_t pid) {
  return {fmt::format("process {} had not finished after {} s; the event `reload` will say how it went", pid,
                      kReloadPatience.count())};
}

// ---- over the admin listener -------------------------------------------

// What the listener's daemon says of itself. A value of another type counts as absent.
struct Identity {
  pid_t pid = 0;
  std::string config;  // absolute; "" = it has no file
};

template <typename Value>
Value member(const Json& json, const char* key, Value fallback) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (found == json.end()) {
    return fallback;
  }
  try {
    return found->template get<Value>();
  } catch (const Json::exception&) {
    return fallback;
  }
}

Result<Identity, std::string> identify(const AdminClient& client) {
  const auto status = client.get("/api/v1/status");
  if (!status) {
    return Failure{status.error()};
  }
  const Json config = member(*status, "config", Json());
  return Identity{.pid = member(*status, "pid", 0), .config = member(config, "file", std::string())};
}

// The report of reload number `awaited` or a later one.
Reported awaitReport(const AdminClient& client, pid_t pid, std::uint64_t awaited) {
  const auto end = std::chrono::steady_clock::now() + kReloadPatience;
  while (std::chrono::steady_clock::now() < end) {
    const auto status = client.get("/api/v1/status");
    if (!status) {
      return Failure{status.error()};
    }
    const Json config = member(*status, "config", Json());
    if (const auto number = member(config, "reloads", std::uint64_t{0}); number >= awaited) {
      const Json last = member(config, "last_reload", Json());
      return ReloadReport{.number = number,
                          .applied = member(last, "outcome", std::string()) == "applied",
                          .message = member(last, "message", std::string()),
                          .problems = member(last, "problems", std::vector<std::string>())};
    }
    std::this_thread::sleep_for(kLogPoll);
  }
  return lateReload(pid);
}

Reported reloadByAdmin(const AdminClient& client, pid_t pid) {
  const auto asked = client.request("POST", "/api/v1/reload", {"X-Gatewhy-Action: reload"});
  if (!asked) {
    return Failure{asked.error()};
  }
  const Json answer = Json::parse(asked->body, nullptr, false);
  const auto awaited = member(answer, "reload", std::uint64_t{0});
  if (asked->status != 202 || awaited == 0) {
    return Failure{fmt::format("{} answers {}", client.text(), asked->status)};
  }
  return awaitReport(client, pid, awaited);
}

// ---- by signal ----------------------------------------------------------

Reported reloadBySignal(pid_t pid, const RunState& before) {
  // One that is running may have read the file before it was changed.
  const std::uint64_t awaited = before.reload.number + (before.reloading ? 2 : 1);
  if (::kill(pid, SIGHUP) != 0) {
    return Failure{fmt::format("process {}: {}", pid, std::strerror(errno))};
  }
  const auto end = std::chrono::steady_clock::now() + kReloadPatience;
  while (std::chrono::steady_clock::now() < end) {
    const auto state = readRunState(pid);
    if (!state) {
      return Failure{fmt::format("process {} has ended", pid)};
    }
    if (state->reload.number >= awaited) {
      return state->reload;
    }
    if (state->stopping) {
      return Failure{fmt::format("process {} is stopping and does not reload", pid)};
    }
    std::this_thread::sleep_for(kLogPoll);
  }
  return lateReload(pid);
}

std::string runsWith(pid_t pid, const std::string& config) {
  return fmt::format("process {}, which runs with {}", pid, config.empty() ? "no file" : config);
}

// `why_not` says why the admin listener was of no use; "" where there is none.
Reported reloadProcess(const ReloadOptions& options, const std::string& file, const std::string& why_not) {
  const std::string also = why_not.empty() ? "" : "; " + why_not;
  pid_t pid = options.pid;
  if (pid <= 0) {
    const std::vector<pid_t> found = daemonsOf(file);
    if (found.size() != 1) {
      return Failure{fmt::format("{} gatewhy that can be seen from here runs with {}{}",
                                 found.empty() ? "no" : "more than one", file,
                                 found.empty() ? also : "; choose one with --pid")};
    }
    pid = found.front();
  }
  const auto state = readRunState(pid);
  if (!state) {
    return Failure{fmt::format("process {} is not a gatewhy that can be inspected from here{}", pid, also)};
  }
  if (!sameFile(state->config, file)) {
    return Failure{fmt::format("that is {}, not with {}", runsWith(pid, state->config), file)};
  }
  return reloadBySignal(pid, *state);
}

// ---- together -----------------------------------------------------------

// Null, and said, where the file has errors: then nobody is asked. What only
// the daemon's own user may read, keys mostly, is left to it.
ConfigPtr soundConfig(const std::string& file) {
  const LoadedConfig loaded = loadConfigFile(file, Pipes::Refused);
  if (loaded.config != nullptr) {
    return loaded.config;
  }
  if (ConfigPtr text = ::geteuid() == 0 ? nullptr : loadConfigText(file).config) {
    return text;
  }
  for (const ConfigProblem& problem : loaded.problems) {
    fmt::print(stderr, "{}\n", format(problem));
  }
  fmt::print(stderr, "gatewhy: not reloaded; the running configuration stays in force\n");
  return nullptr;
}

int print(const Reported& reported) {
  if (!reported) {
    fmt::print(stderr, "gatewhy: not reloaded: {}\n", reported.error());
    return kExitFailure;
  }
  std::FILE* const out = reported->applied ? stdout : stderr;
  for (const std::string& problem : reported->problems) {
    fmt::print(out, "{}\n", problem);
  }
  fmt::print(out, "{}\n", reported->message);
  return reported->applied ? kExitOk : kExitFailure;
}

// `--admin` alone: the daemon there says which file is its own.
int reloadAt(const std::string& address) {
  const auto client = AdminClient::create(address);
  if (!client) {
    return print(Failure{client.error()});
  }
  const auto who = identify(*client);
  if (!who) {
    return print(Failure{who.error()});
  }
  if (!who->config.empty() && ::access(who->config.c_str(), R_OK) == 0 && soundConfig(who->config) == nullptr) {
    return kExitFailure;
  }
  return print(reloadByAdmin(*client, who->pid));
}

}  // namespace

int runReload(const ReloadOptions& options) {
  if (!options.admin.empty() && !options.config_given && options.pid <= 0) {
    return reloadAt(options.admin);
  }
  const ConfigPtr config = soundConfig(options.config);
  if (config == nullptr) {
    return kExitFailure;
  }
  const std::string file = absolutePath(options.config);
  const std::string address = options.admin.empty() ? config->admin.address : options.admin;
  std::string why_not;
  if (!address.empty()) {
    const auto client = AdminClient::create(address);
    const auto who = client ? identify(*client) : Result<Identity, std::string>(Failure{client.error()});
    if (who && sameFile(who->config, file) && (options.pid <= 0 || options.pid == who->pid)) {
      return print(reloadByAdmin(*client, who->pid));
    }
    why_not = who ? fmt::format("the admin listener at {} belongs to {}", address, runsWith(who->pid, who->config))
                  : who.error();
  }
  return print(reloadProcess(options, file, why_not));
}

}  // namespace gatewhy
