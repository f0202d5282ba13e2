// SPDX-License-Identifier: Apache-2.0
// The hosts of one origin as one worker's pool has them: each has connections,
// a load and a health, and one that has left keeps its index until nothing is
// under way there. And the search for the one that a request goes to. Loop
// thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "config/config.h"
#include "proxy/origin/balance.h"
#include "proxy/origin/endpoint_connections.h"
#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/host_refresh.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

// Indices are those of hosts. Those of the endpoints as such are their own;
// behind them come the hosts of names.
class PoolHosts {
 public:
  class Choice;

  // `states` has one entry per endpoint; `config` outlives this.
  PoolHosts(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
            std::shared_ptr<OriginState> origin_state);

  // From now on an endpoint whose name has several addresses is that many
  // hosts, as DNS has them; without it each endpoint is one. `tell`: other hosts
  // than before, of which update() has not heard yet.
  void watchNames(HostRefresh::OnChange tell);
  // Asks DNS where that is due: of all that are several hosts, or of one endpoint.
  void refreshNames(Resolver& resolver);
  void refreshName(std::size_t host, Resolver& resolver);
  void update();  // where DNS has named others

  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] EndpointConnections& operator[](std::size_t host) { return *hosts_[host]; }
  [[nodiscard]] const EndpointConnections& operator[](std::size_t host) const { return *hosts_[host]; }
  [[nodiscard]] const EndpointConfig& endpointOf(std::size_t host) const {
    return config_.endpoints[health_.host(host).endpoint];
  }
  [[nodiscard]] OriginHealth& health() { return health_; }
  [[nodiscard]] const OriginHealth& health() const { return health_; }
  // A lease more of the host, or one less.
  void load(std::size_t host) { ++loads_[host]; }
  void unload(std::size_t host) { --loads_[host]; }

  // True where a host is left that gets requests, is not in `tried`, and is not `besides`.
  [[nodiscard]] bool hasAlternative(const std::vector<std::size_t>& tried, std::size_t besides) const;
  // True where fewer than `uploads` are under way at one of them.
  [[nodiscard]] bool anyBelow(std::uint32_t uploads) const;
  [[nodiscard]] std::size_t parked(std::size_t endpoint) const;  // at all hosts of the endpoint
  void closeParked();
  void closeParkedOf(const ProxiedClient& client);
  // Of one host that has such a connection.
  void closeOldestWithPlace();

 private:
  [[nodiscard]] std::size_t freeIndex(const std::vector<OriginHost>& hosts) const;
  // From 0 to 1: which requests an endpoint that has just come back is spared.
  [[nodiscard]] double nextLot();

  EventLoop& loop_;
  const OriginConfig& config_;
  const std::vector<std::shared_ptr<EndpointState>> endpoints_;
  const std::shared_ptr<OriginState> origin_state_;
  std::vector<std::unique_ptr<EndpointConnections>> hosts_;
  std::vector<std::uint32_t> loads_;  // leases, by host
  Balancer balancer_;
  OriginHealth health_;
  std::optional<HostRefresh> refresh_;  // absent: names are not watched
  std::uint32_t seen_hosts_ = 0;        // OriginState::host_changes
  std::uint64_t lots_ = 0;              // drawn so far
};

// One request's search: hosts that turn out to be full drop out of it. It
// begins with a preference, which is given up where nothing fits, and before a
// backup is used: a retry looks for a host that has not failed lately, any
// other request spares those that have just come back.
class PoolHosts::Choice final : private EndpointFilter {
 public:
  // Both outlive it.
  Choice(PoolHosts& hosts, const std::vector<std::size_t>& tried);

  // The best that is left; Balancer::kNone: none. `key`: see Balancer::pick().
  [[nodiscard]] std::size_t next(std::uint64_t key);
  void noteFull(std::size_t host);
  // For a session that is at the host: whatever is preferred, full or not.
  [[nodiscard]] bool admits(std::size_t host) const;

 private:
  [[nodiscard]] bool usable(std::size_t host) const override;
  [[nodiscard]] bool preferred(std::size_t host) const;

  PoolHosts& hosts_;
  const std::vector<std::size_t>& tried_;
  std::vector<bool> full_;
  TimePoint now_;
  bool choosy_ = false;
  double lot_ = 0;
};

}  // namespace gatewhy
