// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <iostream>
#include <mutex>

#include "config/load.h"
#include "daemon/commands/run.h"
#include "diagnostics/errno_name.h"

namespace gatewhy {
namespace {

// An idle kept-alive connection may bring one more request for this long.
constexpr std::chrono::milliseconds kIdleGrace{1000};
constexpr std::chrono::milliseconds kAbortGrace{2000};
constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::milliseconds kUpgradeLimit{60000};
constexpr std::chrono::milliseconds kWorkersAnswer{250};

sigset_t handledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  return set;
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

std::string describe(const ListenFault& fault) {
  return fmt::format("cannot listen on {}: {} failed: {} ({})", fault.address, fault.call, errnoName(fault.error),
                     std::strerror(fault.error));
}

std::vector<Fd> duplicates(const std::vector<std::vector<Fd>>& per_worker) {
  std::vector<Fd> made;
  for (const std::vector<Fd>& sockets : per_worker) {
    for (const Fd& socket : sockets) {
      made.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    }
  }
  return made;
}

}  // namespace

Supervisor::Supervisor(ConfigPtr config, std::string config_file)
    : config_(std::move(config)), config_file_(std::move(config_file)), heartbeat_(service_, view_.counters, workers_) {
  // Blocked before any thread exists: every thread inherits it, and only
  // waitForStop() takes them.
  const sigset_t handled = handledSignals();
  pthread_sigmask(SIG_BLOCK, &handled, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Supervisor::~Supervisor() {
  admin_.reset();
  for (auto& worker : workers_) {
    worker->stop();
  }
  for (auto& worker : workers_) {
    worker->join();
  }
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

bool Supervisor::openMissingListeners(const Config& config, std::vector<ListenSockets>& added) {
  for (const ListenerConfig& listener : config.listeners) {
    const bool have = std::any_of(bound_.begin(), bound_.end(),
                                  [&](const Bound& known) { return known.address == listener.address; });
    if (have) {
      continue;
    }
    auto sockets = inherited_.open(listener.address, config_->workers);
    if (!sockets) {
      say("message", "ERROR", describe(sockets.error()));
      std::cerr << "gatewhy: " << describe(sockets.error()) << "\n";
      return false;
    }
    if (systemdName(listener.address).empty()) {
      if (auto file = SocketFile::of(sockets->local)) {
        socket_files_.push_back(*std::move(file));
      }
    }
    added.push_back(std::move(sockets).value());
  }
  return true;
}

std::vector<WorkerPlan> Supervisor::makePlans(const GenerationPtr& generation, std::vector<ListenSockets>& added) {
  std::vector<Bound> next;
  for (const ListenerConfig& listener : generation->config->listeners) {
    const auto fresh = std::find_if(added.begin(), added.end(),
                                    [&](const auto& sockets) { return sockets.address == listener.address; });
    if (fresh != added.end()) {
      next.push_back({fresh->address, fresh->bound, fresh->local, duplicates(fresh->per_worker)});
    } else {
      next.push_back(std::move(*std::find_if(bound_.begin(), bound_.end(),
                                             [&](const Bound& known) { return known.address == listener.address; })));
    }
  }
  for (const Bound& gone : bound_) {
    if (!gone.sockets.empty()) {
      service_.forget(descriptorName(gone.address));
    }
  }
  bound_ = std::move(next);
  std::vector<WorkerPlan> plans(config_->workers);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i].generation = generation;
    for (const Bound& bound : bound_) {
      plans[i].own_listeners.push_back(bound.local);
      if (!bound.sockets.empty() && takesIpv4(bound.sockets.front().get())) {
        plans[i].own_listeners.push_back(*Address::fromIp("0.0.0.0", bound.local.port()));
      }
      WorkerListener listener{.address = bound.address, .fds = {}};
      for (ListenSockets& sockets : added) {
        if (sockets.address == bound.address) {
          listener.fds = std::move(sockets.per_worker[i]);
        }
      }
      plans[i].listeners.push_back(std::move(listener));
    }
  }
  return plans;
}

bool Supervisor::startWorkers(std::vector<ListenSockets>& added) {
  auto plans = makePlans(generation_, added);
  const auto wake_all = [this] {
    for (auto& worker : workers_) {
      worker->serveQueues();
    }
  };
  for (std::uint32_t i = 0; i < config_->workers; ++i) {
    view_.metrics.push_back(std::make_unique<WorkerMetrics>());
    workers_.push_back(std::make_unique<Worker>(
        std::make_unique<WorkerSink>(*log_, log_settings_, *view_.metrics.back(), view_.failures), view_.counters,
        wake_all));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->prepare(std::move(plans[i]))) {
      std::cerr << "gatewhy: cannot watch the listeners: " << std::strerror(errno) << "\n";
      return false;
    }
  }
  for (auto& worker : workers_) {
    worker->start();
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
    const std::string problem = describe(sockets.error());
    if (admin.configured) {
      say("message", "ERROR", problem);
      std::cerr << "gatewhy: " << problem << "\n";
      return false;
    }
    say("message", "WARN", "no admin listener: " + problem + "; admin.address names another one, or off");
    return true;
  }
  view_.log = log_.get();
  view_.count_parked = [this] { return countParked(); };
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

// The admin thread waits for the workers, never the other way round.
std::vector<ParkedCount> Supervisor::countParked() const {
  struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing;
    std::vector<ParkedCount> counts;
  };
  const auto answers = std::make_shared<Answers>();
  answers->missing = workers_.size();
  for (const auto& worker : workers_) {
    worker->countParked([answers](const std::vector<ParkedCount>& counts) {
      const std::lock_guard lock(answers->mutex);
      answers->counts.insert(answers->counts.end(), counts.begin(), counts.end());
      --answers->missing;
      answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  answers->changed.wait_for(lock, kWorkersAnswer, [&] { return answers->missing == 0; });
  return std::move(answers->counts);
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
  std::vector<ListenSockets> added;
  if (!openMissingListeners(*config_, added) || !startWorkers(added) || !startAdmin()) {
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
    storeListeners();
    service_.ready(heartbeat_.status());
  }
  return true;
}

std::vector<std::string> Supervisor::addresses() const {
  std::vector<std::string> all;
  for (const Bound& bound : bound_) {
    all.push_back(bound.bound);
  }
  return all;
}

// ---- signals ----------------------------------------------------------

int Supervisor::nextSignal() {
  const sigset_t handled = handledSignals();
  const auto every = heartbeat_.interval();
  for (;;) {
    int signal = -1;
    if (every) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*every);
      const timespec tick{.tv_sec = seconds.count(),
                          .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(*every - seconds).count()};
      signal = sigtimedwait(&handled, nullptr, &tick);
      heartbeat_.beat();
    } else {
      signal = sigwaitinfo(&handled, nullptr);
    }
    if (signal > 0) {
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
  std::vector<ListenSockets> added;
  if (!openMissingListeners(*loaded.config, added)) {
    refuseReload("a new listener cannot be opened; the old configuration stays in force", std::move(problems));
    return;
  }
  const bool restart = loaded.config->workers != config_->workers ||
                       loaded.config->log.destination != config_->log.destination ||
                       loaded.config->admin != config_->admin;
  auto changed = std::make_shared<Config>(*loaded.config);
  generation_ = std::move(generation).value();
  log_settings_.failures_only = loaded.config->log.failures_only;
  auto plans = makePlans(generation_, added);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->reload(std::move(plans[i]));
  }
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
  storeListeners();
  service_.ready(heartbeat_.status());
}

// ---- listening sockets and their next owner -----------------------------

void Supervisor::storeListeners() {
  for (Bound& bound : bound_) {
    if (bound.stored || !systemdName(bound.address).empty()) {
      continue;  // systemd keeps those of its socket units anyway
    }
    std::vector<int> sockets;
    for (const Fd& socket : bound.sockets) {
      sockets.push_back(socket.get());
    }
    service_.store(descriptorName(bound.address), sockets);
    bound.stored = true;
  }
}

std::vector<ListeningSocket> Supervisor::listeningSockets() const {
  std::vector<ListeningSocket> all;
  for (const Bound& bound : bound_) {
    for (const Fd& socket : bound.sockets) {
      all.push_back({.name = descriptorName(bound.address), .fd = socket.get()});
    }
  }
  if (admin_) {
    all.push_back({.name = std::string(kAdminDescriptor), .fd = admin_->socket()});
  }
  return all;
}

bool Supervisor::upgrade() {
  say("message", "INFO", "upgrade: starting the successor", {fact("program", program_.path)});
  auto started = Successor::start(program_, listeningSockets());
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
  const sigset_t handled = handledSignals();
  const timespec tick{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kPoll).count()};
  while (!done() && std::chrono::steady_clock::now() < end) {
    const int signal = sigtimedwait(&handled, nullptr, &tick);
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
  say("drain", "INFO", "draining", {fact("connections", static_cast<double>(openConnections()))});
  const auto never = [] { return false; };
  const auto idle = [this] { return openConnections() == 0; };
  bool hurry = delay.count() != 0 && waitUntil(never, delay);
  bound_.clear();  // our duplicates: a socket that stays open would go on taking connections
  for (auto& worker : workers_) {
    worker->closeListeners();
    worker->drain(std::min(kIdleGrace, config_->drain.timeout));
  }
  hurry = hurry || waitUntil(idle, config_->drain.timeout);
  const std::size_t cut = openConnections();
  if (cut != 0) {
    for (auto& worker : workers_) {
      worker->abortAll();
    }
    if (!hurry) {
      waitUntil(idle, kAbortGrace);
    }
  }
  admin_.reset();
  for (auto& worker : workers_) {
    worker->stop();
  }
  for (auto& worker : workers_) {
    worker->join();
  }
  workers_.clear();
  for (const SocketFile& file : socket_files_) {
    file.removeIfDead();
  }
  say("stop", "INFO", cut == 0 ? "stopped" : "stopped with connections cut",
      {fact("connections_cut", static_cast<double>(cut)),
       fact("log_lines_dropped", static_cast<double>(log_->dropped()))});
}

std::size_t Supervisor::openConnections() const {
  std::size_t all = 0;
  for (const auto& worker : workers_) {
    all += worker->connections();
  }
  return all;
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
