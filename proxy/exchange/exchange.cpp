// SPDX-License-Identifier: Apache-2.0
// An exchange's way from a request head to its end. Relaying between the two
// sides is in exchange_relay.cpp.
#include "proxy/exchange/exchange.h"

#include <algorithm>

#include "diagnostics/peer_name.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/credentials.h"
#include "proxy/exchange/health_report.h"
#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kUnauthorized = 401;
constexpr int kUntouchedTries = 3;
constexpr int kRetryAfterSoon = 1;  // overload and full queues pass quickly

}  // namespace

Exchange::Exchange(WorkerContext& worker, ClientStream& client, const RequestHead& request)
    : worker_(worker),
      client_(client),
      request_(request),
      generation_(worker.generation),
      began_(worker.loop.turnTime()),
      timestamp_(std::chrono::system_clock::now()),
      check_(generation_->shared->config->diagnostics.lint),
      exchange_timer_(worker.loop, [this] { onExchangeTimeout(); }) {
  worker_.in_flight.add();
}

Exchange::~Exchange() {
  forgetLogin();
  worker_.in_flight.subtract();
}

// ---- beginning --------------------------------------------------------

// X-Request-ID and traceparent are believed from trusted proxies only.
void Exchange::identify() {
  const auto believed = [&](FieldId id) { return client_.facts().trusted ? request_.valueOf(id) : std::string_view(); };
  identity_.assign(believed(FieldId::XRequestId), believed(FieldId::Traceparent), worker_.ids);
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
  Admission admission = admit(request_, client_.facts(), *generation_->shared, began_, identity_.requestId());
  route_ = admission.route;
  forwarded_client_ = std::move(admission.forwarded_client);
  path_ = std::move(admission.path);
  origin_ = admission.origin;
  dropped_ = std::move(admission.dropped);
  if (!dropped_.empty()) {
    check_.requestFieldDropped();
  }
  if (admission.refusal) {
    reject(refusalSeen(std::move(*admission.refusal)));
    return;
  }
  options_end_here_ = admission.options_end_here;
  if (route_ == nullptr || authenticate(admission.client_key)) {
    proceed();
  }
}

void Exchange::proceed() {
  if (options_end_here_ && (route_ == nullptr || !route_->respond)) {
    respondOptions();
    return;
  }
  if (route_->respond) {
    respondFixed();
    return;
  }
  pool_ = generation_->pools[origin_].get();
  origin_config_ = &generation_->shared->originFor(*route_, origin_);
  pool_->earnRetry();
  tellUnsolicited();
  if (!route_->request_headers.templates.empty()) {
    request_edits_ = expand(route_->request_headers, variables());
  }
  addLoginFields();
  exchange_timer_.arm(origin_config_->timeouts.exchange);
  findSession();
  startAttempt();
}

void Exchange::reject(Observation fault) {
  if (!identity_.assigned()) {
    identify();
  }
  conclude(diagnosed(std::move(fault)));
}

VariableSource Exchange::variables() const {
  const ClientFacts& client = client_.facts();
  const bool forwarded = !forwarded_client_.empty();
  return {.request = request_,
          .client = client,
          .client_address = forwarded ? std::string_view(forwarded_client_) : std::string_view(client.ip),
          .forwarded = forwarded,
          .scheme = cameOverTls(request_, client) ? "https" : "http",
          .request_id = identity_.requestId(),
          .route = route_ == nullptr ? std::string_view() : std::string_view(route_->name),
          .origin = pool_ == nullptr ? std::string_view() : std::string_view(pool_->config().name),
          .status = 0,
          .cause = {}};
}

// Bytes that came while no request was under way belong to no exchange: the
// next one carries the finding, and the first time the log quotes them.
void Exchange::tellUnsolicited() {
  const auto news = pool_->takeUnsolicited();
  if (!news) {
    return;
  }
  FindingSet finding;
  finding.add(Finding::UnsolicitedBytes);
  check_.note(finding);
  if (!news->first) {
    return;
  }
  LifecycleEvent event;
  event.event = "message";
  event.severity = "WARN";
  event.message =
      "an origin sent bytes on an idle connection that no request had asked for; the connection was closed, and "
      "further cases are only counted";
  event.facts = {{.key = "cause", .text = std::string(name(Cause::ResponseUnsolicited)), .number = {}, .list = {}},
                 {.key = "origin", .text = pool_->config().name, .number = {}, .list = {}},
                 {.key = "endpoint", .text = news->endpoint, .number = {}, .list = {}},
                 {.key = "excerpt", .text = news->excerpt, .number = {}, .list = {}},
                 {.key = "peer_speaks", .text = std::string(identifyPeer(news->excerpt)), .number = {}, .list = {}}};
  worker_.sink.onLifecycle(event);
}

