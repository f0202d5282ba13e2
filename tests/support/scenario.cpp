// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scenario.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "tests/support/scenario_over_h2.h"

namespace gatewhy::test {
namespace {

constexpr const char* kDefaultConfig = R"(
workers: 1
listeners: [{address: "127.0.0.1:0"}]
origins:
  origin:
    endpoints: ["${ORIGIN_URL}"]
    timeouts: {resolve: 3s, connect: 5s, tls_handshake: 2s, send: 2s, response_head: 2s, response_idle: 2s}
    retry: {attempts: 0}
admin: {address: "127.0.0.1:0"}
log: {destination: stdout}
drain: {timeout: 1s}
diagnostics: {name: gatewhy}
dns: {search: false}
)";
constexpr const char* kDefaultRequest = R"([send: "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", read_response])";

[[noreturn]] void refuse(const YAML::Node& node, const std::string& what) {
  throw YAML::ParserException(node.Mark(), what);  // caught in loadScenario
}

void allowOnly(const YAML::Node& map, const std::set<std::string>& keys) {
  if (!map.IsMap()) {
    refuse(map, "expected a map");
  }
  for (const auto& entry : map) {
    if (keys.count(entry.first.Scalar()) == 0) {
      refuse(entry.first, fmt::format("unknown key '{}'", entry.first.Scalar()));
    }
  }
}

Script readScript(const YAML::Node& node) {
  Result<Script, ScriptError> script = parseScript(node);
  if (!script) {
    refuse(node, fmt::format("{} (line {})", script.error().message, script.error().line + 1));
  }
  return std::move(script).value();
}

std::vector<Script> readScripts(const YAML::Node& node) {
  std::vector<Script> scripts;
  if (node.IsSequence() && node.size() > 0 && node[0].IsSequence()) {
    for (const YAML::Node& script : node) {
      scripts.push_back(readScript(script));
    }
  } else {
    scripts.push_back(readScript(node));
  }
  return scripts;
}

ScenarioOrigin readOrigin(const YAML::Node& node) {
  ScenarioOrigin origin;
  if (!node.IsMap()) {
    origin.peer.scripts = readScripts(node);
    return origin;
  }
  allowOnly(node, {"scripts", "refuses", "full", "unix", "receive_buffer", "by_path"});
  if (const YAML::Node scripts = node["scripts"]) {
    origin.peer.scripts = readScripts(scripts);
  }
  origin.peer.listens = !node["refuses"].as<bool>(false);
  origin.full = node["full"].as<bool>(false);
  origin.peer.accepts = !origin.full;
  origin.peer.backlog = origin.full ? 0 : origin.peer.backlog;
  origin.unix_socket = node["unix"].as<bool>(false);
  origin.peer.receive_buffer = node["receive_buffer"].as<int>(0);
  if (const YAML::Node by_path = node["by_path"]) {
    for (const auto& entry : by_path) {
      origin.peer.by_path[entry.first.Scalar()] = readScript(entry.second);
    }
  }
  return origin;
}

ScenarioClient readClient(const YAML::Node& node) {
  if (!node.IsMap()) {
    return {readScript(node), 0};
  }
  allowOnly(node, {"script", "listener"});
  return {readScript(node["script"] ? node["script"] : YAML::Load(kDefaultRequest)),
          node["listener"].as<std::size_t>(0)};
}

int errnoNumber(const YAML::Node& node) {
  static const std::map<std::string, int> kNumbers = {{"EPERM", EPERM},     {"EACCES", EACCES},
                                                      {"ENOBUFS", ENOBUFS}, {"ENOMEM", ENOMEM},
                                                      {"EMFILE", EMFILE},   {"EAFNOSUPPORT", EAFNOSUPPORT},
                                                      {"ENOSYS", ENOSYS}};
  const auto found = kNumbers.find(node.Scalar());
  if (found == kNumbers.end()) {
    refuse(node, "this errno is not in the table");
  }
  return found->second;
}

void readSurroundings(const YAML::Node& root, Scenario& scenario) {
  if (const YAML::Node lab = root["netns"]) {
    allowOnly(lab, {"proxy", "origin"});
    scenario.network_lab = true;
    scenario.proxy_commands = lab["proxy"].as<std::vector<std::string>>(std::vector<std::string>());
    scenario.origin_commands = lab["origin"].as<std::vector<std::string>>(std::vector<std::string>());
  }
  if (const YAML::Node deny = root["deny"]) {
    allowOnly(deny, {"connect", "socket", "socket6"});
    for (const auto& entry : deny) {
      scenario.denied.push_back({entry.first.Scalar(), errnoNumber(entry.second)});
    }
  }
  scenario.files = root["files"].as<std::map<std::string, std::string>>(std::map<std::string, std::string>());
  scenario.file_privileges = root["file_privileges"].as<bool>(true);
  scenario.prepare = root["prepare"].as<std::vector<std::string>>(std::vector<std::string>());
}

// Whether a script of the origin named "origin" has such a step.
bool originHas(const Scenario& scenario, StepKind kind) {
  const auto origin = scenario.origins.find("origin");
  return origin != scenario.origins.end() &&
         std::ranges::any_of(origin->second.peer.scripts, [kind](const Script& script) {
           return std::ranges::any_of(script, [kind](const Step& step) { return step.kind == kind; });
         });
}

// What its endpoint's URL begins with: over TLS, ALPN chooses HTTP/2.
std::string schemeOf(const Scenario& scenario, const YAML::Node& tls) {
  if (tls.as<bool>(originHas(scenario, StepKind::Tls))) {
    return "https://";
  }
  return originHas(scenario, StepKind::H2) ? "h2c://" : "http://";
}

// A node that may be kept: what yaml-cpp returns for a missing key may not.
YAML::Node child(const YAML::Node& map, const char* key) {
  const YAML::Node found = map[key];
  return found ? found : YAML::Node(YAML::NodeType::Undefined);
}

Scenario readScenario(const YAML::Node& root) {
  allowOnly(root, {"name",    "cause",   "slow",      "starved_by", "files", "config", "configs",         "origin",
                   "origins", "dns",     "dns_sets",  "netns",      "deny",  "tls",    "file_privileges", "prepare",
                   "client",  "clients", "h2_client", "expect"});
  Scenario scenario;
  scenario.name = root["name"].as<std::string>();
  scenario.cause = root["cause"].as<std::string>();
  scenario.config = child(root, "config");
  scenario.dns = child(root, "dns");
  scenario.expect = child(root, "expect");
  if (const YAML::Node origin = root["origin"]) {
    scenario.origins["origin"] = readOrigin(origin);
  }
  for (const auto& entry : child(root, "origins")) {
    scenario.origins[entry.first.Scalar()] = readOrigin(entry.second);
  }
  for (const auto& entry : child(root, "configs")) {
    scenario.configs[entry.first.Scalar()] = entry.second;
  }
  for (const auto& entry : child(root, "dns_sets")) {
    scenario.dns_sets[entry.first.Scalar()] = entry.second;
  }
  for (const auto& entry : child(root, "clients")) {
    scenario.clients[entry.first.Scalar()] = readClient(entry.second);
  }
  if (root["client"] || scenario.clients.empty()) {
    scenario.clients["client"] = readClient(root["client"] ? root["client"] : YAML::Load(kDefaultRequest));
  }
  readSurroundings(root, scenario);
  scenario.origin_scheme = schemeOf(scenario, child(root, "tls"));
  return scenario;
}

// Flow style, scalars as they were: what was quoted stays quoted, for a quoted
// number is a string to a strict reader.
void write(std::string& out, const YAML::Node& node) {
  const auto list = [&out](const YAML::Node& items, char open, char close, const auto& each) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
      out += first ? "" : ", ";
      first = false;
      each(item);
    }
    out += close;
  };
  if (node.IsMap()) {
    list(node, '{', '}', [&out](const auto& item) {
      write(out, item.first);
      out += ": ";
      write(out, item.second);
    });
  } else if (node.IsSequence()) {
    list(node, '[', ']', [&out](const auto& item) { write(out, item); });
  } else if (node.Tag() == "!") {
    out += '"';
    for (const char c : node.Scalar()) {
      out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    out += '"';
  } else {
    out += node.Scalar();
  }
}

