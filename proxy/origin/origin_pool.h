// SPDX-License-Identifier: Apache-2.0
// One worker's connections to one origin. It owns them; requests get leases of
// them, under limits.connections, or wait.
//
// A request whose body is still coming holds its place for as long as its
// client likes. So such requests get at most half of an endpoint's places; the
// others of their kind wait, and whole requests pass them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/origin/lease.h"
#include "proxy/origin/places.h"
#include "proxy/origin/pool_hosts.h"
#include "proxy/origin/retry_budget.h"
#include "proxy/origin/waiting_queue.h"

namespace gatewhy {

enum class PoolRefusal : std::uint8_t { NoHealthyEndpoint, QueueFull, Queued };

class OriginPool final : private PlaceWatcher, private WaitingQueue::Server {
 public:
  // `states` has one entry per endpoint. The configuration is copied.
  // `wake_others` asks the other workers
  // to look at their queues and parked connections (any thread).
  OriginPool(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
             std::shared_ptr<OriginState> origin_state, std::function<void()> wake_others);
  ~OriginPool();
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  // See PoolHosts. `tell`: other hosts than before.
  void watchNames(HostRefresh::OnChange tell);
  // Asks DNS where that is due, and nobody waits: before request(), and when
  // the endpoint, which is one host, is about to be connected to.
  void refreshNames(Resolver& resolver) { hosts_.refreshNames(resolver); }
  void refreshName(std::size_t host, Resolver& resolver) { hosts_.refreshName(host, resolver); }

  // Below, an index is a host's; see PoolHosts.

  // A lease, or why there is none. Queued: `waiter` will be told. Endpoints
  // that it has tried are avoided, and of the others those preferred that have
  // not failed since they last succeeded; `fresh` wants a connection of its own.
  [[nodiscard]] std::optional<Lease> request(PoolWaiter& waiter, bool fresh, PoolRefusal& refusal);
  // The connection that was opened for `lease`, which is of it now.
  OriginConnection& adopt(Lease& lease, std::unique_ptr<OriginConnection> connection);
  // It could not be opened: so hear those who wait for it.
  void onOpeningFailed(Lease& lease, const std::vector<AddressFailure>& failures);
  // The lease waited; now it has a connection, is to open one, or waits again.
  void proceed(Lease& lease, PoolWaiter& waiter);
  // True where one is left that gets requests, is not in `tried`, and is not `besides`.
  [[nodiscard]] bool hasAlternative(const std::vector<std::size_t>& tried, std::size_t besides) const {
    return hosts_.hasAlternative(tried, besides);
  }
  // Whatever the waiter waits for.
  void leaveQueue(PoolWaiter& waiter) noexcept;
  // The waiter's body is whole now: it passes those whose is not.
  void bodyArrived(PoolWaiter& waiter);

  void closeParked() { hosts_.closeParked(); }
  // Serves the queue; called when a place or connection may have come free.
  void serveQueue();

  [[nodiscard]] std::size_t parked(std::size_t endpoint) const { return hosts_.parked(endpoint); }
  [[nodiscard]] EndpointState& state(std::size_t host) { return *hosts_[host].state(); }
  [[nodiscard]] const OriginConfig& config() const { return config_; }
  [[nodiscard]] OriginHealth& health() { return hosts_.health(); }
  // keep_alive.timeout: auto. A request found its connection closed after
  // so long; an answer has this Keep-Alive field ("" = none).
  void noteStale(std::size_t host, double idle_ms) { hosts_[host].noteStale(idle_ms); }
  void noteKeepAlive(std::size_t host, std::string_view value) { hosts_[host].noteKeepAlive(value); }
  // Bytes that parked connections brought since the last call, on any worker.
  [[nodiscard]] std::optional<UnsolicitedBytes> takeUnsolicited() { return origin_state_->unsolicited.takeNews(); }

  // See RetryBudget.
  void earnRetry() noexcept { retries_.earn(); }
  [[nodiscard]] bool spendRetry() noexcept { return retries_.spend(); }

 private:
  friend class Lease;
  // PlaceWatcher
  void onPlaceFree() override;
  void onUploadPlaceFree() override;
  // WaitingQueue::Server
  bool serve(PoolWaiter& waiter, bool upload) override;
  bool waitsForOne(const PoolWaiter& waiter) override;

  [[nodiscard]] std::optional<Lease> tryLease(PoolWaiter& waiter, std::size_t endpoint, bool fresh, bool upload);
  [[nodiscard]] EndpointHttp httpOf(const PoolWaiter& waiter, std::size_t endpoint) const;
  void planOpening(Lease& lease, PoolWaiter& waiter);
  void giveBack(Lease& lease);
  [[nodiscard]] std::uint32_t uploadPlaces() const;
  [[nodiscard]] bool anybodyCanBeServed() const;
  void serveSoon();

  EventLoop& loop_;
  const OriginConfig config_;  // a copy: the pool outlives the configuration that it came with
  std::shared_ptr<OriginState> origin_state_;
  std::function<void()> wake_others_;
  PoolHosts hosts_;
  WaitingQueue queue_;
  RetryBudget retries_;
  PlaceWatch self_;  // nulled when destroyed: places may outlive the pool
};

}  // namespace gatewhy
