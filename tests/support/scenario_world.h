// SPDX-License-Identifier: Apache-2.0
// Brings a scenario to life: origins, DNS server, network, the real daemon,
// clients; and hands back everything that could be seen.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/demo/script_peer.h"
#include "tests/support/client_answer.h"
#include "tests/support/daemon_process.h"
#include "tests/support/netns.h"
#include "tests/support/pki.h"
#include "tests/support/scenario.h"

namespace gatewhy::test {

struct ClientResult {
  SessionRecord record;
  std::vector<ClientResponse> responses;
};

struct OriginResult {
  std::size_t connections = 0;
  unsigned requests = 0;
  std::string received;  // of all connections, in order
};

struct ScenarioResult {
  std::map<std::string, ClientResult> clients;
  std::map<std::string, OriginResult> origins;
  std::vector<nlohmann::json> events;
  bool awaited = true;                    // the awaited event came
  std::string metrics;                    // /metrics before the daemon was stopped
  std::size_t events_before_metrics = 0;  // of `events`: what it must count
  std::optional<int> exit_status;
  std::string standard_error;
  std::vector<std::string> stray_lines;
  std::vector<std::string> problems;  // clients that hung, scripts that could not run
};

class ScenarioWorld {
 public:
  // The error says what could not be set up; `unsupported` is set where this
  // machine is the reason.
  [[nodiscard]] static Result<std::unique_ptr<ScenarioWorld>, std::string> create(const Scenario& scenario,
                                                                                  bool& unsupported);
  ~ScenarioWorld();
  ScenarioWorld(const ScenarioWorld&) = delete;
  ScenarioWorld& operator=(const ScenarioWorld&) = delete;

  // Waits for an event that `wanted` accepts once the clients are done; an
  // empty function waits for none.
  [[nodiscard]] ScenarioResult run(const DaemonProcess::Predicate& wanted);

 private:
  using Done = Result<bool, std::string>;

  explicit ScenarioWorld(const Scenario& scenario) : scenario_(scenario) {}
  Done setUpNetwork(bool& unsupported);
  Done startOrigins();
  Done startOrigin(const std::string& name, const ScenarioOrigin& origin);
  Done startDns();
  Done startDaemon();
  Done writeConfig(const YAML::Node& extra);
  [[nodiscard]] int proxyNamespace() const { return lab_ ? lab_->proxyNamespace() : -1; }
  [[nodiscard]] int originNamespace() const { return lab_ ? lab_->originNamespace() : -1; }

  // What a `run` step or a `prepare` entry says; see tests/scenario/README.md.
  bool act(const std::string& action);
  bool actOnDaemon(const std::string& verb, const std::string& rest);
  bool changeDns(const std::string& name);
  bool reload(const std::string& config_name);
  bool await(const std::string& condition);
  bool leaveDescriptors(unsigned free);
  void runClients(ScenarioResult& result);
  void runClient(const ScenarioClient& client, ClientResult& result);
  [[nodiscard]] std::string readMetrics();
  void collect(ScenarioResult& result);
  void note(std::string problem);  // any thread

  const Scenario& scenario_;
  PemDirectory directory_;
  TlsFiles tls_files_;
  Variables variables_;
  SignalBoard signals_;
  StopFlag stop_clients_;
  std::unique_ptr<NetworkLab> lab_;
  std::map<std::string, std::unique_ptr<ScriptPeer>> origins_;
  std::unique_ptr<ChildProcess> dns_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::mutex problems_mutex_;
  std::vector<std::string> problems_;  // guarded by problems_mutex_
};

}  // namespace gatewhy::test
