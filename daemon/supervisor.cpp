// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <iostream>

#include "daemon/descriptor_limit.h"
#include "daemon/exit_status.h"
#include "daemon/log/log_sink.h"
#include "daemon/out_of_memory.h"
#include "daemon/port_owner.h"
#include "daemon/privileges.h"
#include "daemon/signals.h"

namespace gatewhy {
namespace {

// An idle kept-alive connection may bring one more request for this long.
constexpr std::chrono::milliseconds kIdleGrace{1000};
constexpr std::chrono::milliseconds kAbortGrace{2000};
constexpr std::chrono::milliseconds kSignalPoll{10};
constexpr std::chrono::milliseconds kUpgradeLimit{60000};

std::optional<std::chrono::milliseconds> soonest(
    std::initializer_list<std::optional<std::chrono::milliseconds>> times) {
  std::optional<std::chrono::milliseconds> first;
  for (const auto& time : times) {
    first = first && time ? std::min(*first, *time) : first ? first : time;
  }
  return first;
}

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

Supervisor::Supervisor(ConfigPtr config, std::string config_file, bool watch)
    : config_(std::move(config)), config_file_(std::move(config_file)), always_watch_(watch) {
  holdSignals();
  if (!config_file_.empty()) {
    view_.config_file = absolutePath(config_file_);
  }
}

// ---- starting ---------------------------------------------------------

bool Supervisor::openLog() {
  auto log = EventLog::open(config_->log.targets, !config_file_.empty());
  if (!log) {
    std::cerr << "gatewhy: " << log.error() << "\n";
    return false;
  }
  log_ = std::move(log).value();
  prepareForOutOfMemory(config_->log.targets.front().to);
  log_->setInstance(config_->diagnostics.name);
  log_settings_.failures_only = config_->log.failures_only;
  return true;
}

Result<ListenerSet::Opened, std::string> Supervisor::openListeners(const Config& config) {
  auto opened = listeners_.openMissing(config, config_->workers, inherited_);
  if (!opened) {
    std::string problem = describeListenFault(opened.error());
    if (const auto own = listeners_.holderOf(opened.error())) {
      problem += fmt::format(
          "; our own listener {} holds the port: restart, or remove that listener with one reload and add this one "
          "with "
          "the next",
          *own);
    }
    say("message", "ERROR", problem);
    std::cerr << "gatewhy: " << problem << "\n";
    return Failure{std::move(problem)};
  }
  return std::move(opened).value();
}

// Sockets and files are open; threads that serve are not there yet.
bool Supervisor::giveUpRoot() {
  const auto became = becomeUser(*config_);
  if (!became) {
    std::cerr << "gatewhy: " << became.error() << "\n";
  } else if (*became == Became::NotRoot) {
    say("message", "WARN", fmt::format("not started as root: 'user' ({}) has no effect", config_->user));
  }
  return static_cast<bool>(became);
}

bool Supervisor::startWorkers(ListenerSet::Opened opened) {
  const auto make_sink = [this] {
    view_.metrics.push_back(std::make_unique<WorkerMetrics>());
    return std::make_unique<WorkerSink>(*log_, log_settings_, *view_.metrics.back(), view_.failures);
  };
  std::vector<WorkerPlan> plans = listeners_.adopt(generation_, std::move(opened), config_->workers);
  const std::vector<Address> own_listeners = plans.front().own_listeners;
  if (!workers_.start(std::move(plans), make_sink)) {
    std::cerr << "gatewhy: cannot watch the listeners: " << std::strerror(errno) << "\n";
    return false;
  }
  health_.adopt(generation_, own_listeners);
  return true;
}

// Nobody asked for the default address: where it is taken, by another gatewhy
// for instance, traffic matters more.
bool Supervisor::openAdmin() {
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
  view_.tell = [this](const LifecycleEvent& event) { write(event); };
  admin_ =
      std::make_unique<AdminServer>(AdminServer::Settings{.sockets = std::move(sockets).value(), .hosts = admin.hosts},
                                    admin_api_, view_.failures, view_.streams_missed);
  return true;
}

bool Supervisor::startAdmin() {
  if (admin_ && !admin_->start()) {
    std::cerr << "gatewhy: cannot watch the admin listener: " << std::strerror(errno) << "\n";
    return false;
  }
  return true;
}

bool Supervisor::start() {
  if (!openLog()) {
    return false;
  }
  states_.keepSecretIn(stateDirectory());
  auto generation = Generation::create(config_, states_);
  if (!generation) {
    std::cerr << "gatewhy: " << generation.error().detail << ": " << generation.error().reason << "\n";
    return false;
  }
  generation_ = std::move(generation).value();
  view_.setGeneration(generation_);
  inherited_ = InheritedSockets::fromEnvironment();
  const std::uint64_t descriptors = raiseDescriptorLimit();
  auto opened = openListeners(*config_);
  if (!opened || !openAdmin() || !giveUpRoot() || !startWorkers(std::move(opened).value()) || !startAdmin()) {
    return false;
  }
  view_.readiness = Readiness::Ready;
  watchFiles(config_->includes, "");  // what was read some time ago is compared once
  showState(/*reloading=*/false, /*stopping=*/false);
  say("start", "INFO", "gatewhy is ready",
      {fact("version", GATEWHY_VERSION), fact("config", config_->source), fact("config_hash", config_->hash),
       fact("listeners", addresses()), fact("admin", adminAddress()),
       fact("workers", static_cast<double>(config_->workers)), fact("user", config_->user)});
  if (auto shortage = descriptorShortage(*config_, descriptors)) {
    say("message", "WARN", *shortage, {fact("cause", std::string(name(Cause::ProxyFdExhausted)))});
  }
  warnOfSecret();
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
    const int signal = awaitSignal(soonest({every, files_.dueIn(*generation_), calendar_.dueIn(*generation_),
                                            config_watch_.dueIn(), fleet_heartbeat_.dueIn(*log_)}));
    if (every) {
      heartbeat_.beat();
    }
    fleet_heartbeat_.beat(*log_);
    files_.look(*generation_);
    calendar_.look(*generation_);
    watched_change_ = signal == 0 && config_watch_.look();
    if (watched_change_) {
      return SIGHUP;
    }
    if (signal != 0) {
      return signal;
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

void Supervisor::refuseReload(const RefusedReload& refused) {
  view_.noteReload(false, refused.message, refused.problems);
  refused_hash_ = refused.hash;
  say("reload", "ERROR", refused.message,
      {fact("config", config_file_), fact("outcome", "refused"), fact("trigger", watched_change_ ? "watch" : "signal"),
       fact("config_hash", config_->hash), fact("refused_hash", refused.hash), fact("problems", refused.problems)});
  service_.ready(heartbeat_.status());
}

void Supervisor::watchFiles(const std::vector<std::string>& includes, std::string known) {
  if (config_file_.empty() || !(config_->watch || always_watch_)) {
    config_watch_.end();
  } else {
    config_watch_.begin(config_file_, includes, std::move(known));
  }
}

// The new configuration is checked whole before anything changes; exchanges in
// flight end with the one they began with.
void Supervisor::reload() {
  view_.reloading = true;
  showState(/*reloading=*/true, /*stopping=*/false);
  applyFile();
  view_.reloading = false;
  showState(/*reloading=*/false, /*stopping=*/false);
}

void Supervisor::showState(bool reloading, bool stopping) {
  state_file_.publish(
      {.config = view_.config_file, .reloading = reloading, .stopping = stopping, .reload = view_.lastReload()});
}

void Supervisor::applyFile() {
  service_.reloading();
  if (config_file_.empty()) {
    refuseReload({.message = "there is no configuration file to reload", .problems = {}, .hash = {}});
    return;
  }
  std::string before = ConfigWatch::sight(config_file_, config_watch_.patterns());
  LoadedConfig loaded = loadConfigFile(config_file_, Pipes::Refused);
  watchFiles(loaded.includes, before);
  if (watched_change_ && loaded.hash == (loaded.config ? config_->hash : refused_hash_)) {
    service_.ready(heartbeat_.status());  // touched, and the same as before
    return;
  }
  auto prepared = prepareReload(loaded, states_, [this](const Config& config) { return openListeners(config); });
  if (!prepared) {
    refuseReload(prepared.error());
    return;
  }
  adopt(std::move(prepared).value(), std::move(before));
}

void Supervisor::adopt(PreparedReload prepared, std::string known) {
  const bool restart = needsRestart(*prepared.config, *config_);
  generation_ = std::move(prepared.generation);
  log_settings_.failures_only = prepared.config->log.failures_only;
  std::vector<WorkerPlan> plans = listeners_.adopt(generation_, std::move(prepared.opened), config_->workers);
  health_.adopt(generation_, plans.front().own_listeners);
  workers_.reload(std::move(plans));
  config_ = withWhatStays(*prepared.config, *config_);
  for (std::size_t i = 0; i < config_->log.targets.size(); ++i) {
    log_->sinks()[i]->setSuccessPercent(config_->log.targets[i].success_percent);
  }
  log_->setInstance(config_->diagnostics.name);
  view_.setGeneration(generation_);
  watchFiles(config_->includes, std::move(known));
  refused_hash_.clear();
  const std::string message =
      restart ? "reloaded; changes to workers, log.destination, log.format, admin, user and group need a restart"
              : "reloaded";
  view_.noteReload(true, message, prepared.problems);
  say("reload", restart ? "WARN" : "INFO", message,
      {fact("config", config_file_), fact("outcome", "applied"), fact("trigger", watched_change_ ? "watch" : "signal"),
       fact("config_hash", config_->hash), fact("problems", std::move(prepared.problems)),
       fact("listeners", addresses())});
  warnOfSecret();
  listeners_.store();
  service_.ready(heartbeat_.status());
}

// Said once.
void Supervisor::warnOfSecret() {
  if (states_.secretProblem().empty() || std::exchange(told_of_secret_, true)) {
    return;
  }
  say("message", "WARN",
      "the key of sticky cookies cannot be kept: after a restart clients may move to other endpoints; set secrets.file",
      {fact("problem", states_.secretProblem())});
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
      say("message", "INFO", "upgrade: the successor has taken over",
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
            : "it was not ready in time";
  }
  say("message", "ERROR", "upgrade: failed, this process carries on", {fact("problem", problem)});
  return false;
}

// ---- stopping ---------------------------------------------------------

bool Supervisor::waitUntil(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done() && std::chrono::steady_clock::now() < end) {
    const int signal = awaitSignal(kSignalPoll);
    if (signal == SIGTERM || signal == SIGINT) {
      return true;  // a second one: at once
    }
    if (signal == SIGUSR1) {
      log_->reopen();
    }
    heartbeat_.beat();
    fleet_heartbeat_.beat(*log_);
  }
  return false;
}

void Supervisor::drain(std::chrono::milliseconds delay) {
  view_.readiness = Readiness::Draining;
  showState(/*reloading=*/false, /*stopping=*/true);
  std::chrono::milliseconds log_time{0};
  for (const LogTarget& target : config_->log.targets) {
    log_time = std::max(log_time, stopTime(target));
  }
  service_.extendTimeout(delay + config_->drain.timeout + kAbortGrace + log_time);
  say("drain", "INFO", "draining", {fact("connections", static_cast<double>(workers_.connections()))});
  const auto never = [] { return false; };
  const auto idle = [this] { return workers_.over(); };
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
  health_.stop();
  workers_.stop();
  listeners_.removeFiles();
  say("stop", "INFO", cut == 0 ? "stopped" : "stopped with connections cut",
      {fact("connections_cut", static_cast<double>(cut)),
       fact("log_lines_dropped", static_cast<double>(log_->dropped()))});
}

void Supervisor::say(std::string_view event, std::string_view severity, std::string_view message,
                     std::vector<LifecycleEvent::Fact> facts) {
  LifecycleEvent said;
  said.event = event;
  said.severity = severity;
  said.message = message;
  said.facts = std::move(facts);
  write(said);
}

void Supervisor::write(const LifecycleEvent& event) {
  if (log_) {
    log_->write(event);
  }
}

}  // namespace gatewhy
