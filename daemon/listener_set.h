// SPDX-License-Identifier: Apache-2.0
// The listening sockets over configurations: those that a new one adds are
// opened, those that it still names stay, the others are let go. Main thread
// only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/inherited_sockets.h"
#include "daemon/service_manager.h"
#include "daemon/successor.h"
#include "proxy/client/socket_file.h"
#include "proxy/worker.h"

namespace gatewhy {

// One address to listen on, and whose it is.
struct ListenAddress {
  // What tells it from the others, over reloads and restarts: the address. Of
  // several on the same one (port 0, each gets a port of its own) the second
  // is "127.0.0.1:0#2", and so on.
  std::string key;
  std::string address;
  std::size_t index = 0;  // into Config::listeners
  // The IPv4 half of "[::]:PORT". It is a socket of its own, with the key that
  // "0.0.0.0:PORT" has, so that a reload can come to list that one, or cease to.
  bool ipv4_half = false;
};
// In the order of the configuration, a half behind its listener.
[[nodiscard]] std::vector<ListenAddress> listenAddresses(const Config& config);

class ListenerSet {
 public:
  // By listenAddresses(): absent where the set has it already, or it is not needed.
  using Opened = std::vector<std::optional<ListenSockets>>;

  explicit ListenerSet(const ServiceManager& service) : service_(service) {}  // which outlives it
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Opens what `config` names and the set has not, for so many workers. The
  // set does not change: what is not adopted is closed again.
  [[nodiscard]] Result<Opened, ListenFault> openMissing(const Config& config, std::size_t workers,
                                                        InheritedSockets& inherited);
  // Changes to the listeners of the generation. A plan per worker, with the
  // sockets that are new.
  [[nodiscard]] std::vector<WorkerPlan> adopt(const GenerationPtr& generation, Opened opened, std::size_t workers);

  // Which of ours holds the port that could not be had.
  [[nodiscard]] std::optional<std::string> holderOf(const ListenFault& fault) const;

  // As bound, in the order of the configuration, without IPv4 halves.
  [[nodiscard]] std::vector<std::string> addresses() const;
  // Into systemd's descriptor store, where they are not there yet.
  void store();
  // For a successor.
  [[nodiscard]] std::vector<ListeningSocket> sockets() const;
  // Closes our duplicates: a socket that stays open would go on taking connections.
  void close() { bound_.clear(); }
  // Of every unix listener there has been, where nobody listens any more.
  void removeFiles() const;

 private:
  // A listener's sockets are the workers'; duplicates are kept to be given to
  // systemd and to a successor.
  struct Bound {
    std::string key, address;  // the address as bound
    Address local;
    std::vector<Fd> sockets;
    bool ipv4_half = false;
    bool from_unit = false;  // systemd keeps it anyway
    bool stored = false;
  };
  [[nodiscard]] std::vector<Bound>::iterator find(const std::string& key);
  [[nodiscard]] bool takesIpv4Already(const ListenAddress& whole, const std::optional<ListenSockets>& opened);
  [[nodiscard]] std::vector<Address> ownAddresses() const;

  const ServiceManager& service_;
  std::vector<Bound> bound_;  // in the order of the configuration
  std::vector<SocketFile> files_;
};

}  // namespace gatewhy