void Exchange::respondFixed() {
  generated_by_ = GeneratedBy::Proxy;
  status_ = route_->respond->status;
  if (sendsNothing(status_)) {
    finish(Ending::Silent);
    return;
  }
  sendOwn(synthesizeFixed(*route_, generation_->shared->config->diagnostics, variables()));
}

void Exchange::respondOptions() {
  generated_by_ = GeneratedBy::Proxy;
  const SynthesizedResponse made = synthesizeOptions(route_, allowedMethods(route_), variables());
  status_ = made.status;
  sendOwn(made);
}

void Exchange::sendOwn(const SynthesizedResponse& made) {
  own_body_ = made.body.size();
  length_ = made.length;
  client_.sendHead(made.head(close_));
  client_.sendEnd(made.body, {});
  if (state_ != State::Finished) {
    awaitDelivery();
  }
}

// ---- attempts ---------------------------------------------------------

void Exchange::startAttempt() {
  state_ = State::Waiting;
  const Config& config = *generation_->shared->config;
  const ClientFacts& client = client_.facts();
  AttemptRequest plan;
  plan.head = &request_;
  plan.origin = origin_config_;
  plan.runtime = &generation_->shared->origins[origin_];
  plan.pool = pool_;
  plan.own_listeners = &generation_->own_listeners;
  plan.resolver = generation_->resolver.get();
  plan.redaction = &config.log.redaction;
  plan.forward = ForwardContext{.hop_name = config.diagnostics.name,
                                .client_ip = client.ip,
                                .scheme = client.tls ? "https" : "http",
                                .trusted_peer = client.trusted,
                                .request_id = identity_.requestId(),
                                .traceparent = identity_.traceparent(),
                                .edits = request_edits_ ? &*request_edits_ : &route_->request_headers,
                                .dropped = dropped_,
                                .path = path_,
                                .route = route_,
                                .endpoint = nullptr,
                                .upgrade = forwardsUpgrade(request_)};
  planSession(plan);
  plan.fresh = fresh_only_;
  body_.wantCopy(triesLeft());
  plan.body_here = body_.whole();
  attempt_recorded_ = false;
  attempt_ = std::make_unique<Attempt>(worker_, *this, plan);
  up_.join(client_, *attempt_);
  down_.join(*attempt_, client_);
  attempt_->start(tried_);  // may fail at once
}

void Exchange::recordTry(std::string endpoint, std::string peer, bool reused, Timings timings,
                         std::optional<Diagnosis> diagnosis) {
  tries_.push_back(TryRecord{.endpoint = std::move(endpoint),
                             .peer_address = std::move(peer),
                             .connection_reused = reused,
                             .timings = timings,
                             .diagnosis = std::move(diagnosis)});
}

void Exchange::onAttemptFailed(Observation observation, std::vector<AddressFailure> addresses) {
  for (AddressFailure& address : addresses) {
    std::string endpoint = address.observation.connection.endpoint;
    recordTry(std::move(endpoint), std::move(address.peer_address), false, address.timings,
              diagnosed(std::move(address.observation)));
  }
  const Diagnosis diagnosis = diagnosed(std::move(observation));
  attempt_recorded_ = true;
  if (attempt_->endpointChosen()) {
    recordTry(std::string(attempt_->endpointUrl()), diagnosis.observation.connection.peer_address, attempt_->reused(),
              attempt_->timings(), diagnosis);
    if (diagnosis.cause == Cause::StaleConnection) {
      pool_->noteStale(attempt_->endpointIndex(), diagnosis.observation.connection.idle_ms);
    }
    reportFailure(worker_.sink, *pool_, attempt_->endpointIndex(), diagnosis,
                  forwarded_client_.empty() ? client_.facts().ip : forwarded_client_);
  }
  if (mayRetry(diagnosis, *pool_) && (untouched(diagnosis) || pool_->spendRetry())) {
    tries_.back().retried = true;  // mayRetry() wants a chosen endpoint
    if (untouched(diagnosis)) {
      ++untouched_tries_;
    } else if (diagnosis.cause == Cause::StaleConnection) {
      fresh_only_ = true;
    } else {
      tried_.push_back(attempt_->endpointIndex());
    }
    endAttempt();
    startAttempt();
    return;
  }
  conclude(diagnosis);
}

