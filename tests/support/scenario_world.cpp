// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scenario_world.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>

#include "tests/support/h2_script_client.h"
#include "tests/support/scenario_pki.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return text;
}

std::vector<std::string> methodsOf(const Script& script) {
  std::vector<std::string> methods;
  for (const Step& step : script) {
    if (step.kind == StepKind::Send && step.text.find(" HTTP/1.") != std::string::npos) {
      methods.push_back(step.text.substr(0, step.text.find(' ')));
    }
  }
  return methods;
}

}  // namespace

Result<std::unique_ptr<ScenarioWorld>, std::string> ScenarioWorld::create(const Scenario& scenario, bool& unsupported) {
  std::unique_ptr<ScenarioWorld> world(new ScenarioWorld(scenario));
  world->tls_files_ = writeScenarioPki(world->directory_);
  world->variables_["DIR"] = world->directory_.path();
  world->variables_["PKI"] = world->directory_.path();
  for (const auto& [name, text] : scenario.files) {
    world->directory_.write(name, text);
  }
  Done done = world->setUpNetwork(unsupported);
  done = done ? world->startOrigins() : done;
  done = done ? world->startDns() : done;
  done = done ? world->startDaemon() : done;
  if (!done) {
    return Failure{done.error()};
  }
  return world;
}

ScenarioWorld::~ScenarioWorld() {
  signals_.stop();
  stop_clients_.raise();
}

ScenarioWorld::Done ScenarioWorld::setUpNetwork(bool& unsupported) {
  if (!scenario_.network_lab) {
    return true;
  }
  Result<std::unique_ptr<NetworkLab>, std::string> lab = NetworkLab::create();
  if (!lab) {
    unsupported = true;
    return Failure{lab.error()};
  }
  lab_ = std::move(lab).value();
  for (const std::string& command : scenario_.origin_commands) {
    if (Done done = runShell(command, originNamespace()); !done) {
      return done;
    }
  }
  for (const std::string& command : scenario_.proxy_commands) {
    if (Done done = runShell(command, proxyNamespace()); !done) {
      return done;
    }
  }
  return true;
}

ScenarioWorld::Done ScenarioWorld::startOrigins() {
  for (const auto& [name, origin] : scenario_.origins) {
    if (Done done = startOrigin(name, origin); !done) {
      return done;
    }
  }
  return true;
}

ScenarioWorld::Done ScenarioWorld::startOrigin(const std::string& name, const ScenarioOrigin& origin) {
  ScriptPeerOptions options = origin.peer;
  for (Script& script : options.scripts) {
    script = expand(std::move(script), variables_);
  }
  options.address = origin.unix_socket ? fmt::format("unix:{}/{}.sock", directory_.path(), name)
                    : lab_             ? fmt::format("{}:0", NetworkLab::kOriginAddress)
                                       : "127.0.0.1:0";
  options.tls_files = tls_files_;
  options.signals = &signals_;
  options.on_run = [this](const std::string& action) { return act(action); };
  Result<std::unique_ptr<ScriptPeer>, std::string> peer = Failure{std::string("no thread in the namespace")};
  runInNamespace(originNamespace(), [&] {
    peer = ScriptPeer::start(std::move(options));
    if (peer && origin.full) {
      (*peer)->fillQueue();
    }
  });
  if (!peer) {
    return Failure{peer.error()};
  }
  const std::string address = (*peer)->address().text();
  const std::string key = upper(name);
  variables_[key] = address;
  variables_[key + "_PORT"] = std::to_string((*peer)->address().port());
  variables_[key + "_URL"] = origin.unix_socket ? address : scenario_.origin_scheme + address;
  origins_[name] = std::move(peer).value();
  return true;
}

ScenarioWorld::Done ScenarioWorld::startDns() {
  if (!scenario_.dns) {
    return true;
  }
  const std::string rules = directory_.path() + "/dns.yaml";
  std::ofstream(rules) << YAML::Dump(scenario_.dns);
  ChildOptions options;
  options.arguments = {GATEWHY_TEST_DNS_BINARY, rules};
  options.network_namespace = proxyNamespace();
  // Shared with the reader thread, which outlives this function.
  struct FirstLine {
    std::promise<std::string> text;
    std::once_flag once;
    void say(const std::string& line) {
      std::call_once(once, [&] { text.set_value(line); });
    }
  };
  const auto port = std::make_shared<FirstLine>();
  Result<std::unique_ptr<ChildProcess>, std::string> child = ChildProcess::start(
      options, [port](const std::string& line) { port->say(line); }, [port] { port->say(""); });
  if (!child) {
    return Failure{child.error()};
  }
  dns_ = std::move(child).value();
  const std::string number = port->text.get_future().get();
  if (number.empty()) {
    return Failure{"the DNS server did not start: " + dns_->standardError()};
  }
  variables_["DNS"] = "127.0.0.1:" + number;
  return true;
}

ScenarioWorld::Done ScenarioWorld::writeConfig(const YAML::Node& extra) {
  const std::string file = directory_.path() + "/gatewhy.yaml";
  std::ofstream out(file);
  out << composeConfig(scenario_, extra);
  return out ? Done(true) : Done(Failure{"cannot write " + file});
}

