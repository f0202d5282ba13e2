// SPDX-License-Identifier: Apache-2.0
// TLS handshakes with clients: at most so many at once, over all workers and
// of one client. The others wait for a place with their hello unread in the
// kernel, which costs nothing here.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <optional>

#include "config/config.h"
#include "proxy/exchange/client_census.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

class HandshakeGate;

// Embedded in what shakes hands. Leaves the gate when destroyed.
class Handshake {
 public:
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  virtual void onHandshakePlace() = 0;    // begin; it may end inside
  virtual void onHandshakeOverdue() = 0;  // others wait: end now

 protected:
  Handshake() = default;
  virtual ~Handshake();
  // At the gate, but no place yet.
  [[nodiscard]] bool waitsForHandshake() const noexcept { return gate_ != nullptr && !runs_; }
  void leaveHandshakeGate() noexcept;

 private:
  friend class HandshakeGate;
  HandshakeGate* gate_ = nullptr;
  bool runs_ = false;
  std::optional<std::uint64_t> client_;  // nullopt: no limit of its own
  TimePoint since_{};
  ClientCensus::Place place_;
  std::list<Handshake*>::iterator at_;
};

// What the gates of all workers share.
struct HandshakeTotals {
  alignas(64) std::atomic<std::uint32_t> running{0};
};

// One worker's; its thread only.
class HandshakeGate {
 public:
  HandshakeGate(EventLoop& loop, HandshakeTotals& totals, ClientCensus& census);

  void setLimits(std::uint32_t all, std::uint32_t per_client);
  // Begins at once where there is a place, else when there is one. `client`:
  // whose places it counts against besides.
  void enter(Handshake& handshake, std::optional<std::uint64_t> client);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  friend class Handshake;
  void leave(Handshake& handshake) noexcept;
  [[nodiscard]] bool takePlace(Handshake& handshake);
  void begin(Handshake& handshake);
  void serve();
  void onTick();
  [[nodiscard]] bool full() const noexcept;
  void endOverdue();

  EventLoop& loop_;
  HandshakeTotals& totals_;
  ClientCensus& census_;
  std::uint32_t limit_ = 0, limit_per_client_ = 0;
  std::list<Handshake*> running_, waiting_;  // oldest first
  Deadline tick_;                            // while any wait
};

}  // namespace gatewhy