void dropConnectionFields(const YAML::Node& client) {
  YAML::Node headers = child(client, "headers");
  if (!headers.IsMap()) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& entry : headers) {
    names.push_back(entry.first.Scalar());
  }
  for (const std::string& name : names) {
    if (isFieldOfConnection(name)) {
      headers.remove(name);
    }
  }
}

// The story with HTTP/2 clients: `h2_client` says what of it is otherwise.
YAML::Node withHttp2Clients(const YAML::Node& root) {
  YAML::Node story = YAML::Clone(root);
  if (const YAML::Node other = root["h2_client"]) {
    allowOnly(other, {"reason", "origin", "client", "expect"});
    mergeYaml(story, other);
    story.remove("reason");
  }
  return story;
}

void expectHttp2(Scenario& scenario) {
  scenario.client_protocol = ClientProtocol::Http2;
  if (scenario.expect["client"]) {
    dropConnectionFields(scenario.expect["client"]);
  }
  for (const auto& client : child(scenario.expect, "clients")) {
    dropConnectionFields(client.second);
  }
}

void offerHttp2(const YAML::Node& config) {
  for (YAML::Node listener : config["listeners"]) {
    if (!listener["tls"]) {
      listener["http2"] = true;
    }
  }
}

}  // namespace

void mergeYaml(YAML::Node base, const YAML::Node& delta) {
  for (const auto& entry : delta) {
    const std::string key = entry.first.Scalar();
    if (entry.second.IsNull()) {
      base.remove(key);
    } else if (entry.second.IsMap() && base[key] && base[key].IsMap()) {
      mergeYaml(base[key], entry.second);
    } else {
      base[key] = YAML::Clone(entry.second);
    }
  }
}

