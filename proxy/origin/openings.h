// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "proxy/loop/event_loop.h"
#include "proxy/net/connector.h"

namespace gatewhy {

class PoolWaiter;

// Connections to one endpoint that are being opened and will carry many
// requests, as far as is known; and the requests that wait for one of these
// instead of opening another. The first connection decides for all of them.
class Openings {
 public:
  explicit Openings(EventLoop& loop) : serve_(loop, [this] { serve(); }) {}
  ~Openings();
  Openings(const Openings&) = delete;
  Openings& operator=(const Openings&) = delete;

  // True: the waiter is to open one, whose end is told by one of those below.
  // False: it waits, and is told PoolWaiter::onOpened() or onOpeningFailed().
  // `on_one`: requests that a connection is expected to take.
  [[nodiscard]] bool join(PoolWaiter& waiter, std::uint32_t on_one);
  void leave(PoolWaiter& waiter) noexcept;  // of those who wait
  // There is a connection, or whoever opened it has given up: those who wait look again, in a while.
  void onOver();
  // There is none, for a reason that is theirs too.
  void onFailed(const std::vector<AddressFailure>& failures);

 private:
  struct Waiting {
    PoolWaiter* waiter;
    std::uint64_t ticket;
  };
  void serve();
  // The next of those who waited when `until` was the next ticket; null: none.
  [[nodiscard]] PoolWaiter* takeBefore(std::uint64_t until);

  std::uint32_t running_ = 0;
  std::deque<Waiting> waiting_;
  std::uint64_t next_ticket_ = 0;
  DeferredCall serve_;
};

}  // namespace gatewhy
