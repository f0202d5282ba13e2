// SPDX-License-Identifier: Apache-2.0
// The requests of one worker that wait for a place at an origin, in the order
// in which they came; but a whole request does not wait for one whose body is
// still coming. Loop thread only.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "proxy/origin/balance.h"
#include "proxy/origin/endpoint_state.h"
#include "proxy/origin/lease.h"
#include "proxy/origin/openings.h"
#include "proxy/origin/proxied_client.h"

namespace gatewhy {

class WaitingQueue;

// Whoever asks a pool for a place. Leaves the queue when destroyed.
class PoolWaiter {
 public:
  PoolWaiter() = default;
  PoolWaiter(const PoolWaiter&) = delete;
  PoolWaiter& operator=(const PoolWaiter&) = delete;
  virtual ~PoolWaiter();
  virtual void onLease(Lease lease) = 0;  // once; no longer queued by then
  // Of a lease that waits for a connection which another one opens: it is there,
  // or is not to be waited for any more; see OriginPool::proceed().
  virtual void onOpened() {}
  // It could not be opened. Nothing more is told.
  virtual void onOpeningFailed(const std::vector<AddressFailure>& /*failures*/) {}
  // Only a connection of HTTP/1.1 will do.
  [[nodiscard]] virtual bool needsHttp1() const { return false; }
  [[nodiscard]] virtual std::uint64_t balanceKey() const = 0;
  // The endpoint that the client's session is at: waited for where it is full,
  // left where it is out of use. Balancer::kNone: any will do.
  [[nodiscard]] virtual std::size_t sessionEndpoint() const { return Balancer::kNone; }
  // Whose request it is, where the origin is told: it gets no other client's
  // connection. Null: it is not told.
  [[nodiscard]] virtual ProxiedClient* client() const { return nullptr; }
  // False while a part of the request's body is still to come from its client.
  [[nodiscard]] virtual bool bodyIsHere() const = 0;
  // Endpoints that earlier attempts of its request had; another one is to serve it.
  [[nodiscard]] virtual const std::vector<std::size_t>& triedEndpoints() const = 0;

 private:
  friend class WaitingQueue;
  friend class Openings;
  friend class OriginPool;
  WaitingQueue* queued_in_ = nullptr;
  Openings* awaits_ = nullptr;
  bool among_uploads_ = false;
  std::uint64_t ticket_ = 0;                // the order of all who wait
  std::list<PoolWaiter*>::iterator place_;  // where queued_in_
};

class WaitingQueue {
 public:
  // Who has places to give.
  class Server {
   public:
    // Gives `waiter` a lease, having taken it out of the queue. False: there is none.
    [[nodiscard]] virtual bool serve(PoolWaiter& waiter, bool upload) = 0;
    // It waits for one endpoint alone, so that it holds up nobody behind it.
    [[nodiscard]] virtual bool waitsForOne(const PoolWaiter& waiter) = 0;

   protected:
    ~Server() = default;
  };

  // `limit`: limits.pending, over all workers; 0 = none.
  WaitingQueue(std::shared_ptr<OriginState> state, std::uint32_t limit) : state_(std::move(state)), limit_(limit) {}
  ~WaitingQueue();
  WaitingQueue(const WaitingQueue&) = delete;
  WaitingQueue& operator=(const WaitingQueue&) = delete;

  // Of the queue too uploads get no more than half.
  [[nodiscard]] bool full(bool upload) const;
  void join(PoolWaiter& waiter, bool upload);
  void leave(PoolWaiter& waiter) noexcept;  // also one who is not there
  // Its body is whole now: it passes those whose is not. False: that changes nothing.
  bool bodyArrived(PoolWaiter& waiter);
  // The first that can be served. False: nobody can.
  [[nodiscard]] bool serveOne(Server& server);

  [[nodiscard]] bool wholeWait() const { return !whole_.empty(); }  // here
  // Over all workers.
  [[nodiscard]] bool anybodyWaits() const { return state_->waiting.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool uploadsWait() const { return state_->waiting_uploads.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool wholeWaitAnywhere() const {
    return state_->waiting.load(std::memory_order_relaxed) > state_->waiting_uploads.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool othersWait() const {
    return state_->waiting.load(std::memory_order_relaxed) > whole_.size() + uploads_.size();
  }
  // Others than this worker's uploads.
  [[nodiscard]] bool wholeOrOthersWait() const {
    return state_->waiting.load(std::memory_order_relaxed) > uploads_.size();
  }

 private:
  [[nodiscard]] static bool serveFrom(std::list<PoolWaiter*>& queue, Server& server);
  [[nodiscard]] std::list<PoolWaiter*>& queueOf(const PoolWaiter& waiter) {
    return waiter.among_uploads_ ? uploads_ : whole_;
  }

  std::shared_ptr<OriginState> state_;
  std::uint32_t limit_;
  // (A deque would take half a KiB per origin and worker while empty.)
  std::list<PoolWaiter*> whole_, uploads_;
  std::uint64_t next_ticket_ = 0;
};

}  // namespace gatewhy
