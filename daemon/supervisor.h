// SPDX-License-Identifier: Apache-2.0
// Starts the workers, waits for signals, reloads, drains and stops. Lives on
// the main thread; never on the path of a request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/admin_api.h"
#include "daemon/admin_server.h"
#include "daemon/daemon_view.h"
#include "daemon/event_log.h"
#include "daemon/heartbeat.h"
#include "daemon/inherited_sockets.h"
#include "daemon/service_manager.h"
#include "daemon/successor.h"
#include "daemon/worker_sink.h"
#include "proxy/exchange/socket_file.h"
#include "proxy/worker.h"

namespace gatewhy {

class Supervisor {
 public:
  Supervisor(ConfigPtr config, std::string config_file);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Opens the log and the listeners and starts the workers. What goes wrong is
  // said on stderr; false: nothing runs.
  [[nodiscard]] bool start();
  // Addresses as bound, in the order of the configuration.
  [[nodiscard]] std::vector<std::string> addresses() const;
  // Serves until SIGTERM or SIGINT, then drains; returns the exit status.
  int waitForStop();
  // As bound; "" where there is no admin listener.
  [[nodiscard]] std::string adminAddress() const { return admin_ ? admin_->address() : std::string(); }

 private:
  [[nodiscard]] bool openLog();
  [[nodiscard]] bool openMissingListeners(const Config& config, std::vector<ListenSockets>& added);
  [[nodiscard]] std::vector<WorkerPlan> makePlans(const GenerationPtr& generation, std::vector<ListenSockets>& added);
  [[nodiscard]] bool startWorkers(std::vector<ListenSockets>& added);
  [[nodiscard]] bool startAdmin();
  [[nodiscard]] std::vector<ParkedCount> countParked() const;
  void reload();
  void applyFile();
  void refuseReload(const std::string& message, std::vector<std::string> problems);
  // Starts the program anew with our sockets; true: it serves, and we may go.
  bool upgrade();
  void drain(std::chrono::milliseconds delay);
  // Waits for `done`, a signal to stop at once, or the time; true: a signal.
  bool waitUntil(const std::function<bool()>& done, std::chrono::milliseconds limit);
  int nextSignal();
  void storeListeners();
  [[nodiscard]] std::vector<ListeningSocket> listeningSockets() const;
  [[nodiscard]] std::size_t openConnections() const;
  void say(std::string_view event, std::string_view severity, std::string_view message,
           std::vector<LifecycleEvent::Fact> facts = {});

  ConfigPtr config_;
  std::string config_file_;
  std::unique_ptr<EventLog> log_;
  LogSettings log_settings_;
  DaemonView view_;
  SharedStates states_;
  GenerationPtr generation_;
  // A listener's sockets are the workers'; duplicates are kept to be given to
  // systemd and to a successor.
  struct Bound {
    std::string address, bound;
    Address local;
    std::vector<Fd> sockets;
    bool stored = false;
  };
  std::vector<Bound> bound_;
  std::vector<SocketFile> socket_files_;  // of every listener there has been
  Program program_ = Program::current();
  ServiceManager service_;
  Heartbeat heartbeat_;
  InheritedSockets inherited_;
  std::vector<std::unique_ptr<Worker>> workers_;
  AdminApi admin_api_{view_};
  std::unique_ptr<AdminServer> admin_;  // asks the workers: stops before they do
};

}  // namespace gatewhy
