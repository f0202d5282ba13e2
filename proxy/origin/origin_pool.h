// SPDX-License-Identifier: Apache-2.0
// One worker's connections to one origin: parked ones, slots under
// limits.connections, and the queue of exchanges that wait for one.
//
// A request whose body is still coming holds its place for as long as its
// client likes. So such requests get at most half of an endpoint's places; the
// others of their kind wait, and whole requests pass them.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/origin/balance.h"
#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/origin_connection.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

class OriginPool;

// A place among those of requests whose body is still coming; given back when
// destroyed, or once the body is whole.
class UploadPlace {
 public:
  UploadPlace() = default;
  UploadPlace(std::shared_ptr<EndpointState> state, std::shared_ptr<OriginPool*> pool)
      : state_(std::move(state)), pool_(std::move(pool)) {}
  UploadPlace(UploadPlace&&) noexcept = default;
  UploadPlace& operator=(UploadPlace&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
      pool_ = std::move(other.pool_);
    }
    return *this;
  }
  ~UploadPlace() { release(); }
  [[nodiscard]] bool held() const noexcept { return state_ != nullptr; }
  void release() noexcept;

 private:
  std::shared_ptr<EndpointState> state_;
  std::shared_ptr<OriginPool*> pool_;  // nulled when the pool is gone
};

// What an attempt gets: a parked connection, or a slot to open a new one.
struct Grant {
  std::size_t endpoint = 0;
  std::unique_ptr<OriginConnection> connection;  // null: connect, with `slot`
  ConnectionSlot slot;
  UploadPlace upload;  // held where the body is still coming, under a limit
};

// An attempt in the queue. Leaves it when destroyed.
class PoolWaiter {
 public:
  virtual ~PoolWaiter();
  virtual void onGrant(Grant grant) = 0;  // once; no longer queued by then
  [[nodiscard]] virtual std::uint64_t balanceKey() const = 0;
  // The endpoint that the client's session is at: waited for where it is full,
  // left where it is out of use. Balancer::kNone: any will do.
  [[nodiscard]] virtual std::size_t sessionEndpoint() const { return Balancer::kNone; }
  // False while a part of the request's body is still to come from its client.
  [[nodiscard]] virtual bool bodyIsHere() const = 0;
  // Endpoints that earlier attempts of its request had; another one is to serve it.
  [[nodiscard]] virtual const std::vector<std::size_t>& triedEndpoints() const = 0;

 private:
  friend class OriginPool;
  OriginPool* queued_in_ = nullptr;
  bool among_uploads_ = false;
  std::uint64_t ticket_ = 0;                // the order of all who wait
  std::list<PoolWaiter*>::iterator place_;  // where queued_in_
};

enum class PoolRefusal : std::uint8_t { NoHealthyEndpoint, QueueFull, Queued };

class OriginPool {
 public:
  // `states` has one entry per endpoint. The configuration is copied.
  // `wake_others` asks the other workers
  // to look at their queues and parked connections (any thread).
  OriginPool(EventLoop& loop, const OriginConfig& config, std::vector<std::shared_ptr<EndpointState>> states,
             std::shared_ptr<OriginState> origin_state, std::function<void()> wake_others);
  ~OriginPool();
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  // A grant, or why there is none. Queued: `waiter` will be told. Endpoints
  // that it has tried are avoided, and of the others those preferred that have
  // not failed since they last succeeded; `fresh` wants no parked connection.
  [[nodiscard]] std::optional<Grant> request(PoolWaiter& waiter, bool fresh, PoolRefusal& refusal);
  // True where an endpoint is left that gets requests and is not in `tried`.
  [[nodiscard]] bool hasAlternative(const std::vector<std::size_t>& tried) const;
  void leaveQueue(PoolWaiter& waiter) noexcept;
  // The waiter's body is whole now: it passes those whose is not.
  void bodyArrived(PoolWaiter& waiter);

  // Parks a connection that can carry another request. Its handler is taken over.
  void park(std::size_t endpoint, std::unique_ptr<OriginConnection> connection);
  void closeParked();
  // Serves the queue; called when a slot or connection may have come free.
  void serveQueue();

