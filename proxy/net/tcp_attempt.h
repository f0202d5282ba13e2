// SPDX-License-Identifier: Apache-2.0
// One connect() to one address, TCP or unix, with the evidence of its failure.
#pragma once

#include <memory>
#include <optional>

#include "diagnostics/observation.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/address.h"
#include "proxy/net/connector.h"

namespace gatewhy {

class TcpAttempt final : private IoHandler {
 public:
  class Observer {
   public:
    // One of these, once, also from inside start(). The attempt stays alive
    // until its owner gets back to the loop.
    virtual void onAttemptConnected(TcpAttempt& attempt) = 0;
    virtual void onAttemptFailed(TcpAttempt& attempt) = 0;

   protected:
    ~Observer() = default;
  };

  // `limit` 0: as long as the kernel tries. `observer` outlives the attempt.
  TcpAttempt(EventLoop& loop, const Address& address, std::chrono::milliseconds limit, Observer& observer);
  ~TcpAttempt() = default;
  TcpAttempt(const TcpAttempt&) = delete;
  TcpAttempt& operator=(const TcpAttempt&) = delete;

  void start();
  // Closes the socket without a report; nothing after it was settled.
  void abandon() noexcept;

  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] bool settled() const noexcept { return settled_; }
  [[nodiscard]] double elapsedMs() const { return millisBetween(started_, EventLoop::now()); }
  // After success. The watch runs, without a handler.
  [[nodiscard]] std::unique_ptr<Link> takeLink() noexcept { return std::move(link_); }
  [[nodiscard]] bool readable() const noexcept { return readable_; }
  // After failure; facts about the connection are the owner's to add.
  [[nodiscard]] const Observation& observation() const noexcept { return observation_; }

 private:
  void onIo(bool readable, bool writable) override;
  void onTimer();
  void succeed(bool readable);
  void failBy(int error);
  void fail(ConnectCall call, int error);
  void failWith(Phase phase, Fault fault);
  [[nodiscard]] bool isSelfConnected() const;

  EventLoop& loop_;
  Address address_;
  std::chrono::milliseconds limit_;
  Observer& observer_;
  TimePoint started_;
  std::unique_ptr<Link> link_;
  Deadline timer_;
  bool settled_ = false;
  bool readable_ = false;
  std::optional<IcmpError> icmp_;
  Observation observation_;
};

}  // namespace gatewhy
