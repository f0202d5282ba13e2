// SPDX-License-Identifier: Apache-2.0
// The login of a route (auth.basic): between admission and whatever answers
// the request.
#include <fmt/format.h>

#include <utility>

#include "proxy/exchange/credentials.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/password_checker.h"

namespace gatewhy {

// True where the request may go on now. Else it is refused, or goes on in
// onLogin(), after its password has been hashed on another thread.
bool Exchange::authenticate(std::uint64_t client_key) {
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
    proceed();
  }
  if (state_ == State::Waiting) {
    client_.resumeBody();
  }
}

void Exchange::forgetLogin() {
  if (login_) {
    login_->exchange = nullptr;
    login_.reset();
  }
}

}  // namespace gatewhy
