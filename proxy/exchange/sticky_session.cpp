// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/sticky_session.h"

#include "proxy/exchange/admission.h"
#include "proxy/exchange/sticky_tokens.h"

namespace gatewhy {

void StickySession::find(const RequestHead& request, const OriginConfig& origin, const OriginRuntime& runtime) {
  if (origin.sticky) {
    name_ = origin.sticky->cookie;
  }
  tokens_ = runtime.sticky.get();
  if (tokens_ != nullptr) {
    shown_ = cookieOf(request, name_);
    endpoint_ = tokens_->endpointOf(shown_).value_or(Balancer::kNone);
  }
}

std::string StickySession::setCookie(std::size_t endpoint, const RequestHead& request,
                                     const ClientFacts& client) const {
  if (tokens_ == nullptr) {
    return {};
  }
  const std::string& token = tokens_->tokenOf(endpoint);
  if (token.empty() || token == shown_) {
    return {};
  }
  return stickySetCookie(std::string(name_), token, cameOverTls(request, client));
}

}  // namespace gatewhy