  void requestBegan(std::size_t endpoint) { ++loads_[endpoint]; }
  void requestEnded(std::size_t endpoint) { --loads_[endpoint]; }
  [[nodiscard]] std::size_t parked(std::size_t endpoint) const { return endpoints_[endpoint].parked.size(); }
  [[nodiscard]] EndpointState& state(std::size_t endpoint) { return *endpoints_[endpoint].state; }
  [[nodiscard]] const OriginConfig& config() const { return config_; }
  [[nodiscard]] OriginHealth& health() { return health_; }
  // keep_alive.timeout: auto. A request found its connection closed after
  // so long; an answer has this Keep-Alive field ("" = none).
  void noteStale(std::size_t endpoint, double idle_ms);
  void noteKeepAlive(std::size_t endpoint, std::string_view value);
  // Bytes that parked connections brought since the last call, on any worker.
  [[nodiscard]] std::optional<UnsolicitedBytes> takeUnsolicited() { return origin_state_->unsolicited.takeNews(); }

  // Retry budget: every exchange earns a part of a retry, every retry costs one.
  void earnRetry() noexcept;
  [[nodiscard]] bool spendRetry() noexcept;

 private:
  friend class OriginConnection;
  friend class UploadPlace;
  struct Endpoint {
    std::shared_ptr<EndpointState> state;
    std::vector<std::unique_ptr<OriginConnection>> parked;  // LIFO
  };
  class Choice;
  // From 0 to 1: which requests an endpoint that has just come back is spared.
  [[nodiscard]] double nextLot();
  [[nodiscard]] std::unique_ptr<OriginConnection> takeParked(std::size_t endpoint);
  [[nodiscard]] std::optional<Grant> tryGrant(std::size_t endpoint, bool fresh, bool upload);
  [[nodiscard]] bool queueFull(bool upload) const;
  [[nodiscard]] bool serveOne();
  [[nodiscard]] bool serveFrom(std::list<PoolWaiter*>& queue);
  [[nodiscard]] bool grantTo(PoolWaiter& waiter);
  [[nodiscard]] bool staysWithSession(const PoolWaiter& waiter);
  [[nodiscard]] std::uint32_t uploadPlaces() const;
  [[nodiscard]] bool anybodyCanBeServed() const;
  [[nodiscard]] std::list<PoolWaiter*>& queueOf(const PoolWaiter& waiter) {
    return waiter.among_uploads_ ? uploads_ : queue_;
  }
  [[nodiscard]] bool isTried(const std::vector<std::size_t>& tried, std::size_t endpoint) const;
  void dropParked(OriginConnection& parked);
  void onExpired(OriginConnection& parked);
  void onClosedByOrigin(OriginConnection& parked);
  [[nodiscard]] std::chrono::milliseconds keepTime(const Endpoint& endpoint) const;
  [[nodiscard]] std::chrono::milliseconds idleTime(const OriginConnection& parked) const;
  void noteUnsolicited(std::size_t endpoint, std::string_view bytes);
  void onSlotReleased();
  ConnectionSlot slotFor(std::size_t endpoint);

  EventLoop& loop_;
  const OriginConfig config_;  // a copy: the pool outlives the configuration that it came with
  std::vector<Endpoint> endpoints_;
  std::vector<std::uint32_t> loads_;  // requests in flight, by endpoint
  std::shared_ptr<OriginState> origin_state_;
  std::function<void()> wake_others_;
  Balancer balancer_;
  OriginHealth health_;
  std::uint64_t lots_ = 0;  // drawn so far
  // Whole requests, and uploads. (A deque would take half a KiB per origin and worker while empty.)
  std::list<PoolWaiter*> queue_, uploads_;
  std::uint64_t next_ticket_ = 0;
  double retry_tokens_;
  std::shared_ptr<OriginPool*> self_;  // nulled when destroyed: slots may outlive the pool
};

}  // namespace gatewhy
