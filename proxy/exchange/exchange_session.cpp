// SPDX-License-Identifier: Apache-2.0
// Which endpoint of its origin an exchange is for: that of the client's
// session, or the one that a hash chooses.
#include <functional>

#include "proxy/exchange/admission.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/sticky_tokens.h"
#include "proxy/exchange/variables.h"

namespace gatewhy {

// A value that is forged, or of another origin, names no endpoint: it is as if
// none had come, and the response replaces it.
void Exchange::findSession() {
  const auto& tokens = generation_->shared->origins[origin_].sticky;
  if (tokens == nullptr) {
    return;
  }
  session_shown_ = cookieOf(request_, origin_config_->sticky->cookie);
  session_endpoint_ = tokens->endpointOf(session_shown_).value_or(Balancer::kNone);
}

// What the client is to be told of the endpoint that answers; "": it knows.
std::string Exchange::sessionCookie() const {
  const auto& tokens = generation_->shared->origins[origin_].sticky;
  if (tokens == nullptr || !attempt_ || !attempt_->endpointChosen()) {
    return {};
  }
  const std::string& token = tokens->tokenOf(attempt_->endpointIndex());
  if (token.empty() || token == session_shown_) {
    return {};
  }
  return stickySetCookie(origin_config_->sticky->cookie, token, cameOverTls(request_, client_.facts()));
}

void Exchange::planSession(AttemptRequest& plan) const {
  plan.balance_key = balanceKey();
  plan.session_endpoint = session_endpoint_;
  if (origin_config_->sticky) {
    plan.forward.own_cookie = origin_config_->sticky->cookie;
  }
}

std::uint64_t Exchange::balanceKey() const {
  const std::hash<std::string_view> hash;
  if (origin_config_->hash_key) {
    if (const std::string key = expand(*origin_config_->hash_key, variables()); !key.empty()) {
      return hash(key);
    }
  }
  return hash(forwarded_client_.empty() ? std::string_view(client_.facts().ip) : std::string_view(forwarded_client_));
}

}  // namespace gatewhy
