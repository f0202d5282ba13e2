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
  const auto& hosts = pool_->health().hosts();
  const auto endpoint = tokens->endpointOf(session_shown_);
  session_endpoint_ = endpoint && hosts[*endpoint].state != nullptr ? *endpoint : Balancer::kNone;
  for (std::size_t i = origin_config_->endpoints.size(); i < hosts.size() && !endpoint; ++i) {
    if (hosts[i].state != nullptr && tokens->isTokenOf(session_shown_, hosts[i].endpoint, hosts[i].address_text)) {
      session_endpoint_ = i;
      return;
    }
  }
}

// What the client is to be told of the endpoint that answers; "": it knows.
std::string Exchange::sessionCookie() const {
  const auto& tokens = generation_->shared->origins[origin_].sticky;
  if (tokens == nullptr || !attempt_ || !attempt_->endpointChosen()) {
    return {};
  }
  const OriginHost& host = pool_->health().host(attempt_->endpointIndex());
  const std::string token =
      host.address ? tokens->tokenOf(host.endpoint, host.address_text) : tokens->tokenOf(host.endpoint);
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
