// SPDX-License-Identifier: Apache-2.0
// What `run` steps and `prepare` entries of a scenario can do to the world.
#include <fmt/core.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/expectation.h"
#include "tests/support/scenario_world.h"

namespace gatewhy::test {

using nlohmann::json;

bool ScenarioWorld::act(const std::string& action) {
  const std::size_t space = action.find(' ');
  const std::string verb = action.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : expand(action.substr(space + 1), variables_);
  Result<bool, std::string> done = true;
  if (verb == "origin") {
    done = runShell(rest, originNamespace());
  } else if (verb == "proxy") {
    done = runShell(rest, proxyNamespace());
  } else if (verb == "cut" && lab_) {
    done = lab_->cut();
  } else if (verb == "heal" && lab_) {
    done = lab_->heal();
  } else {
    done = actOnDaemon(verb, rest);
  }
  if (!done) {
    note(done.error());
  }
  return done && *done;
}

bool ScenarioWorld::actOnDaemon(const std::string& verb, const std::string& rest) {
  if (verb == "reload") {
    return reload(rest);
  }
  if (verb == "dns") {
    return changeDns(rest);
  }
  if (verb == "await") {
    return await(rest);
  }
  if (verb == "term") {
    daemon_->signal(SIGTERM);
    return true;
  }
  if (verb == "descriptors") {
    return leaveDescriptors(static_cast<unsigned>(std::stoul(rest)));
  }
  return false;
}

bool ScenarioWorld::reload(const std::string& config_name) {
  const auto found = scenario_.configs.find(config_name);
  if (found == scenario_.configs.end() || !writeConfig(found->second)) {
    return false;
  }
  daemon_->signal(SIGHUP);
  return await("event=reload");
}

// In one step: the server reads the file before each answer.
bool ScenarioWorld::changeDns(const std::string& name) {
  const auto found = scenario_.dns_sets.find(name);
  if (found == scenario_.dns_sets.end()) {
    return false;
  }
  const std::string rules = directory_.path() + "/dns.yaml";
  std::ofstream(rules + ".new") << expand(YAML::Dump(found->second), variables_);
  return std::rename((rules + ".new").c_str(), rules.c_str()) == 0;
}

// "event=health" or "diagnosis.cause=connection_refused"
bool ScenarioWorld::await(const std::string& condition) {
  const std::size_t equals = condition.find('=');
  if (equals == std::string::npos) {
    return false;
  }
  YAML::Node wanted;
  wanted[condition.substr(0, equals)] = condition.substr(equals + 1);
  return daemon_->waitFor([&](const json& event) { return mismatches(wanted, event).empty(); }).has_value();
}

// The daemon may open `free` more descriptors than it has now.
bool ScenarioWorld::leaveDescriptors(unsigned free) {
  std::vector<bool> used;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", daemon_->pid()), error)) {
    const std::size_t number = std::stoul(entry.path().filename().string());
    used.resize(std::max(used.size(), number + 1));
    used[number] = true;
  }
  rlim_t limit = 0;
  for (unsigned left = free; left > 0 || (limit < used.size() && used[limit]); ++limit) {
    left -= limit < used.size() && used[limit] ? 0 : 1;
  }
  const rlimit lowered{limit, limit};
  return !error && ::prlimit(daemon_->pid(), RLIMIT_NOFILE, &lowered, nullptr) == 0;
}

}  // namespace gatewhy::test
