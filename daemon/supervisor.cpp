// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <iostream>
#include <set>

#include "config/load.h"
#include "daemon/commands/run.h"
#include "daemon/port_owner.h"
#include "daemon/signals.h"

namespace gatewhy {
namespace {

// An idle kept-alive connection may bring one more request for this long.
constexpr std::chrono::milliseconds kIdleGrace{1000};
constexpr std::chrono::milliseconds kAbortGrace{2000};
constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::milliseconds kLookAtLists{5000};  // has a revocation list been renewed?
constexpr std::chrono::milliseconds kUpgradeLimit{60000};

LifecycleEvent::Fact fact(std::string_view key, std::string text) {
  return {.key = key, .text = std::move(text), .number = {}, .list = {}};
}

LifecycleEvent::Fact fact(std::string_view key, std::vector<std::string> list) {
  return {.key = key, .text = {}, .number = {}, .list = std::move(list)};
}

LifecycleEvent::Fact fact(std::string_view key, double number) {
  return {.key = key, .text = {}, .number = number, .list = {}};
}

}  // namespace

Supervisor::Supervisor(ConfigPtr config, std::string config_file)
    : config_(std::move(config)), config_file_(std::move(config_file)) {
  holdSignals();
}

// ---- starting ---------------------------------------------------------

bool Supervisor::openLog() {
  auto log = EventLog::open({.destination = config_->log.destination});
  if (!log) {
    std::cerr << "gatewhy: " << log.error() << "\n";
    return false;
  }
  log_ = std::move(log).value();
  log_settings_.failures_only = config_->log.failures_only;
  return true;
}

std::optional<ListenerSet::Opened> Supervisor::openListeners(const Config& config) {
  auto opened = listeners_.openMissing(config, config_->workers, inherited_);
  if (!opened) {
    const std::string problem = describeListenFault(opened.error());
    say("message", "ERROR", problem);
    std::cerr << "gatewhy: " << problem << "\n";
    return std::nullopt;
  }
  return std::move(opened).value();
}

bool Supervisor::startWorkers() {
  auto opened = openListeners(*config_);
  if (!opened) {
    return false;
  }
  const auto make_sink = [this] {
    view_.metrics.push_back(std::make_unique<WorkerMetrics>());
    return std::make_unique<WorkerSink>(*log_, log_settings_, *view_.metrics.back(), view_.failures);
  };
  if (!workers_.start(listeners_.adopt(generation_, *std::move(opened), config_->workers), make_sink)) {
    std::cerr << "gatewhy: cannot watch the listeners: " << std::strerror(errno) << "\n";
    return false;
  }
  return true;
}

// Nobody asked for the default address: where it is taken, by another gatewhy
// for instance, traffic matters more.
bool Supervisor::startAdmin() {
  const AdminConfig& admin = config_->admin;
  if (admin.address.empty()) {
    return true;
  }
  auto sockets = openAdminListener(admin, inherited_);
  if (!sockets) {
    const std::string problem = describeListenFault(sockets.error());
    if (admin.configured) {
      say("message", "ERROR", problem);
      std::cerr << "gatewhy: " << problem << "\n";
      return false;
    }
    say("message", "WARN", "no admin listener: " + problem + "; admin.address names another one, or off");
    return true;
  }
  view_.log = log_.get();
  view_.count_parked = [this] { return workers_.parked(); };
  view_.request_reload = [] { ::kill(::getpid(), SIGHUP); };
  admin_ =
      std::make_unique<AdminServer>(AdminServer::Settings{.sockets = std::move(sockets).value(), .hosts = admin.hosts},
                                    admin_api_, view_.failures, view_.streams_missed);
  if (!admin_->start()) {
    std::cerr << "gatewhy: cannot watch the admin listener: " << std::strerror(errno) << "\n";
    return false;
  }
  return true;
}

bool Supervisor::start() {
  if (!openLog()) {
    return false;
  }
  auto generation = Generation::create(config_, states_);
  if (!generation) {
    std::cerr << "gatewhy: " << generation.error().detail << ": " << generation.error().reason << "\n";
    return false;
  }
  generation_ = std::move(generation).value();
  view_.setGeneration(generation_);
  inherited_ = InheritedSockets::fromEnvironment();
  if (!startWorkers() || !startAdmin()) {
    return false;
  }
  view_.readiness = Readiness::Ready;
  say("start", "INFO", "gatewhy serves",
      {fact("version", GATEWHY_VERSION), fact("config", config_->source), fact("listeners", addresses()),
       fact("admin", adminAddress()), fact("workers", static_cast<double>(config_->workers))});
  if (auto unused = inherited_.dropUnused(); !unused.empty()) {
    say("message", "WARN", "inherited sockets that no listener names are closed", {fact("sockets", std::move(unused))});
  }
  if (hasPredecessor()) {
    // Until it has handed over, systemd listens to the predecessor only; it
    // has said all of this, and its sockets are in the store.
    tellPredecessor(kExitOk);
  } else {
    listeners_.store();
    service_.ready(heartbeat_.status());
  }
  return true;
}

// ---- signals ----------------------------------------------------------

int Supervisor::nextSignal() {
  for (;;) {
    const auto every = heartbeat_.interval();
    const bool lists = std::any_of(config_->origins.begin(), config_->origins.end(),
                                   [](const OriginConfig& origin) { return !origin.tls.crl_file.empty(); });
    const int signal = awaitSignal(lists ? std::min(every.value_or(kLookAtLists), kLookAtLists) : every);
    if (every) {
      heartbeat_.beat();
    }
    if (lists) {
      refreshRevocations();
    }
    if (signal != 0) {
      return signal;
    }
  }
}

// Lists are renewed by somebody else, daily as a rule, and count from the next
// handshake on.
void Supervisor::refreshRevocations() {
  std::set<const OriginTlsContext*> looked_at;  // origins share contexts
  for (const OriginRuntime& origin : generation_->origins) {
    if (origin.tls == nullptr || !looked_at.insert(origin.tls.get()).second) {
      continue;
    }
    const auto refreshed = origin.tls->refreshRevocations();
    if (!refreshed) {
      continue;
    }
    if (refreshed->problem.empty()) {
      say("message", "INFO", "changed revocation lists are in force", {fact("file", refreshed->file)});
    } else {
      say("message", "ERROR", "changed revocation lists cannot be used; the old ones stay in force",
          {fact("file", refreshed->file), fact("problem", refreshed->problem)});
    }
  }
}

int Supervisor::waitForStop() {
  for (;;) {
    switch (nextSignal()) {
      case SIGHUP:
        reload();
        break;
      case SIGUSR1:
        log_->reopen();
        break;
      case SIGUSR2:
        if (upgrade()) {
          admin_.reset();  // the successor answers
          drain(std::chrono::milliseconds(0));
          return kExitOk;
        }
        break;
      default:
        service_.stopping();
        drain(config_->drain.delay);
        return kExitOk;
    }
  }
}

void Supervisor::refuseReload(const std::string& message, std::vector<std::string> problems) {
  view_.noteReload(false, message, problems);
  say("reload", "ERROR", message,
      {fact("config", config_file_), fact("outcome", "refused"), fact("problems", std::move(problems))});
  service_.ready(heartbeat_.status());
}

// The new configuration is checked whole before anything changes; exchanges in
// flight end with the one they began with.
void Supervisor::reload() {
  view_.reloading = true;
  applyFile();
  view_.reloading = false;
}

void Supervisor::applyFile() {
  service_.reloading();
  if (config_file_.empty()) {
    refuseReload("there is no configuration file to reload", {});
    return;
  }
  LoadedConfig loaded = loadConfigFile(config_file_);
  std::vector<std::string> problems;
  for (const ConfigProblem& problem : loaded.problems) {
    problems.push_back(format(problem));
  }
  if (!loaded.config) {
    refuseReload("the new configuration is refused; the old one stays in force", std::move(problems));
    return;
  }
  auto generation = Generation::create(loaded.config, states_);
  if (!generation) {
    problems.push_back(generation.error().detail + ": " + generation.error().reason);
    refuseReload("the new configuration is refused; the old one stays in force", std::move(problems));
    return;
  }
  auto opened = openListeners(*loaded.config);
  if (!opened) {
    refuseReload("a new listener cannot be opened; the old configuration stays in force", std::move(problems));
    return;
  }
  const bool restart = loaded.config->workers != config_->workers ||
                       loaded.config->log.destination != config_->log.destination ||
                       loaded.config->admin != config_->admin;
  auto changed = std::make_shared<Config>(*loaded.config);
  generation_ = std::move(generation).value();
  log_settings_.failures_only = loaded.config->log.failures_only;
  workers_.reload(listeners_.adopt(generation_, *std::move(opened), config_->workers));
  changed->workers = config_->workers;  // as running
  changed->log.destination = config_->log.destination;
  changed->admin = config_->admin;
  config_ = changed;
  view_.setGeneration(generation_);
  const std::string message =
      restart ? "reloaded; changes to workers, log.destination and admin need a restart" : "reloaded";
  view_.noteReload(true, message, problems);
  say("reload", restart ? "WARN" : "INFO", message,
      {fact("config", config_file_), fact("outcome", "applied"), fact("problems", std::move(problems)),
       fact("listeners", addresses())});
  listeners_.store();
  service_.ready(heartbeat_.status());
}

// ---- the next process -------------------------------------------------

bool Supervisor::upgrade() {
  say("message", "INFO", "upgrade: starting the successor", {fact("program", program_.path)});
  std::vector<ListeningSocket> sockets = listeners_.sockets();
  if (admin_) {
    sockets.push_back({.name = std::string(kAdminDescriptor), .fd = admin_->socket()});
  }
  auto started = Successor::start(program_, sockets);
  std::string problem = started ? "" : started.error();
  if (started) {
    Successor& successor = **started;
    const auto decided = [&] { return successor.poll() != Successor::State::Starting; };
    const bool hurry = waitUntil(decided, kUpgradeLimit);
    if (successor.poll() == Successor::State::Serves) {
      say("message", "INFO", "upgrade: the successor serves",
          {fact("pid", static_cast<double>(successor.pid())), fact("predecessor", static_cast<double>(::getpid()))});
      service_.handOver(successor.pid());
      return true;
    }
    if (hurry) {
      std::raise(SIGTERM);  // blocked here: waitForStop() takes it next
    }
    problem =
        successor.poll() == Successor::State::Failed
            ? (successor.exitStatus() ? fmt::format("it ended with status {}", *successor.exitStatus()) : "it died")
            : "it did not serve in time";
  }
  say("message", "ERROR", "upgrade: given up, this process goes on", {fact("problem", problem)});
  return false;
}

// ---- stopping ---------------------------------------------------------

bool Supervisor::waitUntil(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done() && std::chrono::steady_clock::now() < end) {
    const int signal = awaitSignal(kPoll);
    if (signal == SIGTERM || signal == SIGINT) {
      return true;  // a second one: at once
    }
    if (signal == SIGUSR1) {
      log_->reopen();
    }
    heartbeat_.beat();
  }
  return false;
}