// A try more is safe where nothing of the request reached the origin's HTTP,
// or where repeating it does no harm (RFC 9110 section 9.2.2) and the whole
// body is still here. A fresh connection to the endpoint that just failed
// would fail again, so that needs another endpoint; a stale one does not.
bool Exchange::mayRetry(const Diagnosis& diagnosis, const OriginPool& pool) const {
  const bool committed = state_ != State::Waiting;
  if (committed || body_.incomplete()) {
    return false;
  }
  if (untouched(diagnosis)) {
    return untouched_tries_ < kUntouchedTries && !client_.facts().refused;
  }
  if (!triesLeft()) {
    return false;
  }
  const Observation& seen = diagnosis.observation;
  const bool unsent = seen.bytes.request_written == 0;
  switch (diagnosis.retry) {
    case Retry::Never:
      return false;
    case Retry::BeforeAnyByte:
      break;
    case Retry::IdempotentOnly:
      if (!unsent && !isIdempotent(request_.method, request_.methodToken())) {
        return false;
      }
      break;
  }
  if (diagnosis.cause == Cause::StaleConnection) {
    return true;
  }
  std::vector<std::size_t> tried = tried_;
  tried.push_back(attempt_->endpointIndex());
  return attempt_->endpointChosen() && pool.hasAlternative(tried);
}

// The origin itself says, in HTTP/2, that it did nothing with the request. That
// is no failure which a budget would have to keep from piling up, and another
// connection to the same endpoint will do.
bool Exchange::untouched(const Diagnosis& diagnosis) const {
  return diagnosis.retry == Retry::BeforeAnyByte && std::holds_alternative<StreamFault>(diagnosis.observation.fault) &&
         attempt_->endpointChosen() && !attempt_->insistsOnHttp2(diagnosis.observation.fault);
}

bool Exchange::canRepeat() const {
  return state_ == State::Waiting && !body_.incomplete() && untouched_tries_ < kUntouchedTries;
}

bool Exchange::triesLeft() const {
  const std::size_t used = tried_.size() + (fresh_only_ ? 1 : 0);
  return used < pool_->config().retry.attempts && !client_.facts().refused;
}

void Exchange::endAttempt() {
  [[maybe_unused]] const bool asked = endLoginRequest();
  if (attempt_) {
    up_.stop();
    down_.stop();
    attempt_->cancel();
    worker_.loop.deferDelete(std::move(attempt_));
  }
}

// ---- failing ----------------------------------------------------------

Diagnosis Exchange::diagnosed(Observation observation) const {
  redactEvidence(observation, generation_->shared->config->log.redaction);
  return diagnose(std::move(observation), generation_->shared->config->diagnostics.policy);
}

// The first diagnosis is the exchange's; what comes later is a symptom of it.
void Exchange::conclude(Diagnosis diagnosis) {
  if (state_ == State::Finished) {
    return;
  }
  if (diagnosis_) {
    noteLater(name(diagnosis.cause));
    if (state_ == State::Draining) {
      finish(Ending::Abandoned);
    }
    return;
  }
  diagnosis_ = std::make_unique<const Diagnosis>(std::move(diagnosis));
  exchange_timer_.cancel();
  const bool committed = state_ == State::Responding || state_ == State::Tunnel || state_ == State::Draining;
  if (committed) {
    finish(diagnosis_->blame == Blame::Client ? Ending::Abandoned : Ending::Broken);  // what is sent stands
    return;
  }
  if (diagnosis_->sent_status == 0 || !client_.takesAnswer()) {
    finish(Ending::Silent);
    return;
  }
  answerFailure();
}