ScenarioWorld::Done ScenarioWorld::startDaemon() {
  // A name for what is not there, so that the default configuration is whole.
  variables_.emplace("ORIGIN_URL", "http://127.0.0.1:9");
  if (Done done = writeConfig(YAML::Node()); !done) {
    return done;
  }
  ChildOptions options;
  options.environment.assign(variables_.begin(), variables_.end());
  options.network_namespace = proxyNamespace();
  options.denied = scenario_.denied;
  options.drop_file_privileges = !scenario_.file_privileges;
  Result<std::unique_ptr<DaemonProcess>, std::string> daemon =
      DaemonProcess::start(directory_.path() + "/gatewhy.yaml", std::move(options));
  if (!daemon) {
    return Failure{daemon.error()};
  }
  daemon_ = std::move(daemon).value();
  return true;
}

ScenarioResult ScenarioWorld::run(const DaemonProcess::Predicate& wanted) {
  ScenarioResult result;
  for (const std::string& action : scenario_.prepare) {
    if (!act(action)) {
      note("could not prepare: " + action);
    }
  }
  runClients(result);
  if (wanted) {
    result.awaited = daemon_->waitFor(wanted).has_value();
  }
  result.events_before_metrics = daemon_->events().size();
  result.metrics = readMetrics();
  collect(result);
  return result;
}

void ScenarioWorld::note(std::string problem) {
  const std::lock_guard lock(problems_mutex_);
  problems_.push_back(std::move(problem));
}

void ScenarioWorld::runClients(ScenarioResult& result) {
  std::map<std::string, std::future<void>> running;
  for (const auto& [name, client] : scenario_.clients) {
    ClientResult& seen = result.clients[name];
    running[name] = std::async(std::launch::async, [this, &client = client, &seen] {
      runInNamespace(proxyNamespace(), [&] { runClient(client, seen); });
    });
  }
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (auto& [name, done] : running) {
    if (done.wait_until(until) != std::future_status::ready) {
      note(fmt::format("client '{}' hung", name));
      signals_.stop();
      stop_clients_.raise();
    }
    done.wait();
    const ClientResult& client = result.clients[name];
    if (!client.record.error.empty() && client.record.end == SessionEnd::Error) {
      note(fmt::format("client '{}': {}", name, client.record.error));
    }
  }
}

void ScenarioWorld::runClient(const ScenarioClient& client, ClientResult& result) {
  SessionRecord& record = result.record;
  const std::vector<std::string>& listeners = daemon_->listeners();
  const std::optional<Address> address =
      client.listener < listeners.size() ? Address::parse(listeners[client.listener]) : std::nullopt;
  if (!address) {
    record.end = SessionEnd::Error;
    record.error = "there is no such listener";
    return;
  }
  Script script = expand(client.script, variables_);
  while (!script.empty() && script.front().kind == StepKind::Wait) {  // a client may come later
    if (!signals_.wait(script.front().text)) {
      record.end = SessionEnd::Stopped;
      return;
    }
    script.erase(script.begin());
  }
  Fd socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), address->get(), address->size) != 0) {
    record.end = SessionEnd::Error;
    record.error = std::string("cannot connect to gatewhy: ") + std::strerror(errno);
    return;
  }
  const SessionEnvironment environment{&stop_clients_, &signals_,
                                       [this](const std::string& action) { return act(action); }, nullptr, &tls_files_};
  if (scenario_.client_protocol == ClientProtocol::Http2) {
    H2ScriptClient session(std::move(socket), environment, record);
    session.run(script);
    result.responses = session.responses();
    return;
  }
  ScriptSession(std::move(socket), ScriptSession::Role::Client, environment, record).run(script);
  result.responses = readResponses(record, methodsOf(client.script));
}

std::string ScenarioWorld::readMetrics() {
  const std::optional<Address> address = Address::parse(daemon_->adminAddress());
  if (!address) {
    note("the start event names no admin address");
    return {};
  }
  SessionRecord record;
  runInNamespace(proxyNamespace(), [&] {
    Fd socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), address->get(), address->size) == 0) {
      const Result<Script, ScriptError> script =
          parseScript(R"(send "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", read_response)");
      const SessionEnvironment environment{&stop_clients_, nullptr, {}, nullptr, nullptr};
      ScriptSession(std::move(socket), ScriptSession::Role::Client, environment, record).run(*script);
    }
  });
  const std::vector<ClientResponse> responses = readResponses(record, {"GET"});
  if (responses.empty() || responses.front().status != 200) {
    // A story that stops the daemon may be over before it is asked.
    const std::vector<nlohmann::json> events = daemon_->events();
    if (std::none_of(events.begin(), events.end(),
                     [](const nlohmann::json& event) { return event.value("event", "") == "drain"; })) {
      note("the admin listener does not serve /metrics");
    }
    return {};
  }
  return responses.front().body;
}

void ScenarioWorld::collect(ScenarioResult& result) {
  for (const auto& [name, peer] : origins_) {
    peer->stop();
    OriginResult& origin = result.origins[name];
    origin.connections = peer->connections();
    origin.requests = peer->requests();
    for (const SessionRecord& record : peer->records()) {
      origin.received += record.received;
      if (record.end == SessionEnd::Error) {
        note(fmt::format("origin '{}': {}", name, record.error));
      }
    }
  }
  result.exit_status = daemon_->stop();
  result.events = daemon_->events();
  result.stray_lines = daemon_->strayLines();
  result.standard_error = daemon_->standardError();
  const std::lock_guard lock(problems_mutex_);
  result.problems = problems_;
}

}  // namespace gatewhy::test
