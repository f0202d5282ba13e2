// SPDX-License-Identifier: Apache-2.0
// A client's session with one endpoint of an origin (sticky): what its cookie
// says, and what it is to be told.
#pragma once

#include <string>
#include <string_view>

#include "proxy/exchange/generation.h"
#include "proxy/exchange/variables.h"
#include "proxy/origin/balance.h"
#include "proxy/origin/origin_health.h"

namespace gatewhy {

class StickySession {
 public:
  // Nothing, where clients do not stick to the origin. All of it outlives this.
  // A value that is forged, or of another origin, names no endpoint: it is as if
  // none had come, and the response replaces it.
  // `hosts`: the pool's.
  void find(const RequestHead& request, const OriginConfig& origin, const OriginRuntime& runtime,
            const OriginHealth& hosts);

  // The host that the client's cookie names; kNone.
  [[nodiscard]] std::size_t endpoint() const { return endpoint_; }
  // Of ours, not to be forwarded; "" = none.
  [[nodiscard]] std::string_view cookieName() const { return name_; }
  // The Set-Cookie of an answer from `host`; "" where the client knows.
  [[nodiscard]] std::string setCookie(std::size_t host, const RequestHead& request, const ClientFacts& client) const;

 private:
  const StickyTokens* tokens_ = nullptr;  // null: clients do not stick
  const OriginHealth* hosts_ = nullptr;
  std::string_view name_, shown_;
  std::size_t endpoint_ = Balancer::kNone;
};

}  // namespace gatewhy