void Exchange::noteLater(std::string_view what) {
  later_.push_back(Symptom{.what = std::string(what), .at_ms = millisBetween(began_, EventLoop::now())});
}

void Exchange::answerFailure() {
  generated_by_ = GeneratedBy::Proxy;
  status_ = diagnosis_->sent_status;
  warnBehindCloudflare();
  const SynthesizedResponse made = synthesizeFailure(*diagnosis_, generation_->shared->config->diagnostics, route_,
                                                     variables(), origin_status_, failureFields());
  closeTries();
  endAttempt();
  sendOwn(made);
}

// Said once: which of the two wrote a 52x is what an operator will ask.
void Exchange::warnBehindCloudflare() {
  if (!looksLikeCloudflares(status_) || request_.find(FieldId::CfRay) == nullptr ||
      worker_.counters.told_of_cloudflare.exchange(true, std::memory_order_relaxed)) {
    return;
  }
  LifecycleEvent event;
  event.event = "message";
  event.severity = "WARN";
  event.message =
      "requests come through Cloudflare (CF-Ray), whose own 520 to 526 look the same as ours; set "
      "diagnostics.profile: standard";
  event.facts = {{.key = "request_id", .text = std::string(identity_.requestId()), .number = {}, .list = {}},
                 {.key = "cause", .text = std::string(name(diagnosis_->cause)), .number = {}, .list = {}},
                 {.key = "status", .text = {}, .number = static_cast<double>(status_), .list = {}}};
  worker_.sink.onLifecycle(event);
}

FailureFields Exchange::failureFields() const {
  FailureFields fields;
  if (diagnosis_->cause == Cause::ClientMethodUnsupported) {
    fields.allow = allowedMethods(route_);
  } else if (diagnosis_->cause == Cause::ClientUpgradeRequired && route_ != nullptr) {
    fields.upgrade = demandedProtocols(*route_, request_, client_.facts());
  }
  if (diagnosis_->sent_status == kUnauthorized && route_ != nullptr && route_->basic_auth) {
    fields.challenge = basicChallenge(route_->basic_auth->realm);
  }
  fields.retry_after_s = retryAfterSeconds();
  return fields;
}

int Exchange::retryAfterSeconds() const {
  const auto* decision = std::get_if<DecisionFault>(&diagnosis_->observation.fault);
  if (decision != nullptr && decision->retry_after_s != 0) {
    return static_cast<int>(decision->retry_after_s);
  }
  if (!asksToComeBack(*diagnosis_)) {
    return 0;
  }
  return kRetryAfterSoon;
}

void Exchange::onExchangeTimeout() {
  if (state_ == State::Finished || diagnosis_) {
    return;
  }
  const TimerFault fault{.timer = Timer::Exchange,
                         .limit_ms = static_cast<std::uint32_t>(origin_config_->timeouts.exchange.count()),
                         .elapsed_ms = millisBetween(began_, EventLoop::now()),
                         .longest_phase = attempt_ ? attempt_->longestPhase() : Phase::Routing};
  conclude(diagnosed(attempt_ ? attempt_->observe(Phase::Internal, fault)
                              : Observation{.phase = Phase::Internal, .fault = fault}));
}

void Exchange::onClientFault(Observation fault) {
  if (diagnosis_ && state_ != State::Finished) {
    conclude(diagnosed(std::move(fault)));
    return;
  }
  fault.elapsed_ms = millisBetween(began_, EventLoop::now());
  if (attempt_) {
    fault.interrupted = interrupted();
    if (state_ == State::Waiting) {
      fault.connection = attempt_->observe(attempt_->phase(), EndFault{}).connection;
    }
  }
  conclude(diagnosed(std::move(fault)));
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
  half_closed_at_ = EventLoop::now();
  half_closed_phase_ = attempt_ ? attempt_->phase() : Phase::ClientRequest;
}

void Exchange::onDrainDeadline() {
  conclude(diagnosed(Observation{
      .phase = Phase::Internal,
      .fault = DecisionFault{.cause = Cause::ProxyDraining, .detail = "drain.timeout", .size = {}, .limit = {}}}));
}

}  // namespace gatewhy
