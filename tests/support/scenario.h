// SPDX-License-Identifier: Apache-2.0
// One story about one failure, as a YAML file (docs in tests/scenario/README.md).
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_peer.h"
#include "diagnostics/result.h"
#include "tests/support/child_process.h"

namespace gatewhy::test {

struct ScenarioClient {
  Script script;
  std::size_t listener = 0;  // index
};

struct ScenarioOrigin {
  ScriptPeerOptions peer;
  bool unix_socket = false;
  bool full = false;  // its accept queue is filled before the daemon starts
};

// What the clients of a scenario speak.
enum class ClientProtocol : std::uint8_t { Http1, Http2 };
enum class OriginProtocol : std::uint8_t { AsWritten, Http2 };

struct Scenario {
  ClientProtocol client_protocol = ClientProtocol::Http1;
  OriginProtocol origin_protocol = OriginProtocol::AsWritten;
  std::string name;
  std::string cause;
  std::map<std::string, ScenarioOrigin> origins;
  std::map<std::string, ScenarioClient> clients;
  std::map<std::string, std::string> files;    // by name below ${DIR}, written before the daemon starts
  YAML::Node config;                           // merged over the default
  std::map<std::string, YAML::Node> configs;   // what `run "reload NAME"` merges over it
  YAML::Node dns;                              // rules; undefined = no DNS server
  std::map<std::string, YAML::Node> dns_sets;  // other rules, for `run "dns NAME"`
  bool network_lab = false;
  std::vector<std::string> proxy_commands, origin_commands;  // for the lab
  std::vector<DeniedCall> denied;
  bool file_privileges = true;
  std::vector<std::string> prepare;  // actions between the daemon's start and the first client
  std::string origin_scheme;         // ${ORIGIN_URL} begins with: "https://"
  YAML::Node expect;
};

// The error names the line where one is at fault. Unknown keys are errors.
[[nodiscard]] Result<Scenario, std::string> loadScenario(const std::filesystem::path& file,
                                                         ClientProtocol protocol = ClientProtocol::Http1,
                                                         OriginProtocol origins = OriginProtocol::AsWritten);
// A story's reason for being played otherwise, where that is a text: its key
// `h2_client`, why its clients cannot speak HTTP/2, or `starved_by`. "" where it
// has none. Each run of the program asks this of all stories, which are
// therefore not parsed unless a line begins with the key.
[[nodiscard]] std::string storyReason(const std::filesystem::path& file, const std::string& key);

// HTTP/2 has no such field (RFC 9113 section 8.2.2, RFC 8441 section 5.1).
[[nodiscard]] bool isFieldOfConnection(std::string_view name);

// Maps merge, everything else replaces, null removes.
void mergeYaml(YAML::Node base, const YAML::Node& delta);

// `${NAME}` in scripts and configuration.
using Variables = std::map<std::string, std::string>;
[[nodiscard]] std::string expand(std::string text, const Variables& variables);
[[nodiscard]] Script expand(Script script, const Variables& variables);

// The default configuration with the scenario's own merged over it, as YAML
// text: maps merge, everything else replaces, null removes.
[[nodiscard]] std::string composeConfig(const Scenario& scenario, const YAML::Node& extra);

}  // namespace gatewhy::test
