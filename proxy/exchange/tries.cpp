// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/tries.h"

#include <utility>

#include "proxy/exchange/health_report.h"

namespace gatewhy {

void Tries::choose(WorkerGeneration& generation, std::size_t origin, const OriginConfig& config) {
  generation_ = &generation;
  pool_ = generation.pools[origin].get();
  runtime_ = &generation.shared->origins[origin];
  origin_ = &config;
  record_.origin = &pool_->config();
  pool_->earnRetry();
}

Attempt& Tries::next(const Forwarding& forwarding, const OriginTimeouts* timeouts, bool body_here) {
  AttemptRequest plan;
  plan.head = &request_;
  plan.origin = origin_;
  plan.timeouts = timeouts;
  plan.runtime = runtime_;
  plan.pool = pool_;
  plan.own_listeners = &generation_->own_listeners;
  plan.resolver = generation_->resolver.get();
  plan.redaction = &worker_.redaction();
  plan.forward = forwarding.request();
  plan.balance_key = forwarding.balanceKey();
  plan.session_endpoint = forwarding.sessionEndpoint();
  if (origin_->send_proxy_protocol != SendProxyProtocol::Off && client_.proxied) {
    plan.client = client_.proxied();
  }
  plan.fresh = retries_.freshOnly();
  plan.body_here = body_here;
  record_.beginTry();
  attempt_ = std::make_unique<Attempt>(worker_, observer_, plan);
  return *attempt_;
}

bool Tries::followed(const Diagnosis& why, std::vector<AddressFailure> addresses, bool repeatable) {
  if (!record_.endTry(*attempt_, std::move(addresses), why)) {
    return false;
  }
  const std::size_t endpoint = attempt_->endpointIndex();
  if (why.cause == Cause::StaleConnection) {
    pool_->noteStale(endpoint, why.observation.connection.idle_ms);
  }
  reportFailure(worker_.sink, *pool_, endpoint, why, record_.clientAddress());
  if (!repeatable || !retries_.take(why, request_, *pool_, endpoint)) {
    return false;
  }
  record_.noteRetry();
  return true;
}

void Tries::giveUp() {
  if (attempt_) {
    record_.closeTry(*attempt_);
  }
  end();
}

void Tries::end() {
  if (attempt_) {
    attempt_->cancel();
    worker_.loop.deferDelete(std::move(attempt_));
  }
}

// Another connection of its own may turn out to be stale, and others share one
// that says what it left untouched.
bool Tries::mayFollowThis() const {
  return attempt_->sharesConnection() ||
         (left() && retries_.mayFollow(request_, *pool_, attempt_->endpointIndex(), attempt_->reused()));
}

void Tries::noteBodyHere() {
  if (attempt_) {
    attempt_->noteBodyHere();
  }
}

Observation Tries::late(TimerFault fault) const {
  fault.longest_phase = attempt_ ? attempt_->longestPhase() : Phase::Routing;
  if (!attempt_) {
    return {.phase = Phase::Internal, .fault = fault};
  }
  return attempt_->observe(fault.timer == Timer::Exchange ? Phase::Internal : attempt_->phase(), fault);
}

void Tries::describe(Observation& client_fault, bool waiting) const {
  if (!attempt_) {
    return;
  }
  InterruptedFacts& facts = client_fault.interrupted.emplace(InterruptedFacts{.phase = attempt_->phase()});
  if (waiting) {
    facts.waited_ms = attempt_->waitedMs();
    facts.limit_ms = static_cast<std::uint32_t>(origin_->timeouts.response_head.count());
    client_fault.connection = attempt_->observe(attempt_->phase(), EndFault{}).connection;
  }
}

}  // namespace gatewhy
