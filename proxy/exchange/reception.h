// SPDX-License-Identifier: Apache-2.0
// What a request goes through before anything answers it: it is given its
// names, is admitted to a route or turned away, and logs in where the route
// wants that. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/login.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

class Reception final : private LoginObserver {
 public:
  //   Idle ──begin──▶ LoggingIn ──▶ Over; the step may be left out
  enum class State : std::uint8_t { Idle, LoggingIn, Over };

  // One of these, once. Any may end it.
  class Owner {
   public:
    // `fields`: of the login, for the origin. `waited`: outside the callback
    // that brought the head, and the client's reader has stopped meanwhile.
    virtual void onAdmitted(LoginFields fields, bool waited) = 0;
    virtual void onTurnedAway(Observation seen) = 0;
    // In the login service's own words.
    virtual void onLoginDenied(const LoginAnswer& answer, Observation seen) = 0;

   protected:
    ~Owner() = default;
  };

  // All of it outlives this; `record` and `forwarding` are told what is learnt.
  Reception(WorkerContext& worker, WorkerGeneration& generation, const RequestHead& request, const ClientFacts& client,
            ExchangeRecord& record, Forwarding& forwarding, Owner& owner)
      : worker_(worker),
        generation_(generation),
        request_(request),
        client_(client),
        record_(record),
        forwarding_(forwarding),
        owner_(owner) {}

  void begin();  // may be over at once
  // The request's names, where it is turned away before it has begun.
  void identify();
  // Gives a login up without a report.
  void cancel();

  [[nodiscard]] State state() const { return state_; }
  // As long as this is so, the body waits: nothing of it is read before the
  // origin is chosen.
  [[nodiscard]] bool loggingIn() const { return state_ == State::LoggingIn; }
  // Nothing more is to be served on the client's connection.
  [[nodiscard]] bool closes() const { return short_of_memory_; }
  // An OPTIONS that may go no further (Max-Forwards: 0).
  [[nodiscard]] bool optionsEndHere() const { return options_end_here_; }
  [[nodiscard]] std::size_t origin() const { return origin_; }  // of the configuration's
  [[nodiscard]] std::size_t buffered() const { return login_ ? login_->buffered() : 0; }
  // What a login service took, so far; nullopt: none was asked.
  [[nodiscard]] std::optional<double> loginMs() const { return login_ ? login_->elapsedMs() : std::nullopt; }

 private:
  // LoginObserver
  void onLoginPassed(LoginFields fields) override;
  void onLoginDenied(const LoginAnswer& answer, Observation seen) override;
  void onLoginFailed(Observation seen) override { turnAway(std::move(seen)); }

  void turnAway(Observation seen);
  [[nodiscard]] bool passesLogin(std::uint64_t client_key);

  WorkerContext& worker_;
  WorkerGeneration& generation_;
  const RequestHead& request_;
  const ClientFacts& client_;
  ExchangeRecord& record_;
  Forwarding& forwarding_;
  Owner& owner_;
  State state_ = State::Idle;
  bool short_of_memory_ = false;
  bool options_end_here_ = false;
  std::size_t origin_ = 0;
  std::unique_ptr<Login> login_;  // null: the route wants none
};

}  // namespace gatewhy
