// SPDX-License-Identifier: Apache-2.0
// Happy Eyeballs (RFC 8305): addresses of both families, tried a little apart
// until one connects.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/net/tcp_attempt.h"

namespace gatewhy {

class TcpRace final : private TcpAttempt::Observer {
 public:
  class Observer {
   public:
    // One of these, once, also from inside start() or addFamily().
    virtual void onRaceWon(TcpAttempt& winner) = 0;
    virtual void onRaceLost() = 0;  // failures() may be empty: no family had an address

   protected:
    ~Observer() = default;
  };

  struct Rules {
    std::chrono::milliseconds connect_limit{0};           // per address; 0 = off
    const std::vector<Address>* own_listeners = nullptr;  // outlives the race; nullptr = none
    bool from_dns = false;                                // the addresses are answers, not configuration
  };

  TcpRace(EventLoop& loop, const Rules& rules, Observer& observer);
  // The one address there is.
  void start(const Address& address);
  // What DNS said for AF_INET6 or AF_INET, ports set; empty = this family has
  // none. Call once for each.
  void addFamily(int family, std::vector<Address> addresses);
  // Gives up what is running; no callback comes any more.
  void stop() noexcept;

  [[nodiscard]] bool hasBegun() const noexcept { return began_.has_value(); }
  [[nodiscard]] TimePoint began() const noexcept { return *began_; }
  [[nodiscard]] bool hasAddresses() const noexcept { return had_addresses_; }
  [[nodiscard]] const Address* current() const noexcept;  // tried last; nullptr before that
  // Without connection facts but the peer's address.
  [[nodiscard]] std::vector<AddressFailure>& failures() noexcept { return failures_; }

 private:
  struct Family {
    std::deque<Address> waiting;
    bool answered = false;
  };
  void onAttemptConnected(TcpAttempt& attempt) override;
  void onAttemptFailed(TcpAttempt& attempt) override;
  void begin();
  void tryNext();
  void finishIfLost();
  [[nodiscard]] std::optional<Address> takeNext();
  [[nodiscard]] bool refused(const Address& address);
  [[nodiscard]] bool anyWaiting() const noexcept { return !v6_.waiting.empty() || !v4_.waiting.empty(); }

  EventLoop& loop_;
  Rules rules_;
  Observer& observer_;
  Family v6_, v4_;
  bool v4_is_next_ = false;
  bool had_addresses_ = false;
  bool finished_ = false;
  bool in_try_next_ = false;
  std::optional<TimePoint> began_;
  std::size_t running_ = 0;
  std::vector<std::unique_ptr<TcpAttempt>> attempts_;
  std::vector<AddressFailure> failures_;
  Deadline resolution_delay_;
  Deadline attempt_delay_;
};

}  // namespace gatewhy