bool isFieldOfConnection(std::string_view name) {
  constexpr std::string_view kNames[] = {"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade",
                                         "Sec-WebSocket-Accept"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::string storyReason(const std::filesystem::path& file, const std::string& key) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (("\n" + text).find("\n" + key + ":") == std::string::npos) {
    return {};
  }
  const YAML::Node reason = YAML::Load(text)[key];
  return reason && reason.IsScalar() ? reason.Scalar() : std::string();
}

Result<Scenario, std::string> loadScenario(const std::filesystem::path& file, ClientProtocol protocol,
                                           OriginProtocol origins) {
  try {
    YAML::Node story = YAML::LoadFile(file.string());
    if (protocol == ClientProtocol::Http2) {
      story = withHttp2Clients(story);
    }
    if (origins == OriginProtocol::Http2) {
      story = storyOverHttp2(story, file);
    }
    Scenario scenario = readScenario(story);
    if (protocol == ClientProtocol::Http2) {
      expectHttp2(scenario);
    }
    if (origins == OriginProtocol::Http2) {
      playOverHttp2(scenario);
    }
    return scenario;
  } catch (const YAML::Exception& problem) {
    return Failure{fmt::format("{}: {}", file.filename().string(), problem.what())};
  }
}

std::string expand(std::string text, const Variables& variables) {
  std::size_t at = 0;
  while ((at = text.find("${", at)) != std::string::npos) {
    const std::size_t end = text.find('}', at);
    const auto found = variables.find(text.substr(at + 2, end == std::string::npos ? 0 : end - at - 2));
    if (found == variables.end()) {
      at += 2;
      continue;
    }
    text.replace(at, end + 1 - at, found->second);
    at += found->second.size();
  }
  return text;
}

Script expand(Script script, const Variables& variables) {
  for (Step& step : script) {
    step.text = expand(std::move(step.text), variables);
  }
  return script;
}

std::string composeConfig(const Scenario& scenario, const YAML::Node& extra) {
  YAML::Node config = YAML::Load(kDefaultConfig);
  if (scenario.origin_scheme == "https://") {
    mergeYaml(config,
              YAML::Load(R"({origins: {origin: {tls: {ca_file: "${PKI}/ca.pem", server_name: "origin.test"}}}})"));
  }
  if (scenario.dns) {
    mergeYaml(config, YAML::Load(R"({dns: {servers: ["${DNS}"], hosts_file: false}})"));
  }
  for (const YAML::Node& delta : {scenario.config, extra}) {
    if (delta && delta.IsMap()) {
      mergeYaml(config, delta);
    }
  }
  if (scenario.client_protocol == ClientProtocol::Http2) {
    offerHttp2(config);
  }
  if (scenario.origin_protocol == OriginProtocol::Http2) {
    endpointsOverHttp2(config);
  }
  std::string text;
  write(text, config);
  return text + "\n";
}

}  // namespace gatewhy::test