void Supervisor::drain(std::chrono::milliseconds delay) {
  view_.readiness = Readiness::Draining;
  service_.extendTimeout(delay + config_->drain.timeout + kAbortGrace);
  say("drain", "INFO", "draining", {fact("connections", static_cast<double>(workers_.connections()))});
  const auto never = [] { return false; };
  const auto idle = [this] { return workers_.connections() == 0; };
  bool hurry = delay.count() != 0 && waitUntil(never, delay);
  listeners_.close();
  workers_.drain(std::min(kIdleGrace, config_->drain.timeout));
  hurry = hurry || waitUntil(idle, config_->drain.timeout);
  const std::size_t cut = workers_.connections();
  if (cut != 0) {
    workers_.abortAll();
    if (!hurry) {
      waitUntil(idle, kAbortGrace);
    }
  }
  admin_.reset();
  workers_.stop();
  listeners_.removeFiles();
  say("stop", "INFO", cut == 0 ? "stopped" : "stopped with connections cut",
      {fact("connections_cut", static_cast<double>(cut)),
       fact("log_lines_dropped", static_cast<double>(log_->dropped()))});
}

void Supervisor::say(std::string_view event, std::string_view severity, std::string_view message,
                     std::vector<LifecycleEvent::Fact> facts) {
  if (log_) {
    LifecycleEvent said;
    said.event = event;
    said.severity = severity;
    said.message = message;
    said.facts = std::move(facts);
    log_->write(said);
  }
}

}  // namespace gatewhy
