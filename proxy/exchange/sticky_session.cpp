// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/sticky_session.h"

#include "proxy/exchange/admission.h"
#include "proxy/exchange/sticky_tokens.h"

namespace gatewhy {

void StickySession::find(const RequestHead& request, const OriginConfig& origin, const OriginRuntime& runtime,
                         const OriginHealth& hosts) {
  if (origin.sticky) {
    name_ = origin.sticky->cookie;
  }
  tokens_ = runtime.sticky.get();
  if (tokens_ == nullptr) {
    return;
  }
  hosts_ = &hosts;
  shown_ = cookieOf(request, name_);
  if (const auto endpoint = tokens_->endpointOf(shown_)) {
    endpoint_ = hosts.hosts()[*endpoint].state != nullptr ? *endpoint : Balancer::kNone;
    return;
  }
  for (std::size_t i = origin.endpoints.size(); i < hosts.hosts().size(); ++i) {
    const OriginHost& host = hosts.host(i);
    if (host.state != nullptr && tokens_->isTokenOf(shown_, host.endpoint, host.address_text)) {
      endpoint_ = i;
      return;
    }
  }
}

std::string StickySession::setCookie(std::size_t host, const RequestHead& request, const ClientFacts& client) const {
  if (tokens_ == nullptr) {
    return {};
  }
  const OriginHost& of = hosts_->host(host);
  const std::string token = of.address ? tokens_->tokenOf(of.endpoint, of.address_text) : tokens_->tokenOf(of.endpoint);
  if (token.empty() || token == shown_) {
    return {};
  }
  return stickySetCookie(std::string(name_), token, cameOverTls(request, client));
}

}  // namespace gatewhy
