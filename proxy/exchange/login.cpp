// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/login.h"

#include <fmt/format.h>

#include <utility>

#include "proxy/exchange/credentials.h"

namespace gatewhy {

bool Login::begin(const LoginQuestion& question, std::uint64_t client_key) {
  if (question.route.forward_auth) {
    state_ = State::Asking;
    LoginObserver& self = *this;
    request_ = std::make_unique<LoginRequest>(worker_, self, question);
    request_->start();  // may fail at once
    return false;
  }
  auto credentials = basicCredentials(question.request);
  if (!credentials) {
    fail(credentials.error().cause, credentials.error().detail);
    return false;
  }
  const auto waiting = std::make_shared<Waiting>(Waiting{.login = this});
  // The loop outlives the checker's thread (PasswordChecker::stop), this may not.
  auto tell = [waiting, &loop = worker_.loop](PasswordChecker::Answer answer) {
    loop.post([waiting, answer] {
      if (waiting->login != nullptr) {
        waiting->login->onHashed(answer);
      }
    });
  };
  const Generation& shared = *question.generation.shared;
  const auto answer =
      worker_.counters.passwords.ask({.users = shared.users[shared.router.indexOf(question.route)]->table(),
                                      .credentials = std::move(*credentials),
                                      .client = client_key},
                                     std::move(tell));
  if (!answer) {
    state_ = State::Hashing;
    waiting_ = waiting;
    return false;
  }
  state_ = State::Over;
  if (answer->verdict != PasswordChecker::Verdict::Right) {
    refuse(*answer);
    return false;
  }
  return true;
}

void Login::onHashed(const PasswordChecker::Answer& answer) {
  cancel();
  if (answer.verdict == PasswordChecker::Verdict::Right) {
    observer_.onLoginPassed({});
  } else {
    refuse(answer);
  }
}

void Login::refuse(const PasswordChecker::Answer& answer) {
  switch (answer.verdict) {
    case PasswordChecker::Verdict::Right:
      return;
    case PasswordChecker::Verdict::Wrong:
      fail(Cause::ClientCredentialsInvalid, "the user or the password is wrong");
      return;
    case PasswordChecker::Verdict::Limited:
      fail(Cause::ClientLoginLimit, "too many failed logins from this address", answer.retry_after_s);
      return;
    case PasswordChecker::Verdict::Busy:
      fail(Cause::LoginQueueFull, fmt::format("{} passwords wait to be checked", kLoginQueue));
      return;
  }
}

void Login::fail(Cause cause, std::string detail, std::uint32_t retry_after_s) {
  state_ = State::Over;
  DecisionFault fault{.cause = cause, .detail = std::move(detail), .size = {}, .limit = {}};
  fault.retry_after_s = retry_after_s;
  observer_.onLoginFailed(Observation{.phase = Phase::Routing, .fault = std::move(fault)});
}

void Login::cancel() {
  state_ = State::Over;
  if (waiting_) {
    waiting_->login = nullptr;
    waiting_.reset();
  }
  if (request_) {
    asked_ms_ = request_->elapsedMs();
    request_->cancel();
    worker_.loop.deferDelete(std::move(request_));
  }
}

void Login::onLoginPassed(LoginFields fields) {
  cancel();
  observer_.onLoginPassed(std::move(fields));
}

void Login::onLoginDenied(const LoginAnswer& answer, Observation seen) {
  cancel();  // the answer lives until the next turn
  observer_.onLoginDenied(answer, std::move(seen));
}

void Login::onLoginFailed(Observation seen) {
  cancel();
  observer_.onLoginFailed(std::move(seen));
}

}  // namespace gatewhy
