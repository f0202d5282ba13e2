// SPDX-License-Identifier: Apache-2.0
// A listening peer that runs a fault script per connection, a thread each. For
// the demo and tests: bounded in connections and in what it records, not made
// for load.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_session.h"
#include "diagnostics/result.h"
#include "proxy/loop/fd.h"
#include "proxy/net/address.h"

namespace gatewhy {

struct ScriptPeerOptions {
  std::string address = "127.0.0.1:0";  // "unix:/path" too
  // The nth connection runs the nth script, the last one repeats.
  std::vector<Script> scripts;
  std::map<std::string, Script> by_path;  // for the step of that name
  TlsFiles tls_files;
  SignalBoard* signals = nullptr;                  // outlives the peer
  std::function<bool(const std::string&)> on_run;  // called on session threads
  int backlog = 128;
  bool accepts = true;                // false: listens only, so that the queue fills
  bool listens = true;                // false: the port is taken but refuses
  int receive_buffer = 0;             // SO_RCVBUF; 0 = the system's
  std::size_t max_connections = 512;  // at a time; more are closed at once
};

class ScriptPeer {
 public:
  // Binds and starts; the error is a sentence.
  [[nodiscard]] static Result<std::unique_ptr<ScriptPeer>, std::string> start(ScriptPeerOptions options);
  ~ScriptPeer();
  ScriptPeer(const ScriptPeer&) = delete;
  ScriptPeer& operator=(const ScriptPeer&) = delete;

  [[nodiscard]] const Address& address() const { return address_; }
  // Ends every session and joins its thread. Idempotent.
  void stop();

  [[nodiscard]] std::size_t connections() const;  // accepted so far
  [[nodiscard]] unsigned requests() const;        // heads read so far
  [[nodiscard]] std::vector<SessionRecord> records() const;
  // Fills the accept queue with connections of our own, so that the kernel
  // drops every further SYN: an origin that does not answer, without any
  // firewall. For a peer with accepts == false and backlog == 0.
  void fillQueue();

 private:
  struct Session {
    SessionRecord record;
    std::thread thread;
    bool finished = false;
  };

  ScriptPeer() = default;
  Result<bool, std::string> open();
  void acceptLoop();
  void startSession(Fd socket);
  void reapFinished();

  ScriptPeerOptions options_;
  Address address_;
  Fd listener_;
  StopFlag stop_;
  SessionEnvironment environment_;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // guards sessions_ and every record
  std::list<Session> sessions_;
  std::size_t accepted_ = 0;
  std::vector<Fd> fillers_;
  bool stopped_ = false;
};

}  // namespace gatewhy
