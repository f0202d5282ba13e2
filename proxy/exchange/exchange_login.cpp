// SPDX-License-Identifier: Apache-2.0
// The login of a route (auth): between admission and whatever answers the
// request.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "proxy/exchange/admission.h"
#include "proxy/exchange/credentials.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/login_answer.h"
#include "proxy/exchange/password_checker.h"

namespace gatewhy {

// True where the request may go on now. Else it is refused, or goes on in
// onLogin(), after its password has been hashed on another thread, or in
// onLoginPassed(), after a login service has been asked.
bool Exchange::authenticate(std::uint64_t client_key) {
  if (route_->forward_auth) {
    askLoginService();
    return false;
  }
  if (!route_->basic_auth) {
    return true;
  }
  auto credentials = basicCredentials(request_);
  if (!credentials) {
    rejectLogin(credentials.error().cause, credentials.error().detail);
    return false;
  }
  const auto waiting = std::make_shared<WaitingLogin>(WaitingLogin{.exchange = this});
  const std::size_t index = generation_->shared->router.indexOf(*route_);
  // The loop outlives the checker's thread (PasswordChecker::stop), this may not.
  auto tell = [waiting, &loop = worker_.loop](PasswordChecker::Answer answer) {
    loop.post([waiting, answer] {
      if (waiting->exchange != nullptr) {
        waiting->exchange->onLogin(answer);
      }
    });
  };
  const auto answer = worker_.counters.passwords.ask({.users = generation_->shared->users[index]->table(),
                                                      .credentials = std::move(*credentials),
                                                      .client = client_key},
                                                     std::move(tell));
  if (!answer) {
    login_ = waiting;
    state_ = State::Waiting;
    return false;
  }
  return passes(*answer);
}

bool Exchange::passes(const PasswordChecker::Answer& answer) {
  switch (answer.verdict) {
    case PasswordChecker::Verdict::Right:
      return true;
    case PasswordChecker::Verdict::Wrong:
      rejectLogin(Cause::ClientCredentialsInvalid, "the user or the password is wrong");
      return false;
    case PasswordChecker::Verdict::Limited:
      rejectLogin(Cause::ClientLoginLimit, "too many failed logins from this address", answer.retry_after_s);
      return false;
    case PasswordChecker::Verdict::Busy:
      rejectLogin(Cause::LoginQueueFull, fmt::format("{} passwords wait to be checked", kLoginQueue));
      return false;
  }
  return false;
}

void Exchange::rejectLogin(Cause cause, std::string detail, std::uint32_t retry_after_s) {
  DecisionFault fault{.cause = cause, .detail = std::move(detail), .size = {}, .limit = {}};
  fault.retry_after_s = retry_after_s;
  reject(Observation{.phase = Phase::Routing, .fault = std::move(fault)});
}

void Exchange::onLogin(const PasswordChecker::Answer& answer) {
  forgetLogin();
  if (state_ != State::Waiting || diagnosis_) {
    return;  // the client left meanwhile, or we drain
  }
  state_ = State::Starting;
  if (passes(answer)) {
    goOn();
  }
}

// Outside the callback that brought the head: the client's reader has stopped.
void Exchange::goOn() {
  proceed();
  if (state_ == State::Waiting) {
    up_.resume();
  }
}

void Exchange::forgetLogin() {
  if (login_) {
    login_->exchange = nullptr;
    login_.reset();
  }
}

// ---- auth.forward -------------------------------------------------------

// The request's body waits: nothing of it is read before the origin is chosen.
void Exchange::askLoginService() {
  state_ = State::Waiting;
  const ClientFacts& client = client_.facts();
  const std::string_view forwarded_host =
      client.trusted ? nearestValue(request_, FieldId::XForwardedHost) : std::string_view();
  // A rewritten path is the origin's own affair.
  const bool as_sent = path_.empty() || route_->rewrite;
  login_request_ = std::make_unique<LoginRequest>(
      worker_, *this,
      LoginQuestion{
          .request = request_,
          .route = *route_,
          .generation = *generation_,
          .dropped = dropped_,
          .path = as_sent ? request_.path() : std::string_view(path_),
          .client_ip = client.ip,
          .scheme = client.tls ? "https" : "http",
          .believed_scheme = cameOverTls(request_, client) ? "https" : "http",
          .believed_host = forwarded_host.empty() ? request_.authority() : forwarded_host,
          .trusted = client.trusted,
          .request_id = identity_.requestId(),
          .traceparent = identity_.traceparent(),
          .balance_key = std::hash<std::string_view>{}(forwarded_client_.empty() ? client.ip : forwarded_client_)});
  login_request_->start();  // may fail at once
}

// False where the exchange has ended without it: the client left, or we drain.
bool Exchange::endLoginRequest() {
  if (!login_request_) {
    return false;
  }
  login_ms_ = login_request_->elapsedMs();
  login_request_->cancel();
  worker_.loop.deferDelete(std::move(login_request_));
  return state_ == State::Waiting && !diagnosis_;
}

void Exchange::onLoginPassed(LoginFields fields) {
  if (!endLoginRequest()) {
    return;
  }
  login_fields_ = std::move(fields);
  state_ = State::Starting;
  goOn();
}

void Exchange::addLoginFields() {
  if (login_fields_.empty()) {
    return;
  }
  if (!request_edits_) {
    request_edits_ = route_->request_headers;
  }
  auto& set = request_edits_->set;
  std::move(login_fields_.begin(), login_fields_.end(), std::back_inserter(set));
}

void Exchange::onLoginDenied(const LoginAnswer& answer, Observation seen) {
  if (!endLoginRequest()) {
    return;
  }
  diagnosis_ = std::make_unique<const Diagnosis>(diagnosed(std::move(seen)));
  generated_by_ = GeneratedBy::Proxy;
  status_ = answer.head.status;
  sendOwn(passOnLoginAnswer(answer, *diagnosis_, generation_->shared->config->diagnostics, *route_, variables()));
}

void Exchange::onLoginFailed(Observation seen) {
  if (endLoginRequest()) {
    conclude(diagnosed(std::move(seen)));
  }
}

}  // namespace gatewhy
