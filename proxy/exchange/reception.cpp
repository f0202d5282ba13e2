// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/reception.h"

#include <utility>

#include "proxy/exchange/admission.h"

namespace gatewhy {

// X-Request-ID and traceparent are believed from trusted proxies only.
void Reception::identify() {
  if (record_.identity.assigned()) {
    return;
  }
  const auto believed = [&](FieldId id) { return client_.trusted ? request_.valueOf(id) : std::string_view(); };
  record_.identity.assign(believed(FieldId::XRequestId), believed(FieldId::Traceparent), worker_.ids);
}

void Reception::begin() {
  identify();
  if (worker_.memory.isShort()) {
    short_of_memory_ = true;
    turnAway(Observation{.phase = Phase::Internal, .fault = memoryFault(worker_.memory.use())});
    return;
  }
  Admission admission = admit(request_, client_, *generation_.shared, record_.began(), record_.identity.requestId());
  record_.route = admission.route;
  record_.forwarded_client = std::move(admission.forwarded_client);
  forwarding_.forwardPath(std::move(admission.path));
  origin_ = admission.origin;
  record_.dropped = std::move(admission.dropped);
  if (!record_.dropped.empty()) {
    record_.check.requestFieldDropped();
  }
  if (admission.refusal) {
    turnAway(refusalSeen(std::move(*admission.refusal)));
    return;
  }
  options_end_here_ = admission.options_end_here;
  if (record_.route == nullptr || !Login::isWanted(*record_.route) || passesLogin(admission.client_key)) {
    state_ = State::Over;
    owner_.onAdmitted({}, false);  // the last word
  }
}

// True where the request may go on at once; else what comes of it is told, if
// it has not been.
bool Reception::passesLogin(std::uint64_t client_key) {
  state_ = State::LoggingIn;
  LoginObserver& self = *this;
  login_ = std::make_unique<Login>(worker_, self);
  return login_->begin(forwarding_.loginQuestion(generation_), client_key);
}

void Reception::cancel() {
  state_ = State::Over;
  if (login_) {
    login_->cancel();
  }
}

void Reception::turnAway(Observation seen) {
  state_ = State::Over;
  owner_.onTurnedAway(std::move(seen));  // the last word
}

void Reception::onLoginPassed(LoginFields fields) {
  state_ = State::Over;
  owner_.onAdmitted(std::move(fields), true);  // the last word
}

void Reception::onLoginDenied(const LoginAnswer& answer, Observation seen) {
  state_ = State::Over;
  owner_.onLoginDenied(answer, std::move(seen));  // the last word
}

}  // namespace gatewhy
