// SPDX-License-Identifier: Apache-2.0
// An exchange's way from a request head to its end. Relaying between the two
// sides is in exchange_relay.cpp.
#include "proxy/exchange/exchange.h"

#include <algorithm>

#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/health_report.h"
#include "proxy/exchange/login_answer.h"
#include "proxy/exchange/own_answer.h"

namespace gatewhy {

Exchange::Exchange(WorkerContext& worker, ClientStream& client, const RequestHead& request)
    : worker_(worker),
      client_(client),
      request_(request),
      generation_(worker.generation),
      record_(request, client.facts(), *generation_->shared, worker.loop.turnTime()),
      forwarding_(request, client.facts(), *generation_->shared, record_),
      grpc_(GrpcCall::of(worker.loop, request, *this)),
      exchange_timer_(worker.loop, [this] { onExchangeTimeout(); }) {
  worker_.in_flight.add();
  if (grpc_ && grpc_->native()) {
    record_.check.skipLint();
  }
}

Exchange::~Exchange() {
  worker_.in_flight.subtract();
}

// ---- beginning --------------------------------------------------------

// X-Request-ID and traceparent are believed from trusted proxies only.
void Exchange::identify() {
  const auto believed = [&](FieldId id) { return client_.facts().trusted ? request_.valueOf(id) : std::string_view(); };
  record_.identity.assign(believed(FieldId::XRequestId), believed(FieldId::Traceparent), worker_.ids);
}

void Exchange::begin() {
  identify();
  body_.begin(request_);
  up_.tee(body_);
  if (worker_.memory.isShort()) {
    close_ = true;
    reject(Observation{.phase = Phase::Internal, .fault = memoryFault(worker_.memory.use())});
    return;
  }
  Admission admission =
      admit(request_, client_.facts(), *generation_->shared, record_.began(), record_.identity.requestId());
  record_.route = route_ = admission.route;
  record_.forwarded_client = std::move(admission.forwarded_client);
  forwarding_.forwardPath(std::move(admission.path));
  origin_ = admission.origin;
  record_.dropped = std::move(admission.dropped);
  if (!record_.dropped.empty()) {
    record_.check.requestFieldDropped();
  }
  if (admission.refusal) {
    reject(refusalSeen(std::move(*admission.refusal)));
    return;
  }
  options_end_here_ = admission.options_end_here;
  if (route_ == nullptr || !Login::isWanted(*route_) || logIn(admission.client_key)) {
    proceed({});
  }
}

void Exchange::proceed(LoginFields fields) {
  if (options_end_here_ && (route_ == nullptr || !route_->respond)) {
    respondOptions();
    return;
  }
  if (route_->respond) {
    respondFixed();
    return;
  }
  pool_ = generation_->pools[origin_].get();
  record_.origin = &pool_->config();
  origin_config_ = &generation_->shared->originFor(*route_, origin_);
  pool_->earnRetry();
  record_.check.note(tellUnsolicited(worker_.sink, *pool_));
  exchange_timer_.arm(origin_config_->timeouts.exchange);
  if (grpc_) {
    grpc_->begin(origin_config_->timeouts, record_.began());
  }
  forwarding_.choose(*origin_config_, generation_->shared->origins[origin_], pool_->health(), std::move(fields));
  startAttempt();
}

void Exchange::reject(Observation fault) {
  if (!record_.identity.assigned()) {
    identify();
  }
  fail(std::move(fault));
}

// ---- the login ----------------------------------------------------------

// Meanwhile the request's body waits: nothing of it is read before the origin
// is chosen. True where the request may go on at once.
bool Exchange::logIn(std::uint64_t client_key) {
  state_ = State::Waiting;
  LoginObserver& self = *this;
  login_ = std::make_unique<Login>(worker_, self);
  const bool passes = login_->begin(forwarding_.loginQuestion(*generation_), client_key);  // may fail at once
  if (passes) {
    state_ = State::Starting;
  }
  return passes;
}

// Outside the callback that brought the head: the client's reader has stopped.
void Exchange::onLoginPassed(LoginFields fields) {
  state_ = State::Starting;
  proceed(std::move(fields));
  if (state_ == State::Waiting) {
    up_.resume();
  }
}

void Exchange::onLoginDenied(const LoginAnswer& answer, Observation seen) {
  record_.fail(record_.diagnosed(std::move(seen)));
  if (grpc_ && grpc_->native()) {
    answerFailure();
    return;
  }
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = answer.head.status;
  sendOwn(passOnLoginAnswer(answer, *record_.diagnosis(), generation_->shared->config->diagnostics, *route_,
                            forwarding_.variables()));
}

void Exchange::onLoginFailed(Observation seen) {
  fail(std::move(seen));
}

// ---- answers of our own -------------------------------------------------

void Exchange::respondFixed() {
  record_.generated_by = GeneratedBy::Proxy;
  record_.status = route_->respond->status;
  if (sendsNothing(record_.status)) {
    finish(Ending::Silent);
    return;
  }
  if (grpc_ && grpc_->native()) {
    grpc_->noteOwn(grpcStatusOfHttp(record_.status));
    answerGrpcFor(record_.status, std::string(reasonPhrase(record_.status)));
    return;
  }
  sendOwn(synthesizeFixed(*route_, generation_->shared->config->diagnostics, forwarding_.variables()));
}

void Exchange::respondOptions() {
  record_.generated_by = GeneratedBy::Proxy;
  const SynthesizedResponse made = synthesizeOptions(route_, allowedMethods(route_), forwarding_.variables());
  record_.status = made.status;
  sendOwn(made);
}

void Exchange::answerFailure() {
  record_.generated_by = GeneratedBy::Proxy;
  if (!grpc_) {
    warnBehindCloudflare(worker_, *record_.diagnosis(), forwarding_.variables());
  }
  const SynthesizedResponse made = grpc_
                                       ? grpcFailure()
                                       : answerToFailure(*record_.diagnosis(), generation_->shared->config->diagnostics,
                                                         route_, forwarding_.variables(), record_.origin_status);
  record_.status = made.status;
  giveUpAttempt();
  sendOwn(made);
}

void Exchange::sendOwn(const SynthesizedResponse& made) {
  own_body_ = made.body.size();
  client_.sendHead(made.head(close_));
  client_.sendEnd(made.body, {});
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

// ---- attempts ---------------------------------------------------------

void Exchange::startAttempt() {
  state_ = State::Waiting;
  AttemptRequest plan;
  plan.head = &request_;
  plan.origin = origin_config_;
  plan.timeouts = grpc_ ? &grpc_->timeouts() : nullptr;
  plan.runtime = &generation_->shared->origins[origin_];
  plan.pool = pool_;
  plan.own_listeners = &generation_->own_listeners;
  plan.resolver = generation_->resolver.get();
  plan.redaction = &worker_.redaction();
  plan.forward = forwarding_.request();
  plan.balance_key = forwarding_.balanceKey();
  plan.session_endpoint = forwarding_.sessionEndpoint();
  if (origin_config_->send_proxy_protocol != SendProxyProtocol::Off && client_.facts().proxied) {
    plan.client = client_.facts().proxied();
  }
  plan.fresh = retries_.freshOnly();
  body_.wantCopy(triesLeft() || retries_.untouchedLeft());
  plan.body_here = body_.whole();
  record_.beginTry();
  attempt_ = std::make_unique<Attempt>(worker_, *this, plan);
  up_.join(client_, *attempt_);
  down_.join(*attempt_, client_);
  attempt_->start(retries_.tried());  // may fail at once
}

bool Exchange::canRepeat() const {
  return state_ == State::Waiting && !client_.facts().refused && !body_.incomplete() && retries_.untouchedLeft();
}

bool Exchange::triesLeft() const {
  return retries_.left(pool_->config()) && !client_.facts().refused;
}

void Exchange::onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) {
  const Diagnosis diagnosis = diagnosed(std::move(observation));
  const bool at_endpoint = record_.endTry(*attempt_, std::move(addresses), diagnosis);
  const std::size_t endpoint = attempt_->endpointIndex();
  if (at_endpoint) {
    if (diagnosis.cause == Cause::StaleConnection) {
      pool_->noteStale(endpoint, diagnosis.observation.connection.idle_ms);
    }
    reportFailure(worker_.sink, *pool_, endpoint, diagnosis, record_.clientAddress());
  }
  // Nothing is answered yet, and the whole body is still here.
  const bool repeatable = at_endpoint && state_ == State::Waiting && !client_.facts().refused && !body_.incomplete();
  if (repeatable && retries_.take(diagnosis, request_, *pool_, endpoint)) {
    record_.noteRetry();
    endAttempt();
    startAttempt();
    return;
  }
  conclude(diagnosis);
}

// It has not failed, or not by itself.
void Exchange::giveUpAttempt() {
  if (attempt_) {
    record_.closeTry(*attempt_);
  }
  endAttempt();
}

void Exchange::endAttempt() {
  if (login_) {
    login_->cancel();
  }
  up_.stop();
  down_.stop();
  if (attempt_) {
    attempt_->cancel();
    worker_.loop.deferDelete(std::move(attempt_));
  }
}

// ---- failing ----------------------------------------------------------

Diagnosis Exchange::diagnosed(Observation seen) const {
  seen.client_window = client_.closedWindow();
  return record_.diagnosed(std::move(seen));
}

// The first diagnosis is the exchange's; what comes later is a symptom of it.
void Exchange::conclude(Diagnosis diagnosis) {
  if (state_ == State::Finished) {
    return;
  }
  if (record_.diagnosis() != nullptr) {
    record_.noteLater(name(diagnosis.cause));
    if (state_ == State::Draining) {
      finish(Ending::Abandoned);
    }
    return;
  }
  record_.fail(std::move(diagnosis));
  exchange_timer_.cancel();
  const bool committed = state_ == State::Responding || state_ == State::Tunnel || state_ == State::Draining;
  if (committed) {
    if (endCall()) {
      return;
    }
    // What is sent stands.
    finish(record_.diagnosis()->blame == Blame::Client ? Ending::Abandoned : Ending::Broken);
    return;
  }
  const bool silent_call = grpc_ && record_.diagnosis()->cause == Cause::TunnelIdleTimeout;
  if ((record_.diagnosis()->sent_status == 0 && !silent_call) || !client_.takesAnswer()) {
    finish(Ending::Silent);
    return;
  }
  answerFailure();
}

void Exchange::onExchangeTimeout() {
  if (state_ == State::Finished || record_.diagnosis() != nullptr) {
    return;
  }
  const TimerFault fault{.timer = Timer::Exchange,
                         .limit_ms = static_cast<std::uint32_t>(origin_config_->timeouts.exchange.count()),
                         .elapsed_ms = record_.elapsedMs(),
                         .longest_phase = attempt_ ? attempt_->longestPhase() : Phase::Routing};
  fail(attempt_ ? attempt_->observe(Phase::Internal, fault) : Observation{.phase = Phase::Internal, .fault = fault});
}

void Exchange::onClientFault(Observation fault) {
  if (callOverdue(fault)) {
    return;
  }
  if (record_.diagnosis() == nullptr || state_ == State::Finished) {
    fault.elapsed_ms = record_.elapsedMs();
    if (attempt_) {
      fault.interrupted = interrupted();
      if (state_ == State::Waiting) {
        fault.connection = attempt_->observe(attempt_->phase(), EndFault{}).connection;
      }
    }
  }
  fail(std::move(fault));
}

// What the origin was at when the client failed us.
InterruptedFacts Exchange::interrupted() const {
  InterruptedFacts facts{.phase = attempt_->phase()};
  if (state_ == State::Waiting) {
    facts.waited_ms = attempt_->waitedMs();
    facts.limit_ms = static_cast<std::uint32_t>(origin_config_->timeouts.response_head.count());
  }
  return facts;
}

void Exchange::noteHalfClose() {
  half_close_ = {.at = EventLoop::now(), .phase = attempt_ ? attempt_->phase() : Phase::ClientRequest};
}

void Exchange::onDrainDeadline() {
  fail({.phase = Phase::Internal,
        .fault = DecisionFault{.cause = Cause::ProxyDraining, .detail = "drain.timeout", .size = {}, .limit = {}}});
}

}  // namespace gatewhy
