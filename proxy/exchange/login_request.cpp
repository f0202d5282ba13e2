// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/login_request.h"

#include <fmt/format.h>

#include "diagnostics/classify.h"
#include "diagnostics/diagnosis.h"
#include "diagnostics/login_verdict.h"
#include "proxy/exchange/health_report.h"
#include "proxy/exchange/login_question.h"

namespace gatewhy {
namespace {

// Of the answer to a request that does not pass; each client that waits for
// one costs as much. Of one that passes nobody reads the body: what is longer
// than this costs the connection.
constexpr std::size_t kLongestBody = 64UL * 1024;

DecisionFault undecided(std::uint16_t status) {
  return DecisionFault{
      .cause = Cause::LoginServiceFailed, .detail = fmt::format("{} decides nothing", status), .size = {}, .limit = {}};
}

}  // namespace

LoginRequest::LoginRequest(WorkerContext& worker, LoginObserver& observer, const LoginQuestion& question)
    : worker_(worker),
      observer_(observer),
      config_(*question.route.forward_auth),
      generation_(question.generation),
      pool_(*generation_.pools[config_.origin]),
      head_(loginQuestionHead(question)),
      began_(worker.loop.turnTime()),
      exchange_timer_(worker.loop, [this] { onExchangeTimeout(); }) {
  route_.request_headers = loginQuestionEdits(question);
  const Config& config = *generation_.shared->config;
  plan_.head = &head_;
  plan_.origin = &config.origins[config_.origin];
  plan_.runtime = &generation_.shared->origins[config_.origin];
  plan_.pool = &pool_;
  plan_.own_listeners = &generation_.own_listeners;
  plan_.resolver = generation_.resolver.get();
  plan_.redaction = &config.log.redaction;
  plan_.forward = ForwardContext{.hop_name = config.diagnostics.name,
                                 .client_ip = question.client_ip,
                                 .scheme = question.scheme,
                                 .trusted_peer = question.trusted,
                                 .request_id = question.request_id,
                                 .traceparent = question.traceparent,
                                 .edits = &route_.request_headers,
                                 .dropped = {},
                                 .path = {},
                                 .route = &route_,
                                 .endpoint = nullptr,
                                 .upgrade = false};
  plan_.balance_key = question.balance_key;
  plan_.body_here = true;
}

LoginRequest::~LoginRequest() {
  cancel();
}

void LoginRequest::start() {
  pool_.earnRetry();
  exchange_timer_.arm(plan_.origin->timeouts.exchange);
  ask();
}

void LoginRequest::ask() {
  state_ = State::Asking;
  attempt_ = std::make_unique<Attempt>(worker_, *this, plan_);
  attempt_->start(tried_);  // may fail at once
}

void LoginRequest::endAttempt() {
  if (attempt_) {
    attempt_->cancel();
    worker_.loop.deferDelete(std::move(attempt_));
  }
}

void LoginRequest::cancel() {
  state_ = State::Done;
  exchange_timer_.cancel();
  endAttempt();
}

void LoginRequest::onResponseHead(const ResponseHead& head) {
  status_ = head.status;
  switch (loginVerdict(head.status)) {
    case LoginVerdict::Passes:
      state_ = State::Passing;
      fields_ = loginFields(config_, head);
      return;
    case LoginVerdict::Denied:
      state_ = State::Denying;
      answer_.head = head;  // the original goes with its connection
      return;
    case LoginVerdict::Failed:
      fail(attempt_->observe(Phase::ResponseHead, undecided(head.status)));
      return;
  }
}

void LoginRequest::onResponseData(std::string_view data) {
  body_size_ += data.size();
  if (state_ == State::Denying && body_size_ <= kLongestBody) {
    answer_.body.append(data);
  } else if (state_ == State::Denying) {
    fail(attempt_->observe(
        Phase::ResponseBody,
        DecisionFault{.cause = Cause::ResponseBodyTooLarge, .detail = {}, .size = body_size_, .limit = kLongestBody}));
  } else if (state_ == State::Passing && body_size_ > kLongestBody) {
    pass();
  }
}

void LoginRequest::onResponseEnd(const std::string& /*trailers*/, bool /*extra_data*/) {
  if (state_ == State::Passing) {
    pass();
    return;
  }
  Observation seen = aboutLogin(attempt_->observe(
      Phase::Routing, DecisionFault{.cause = Cause::LoginServiceDenied, .detail = {}, .size = {}, .limit = {}}));
  cancel();
  observer_.onLoginDenied(answer_, std::move(seen));  // the last word: we may be buried
}

// As a request to the origin would: who asks for logins is no worse a witness.
void LoginRequest::reportOnEndpoint(const Observation& seen) {
  if (!attempt_->endpointChosen()) {
    return;
  }
  const Config& config = *generation_.shared->config;
  Observation copy = seen;
  redactEvidence(copy, config.log.redaction);
  reportFailure(worker_.sink, pool_, attempt_->endpointIndex(), diagnose(std::move(copy), config.diagnostics.policy),
                plan_.forward.client_ip);
}

void LoginRequest::onAttemptFailed(Observation seen, std::vector<AddressFailure> /*addresses*/) {
  reportOnEndpoint(seen);
  if (mayAskAgain(seen)) {
    endAttempt();
    ask();
    return;
  }
  fail(std::move(seen));
}

// It is a GET without a body: asking again does no harm. A parked connection
// that turns out to be closed is no fault at all.
bool LoginRequest::mayAskAgain(const Observation& seen) {
  if (state_ != State::Asking) {
    return false;
  }
  const Cause cause = classify(seen);
  if (cause == Cause::StaleConnection) {
    plan_.fresh = true;
    return true;
  }
  if (info(cause).retry == Retry::Never || !attempt_->endpointChosen() ||
      tried_.size() >= plan_.origin->retry.attempts) {
    return false;
  }
  if (!pool_.hasAlternative(tried_, attempt_->endpointIndex()) || !pool_.spendRetry()) {
    return false;
  }
  tried_.push_back(attempt_->endpointIndex());
  return true;
}

void LoginRequest::onExchangeTimeout() {
  fail(attempt_->observe(Phase::Internal,
                         TimerFault{.timer = Timer::Exchange,
                                    .limit_ms = static_cast<std::uint32_t>(plan_.origin->timeouts.exchange.count()),
                                    .elapsed_ms = elapsedMs(),
                                    .longest_phase = attempt_->longestPhase()}));
}

void LoginRequest::pass() {
  cancel();
  observer_.onLoginPassed(std::move(fields_));  // the last word: we may be buried
}

void LoginRequest::fail(Observation seen) {
  seen = aboutLogin(std::move(seen));
  cancel();
  observer_.onLoginFailed(std::move(seen));  // the last word: we may be buried
}

Observation LoginRequest::aboutLogin(Observation seen) const {
  const std::string_view target(config_.target);
  seen.login =
      LoginFacts{.service = config_.endpoint.url + std::string(target.substr(0, target.find('?'))), .status = status_};
  return seen;
}

}  // namespace gatewhy
