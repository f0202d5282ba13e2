// SPDX-License-Identifier: Apache-2.0
// Starts the workers, waits for signals, reloads, drains and stops. Lives on
// the main thread; never on the path of a request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/config_watch.h"
#include "daemon/admin/admin_api.h"
#include "daemon/admin/admin_server.h"
#include "daemon/certificate_calendar.h"
#include "daemon/config_reload.h"
#include "daemon/daemon_view.h"
#include "daemon/file_watch.h"
#include "daemon/fleet_heartbeat.h"
#include "daemon/health/health_monitor.h"
#include "daemon/heartbeat.h"
#include "daemon/inherited_sockets.h"
#include "daemon/listener_set.h"
#include "daemon/log/event_log.h"
#include "daemon/run_state.h"
#include "daemon/service_manager.h"
#include "daemon/successor.h"
#include "daemon/worker_set.h"
#include "daemon/worker_sink.h"

namespace gatewhy {

class Supervisor {
 public:
  // `watch`: the file is watched whatever it says itself.
  Supervisor(ConfigPtr config, std::string config_file, bool watch = false);
  ~Supervisor() = default;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Opens the log and the listeners and starts the workers. What goes wrong is
  // said on stderr; false: nothing runs.
  [[nodiscard]] bool start();
  // Addresses as bound, in the order of the configuration.
  [[nodiscard]] std::vector<std::string> addresses() const { return listeners_.addresses(); }
  // Serves until SIGTERM or SIGINT, then drains; returns the exit status.
  int waitForStop();
  // As bound; "" where there is no admin listener.
  [[nodiscard]] std::string adminAddress() const { return admin_ ? admin_->address() : std::string(); }

 private:
  [[nodiscard]] bool openLog();
  [[nodiscard]] bool giveUpRoot();
  [[nodiscard]] bool startWorkers(ListenerSet::Opened opened);
  // The error has been told.
  [[nodiscard]] Result<ListenerSet::Opened, std::string> openListeners(const Config& config);
  // False: the start is to end. `admin_` is there where there is to be one.
  [[nodiscard]] bool openAdmin();
  [[nodiscard]] bool startAdmin();
  void reload();
  void applyFile();
  // `known`: how the files looked before they were read (ConfigWatch::sight).
  void watchFiles(const std::vector<std::string>& includes, std::string known);
  void showState(bool reloading, bool stopping);
  void warnOfSecret();
  void refuseReload(const RefusedReload& refused);
  void adopt(PreparedReload prepared, std::string known);
  // Starts the program anew with our sockets; true: it serves, and we may go.
  bool upgrade();
  void drain(std::chrono::milliseconds delay);
  // Waits for `done`, a signal to stop at once, or the time; true: a signal.
  bool waitUntil(const std::function<bool()>& done, std::chrono::milliseconds limit);
  int nextSignal();
  void say(std::string_view event, std::string_view severity, std::string_view message,
           std::vector<LifecycleEvent::Fact> facts = {});
  void write(const LifecycleEvent& event);  // any thread

  ConfigPtr config_;
  std::string config_file_;
  std::unique_ptr<EventLog> log_;
  LogSettings log_settings_;
  DaemonView view_;
  RunStateFile state_file_;
  SharedStates states_;
  bool told_of_secret_ = false;
  GenerationPtr generation_;
  Program program_ = Program::current();
  ServiceManager service_;
  InheritedSockets inherited_;
  ListenerSet listeners_{service_};
  WorkerSet workers_{view_.counters};
  HealthMonitor health_{[this](const LifecycleEvent& event) { write(event); }};
  FleetHeartbeat fleet_heartbeat_{view_};
  Heartbeat heartbeat_{service_, view_.counters, workers_.all()};
  const bool always_watch_;
  bool watched_change_ = false;  // why the next reload happens
  std::string refused_hash_;     // of the configuration that was refused last
  ConfigWatch config_watch_;
  FileWatch files_{view_.renewals, [this](const LifecycleEvent& event) { write(event); }};
  CertificateCalendar calendar_{[this](const LifecycleEvent& event) { write(event); }};
  AdminApi admin_api_{view_};
  std::unique_ptr<AdminServer> admin_;  // asks the workers: stops before they do
};

}  // namespace gatewhy
