// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/retries.h"

#include <variant>

#include "proxy/origin/http1_required.h"

namespace gatewhy {
namespace {

constexpr std::uint8_t kMostRefused = 3;  // streams: an origin that is overloaded is not to be asked without end

// A try more is safe where nothing of the request reached the origin's HTTP,
// or where repeating it does no harm (RFC 9110 section 9.2.2).
bool doesNoHarm(const Diagnosis& why, const RequestHead& request) {
  switch (why.retry) {
    case Retry::Never:
      return false;
    case Retry::BeforeAnyByte:
      return true;
    case Retry::IdempotentOnly:
      return why.observation.bytes.request_written == 0 || isIdempotent(request.method, request.methodToken());
  }
  return false;
}

// The origin itself says, in HTTP/2, that it did nothing with the request.
bool isUntouched(const Diagnosis& why, const EndpointConfig& endpoint) {
  const Fault& fault = why.observation.fault;
  return why.retry == Retry::BeforeAnyByte && std::holds_alternative<StreamFault>(fault) &&
         !(requiresHttp1(fault) && endpoint.http != EndpointHttp::Negotiated);
}

}  // namespace

// A fresh connection to the endpoint that just failed would fail again, so that
// needs another endpoint; a stale one does not. Nor does a request that the
// origin left untouched: that is no failure which a budget has to keep from
// piling up.
bool Retries::take(const Diagnosis& why, const RequestHead& request, OriginPool& pool, std::size_t endpoint) {
  if (isUntouched(why, pool.config().endpoints[pool.health().host(endpoint).endpoint])) {
    const bool draining = std::get<StreamFault>(why.observation.fault).how == StreamFault::How::GoAway;
    if (!untouchedLeft() || (!draining && untouched_ >= kMostRefused)) {
      return false;
    }
    ++untouched_;
    return true;
  }
  const bool stale = why.cause == Cause::StaleConnection;
  if (!left(pool.config()) || !doesNoHarm(why, request) || !(stale || pool.hasAlternative(tried_, endpoint)) ||
      !pool.spendRetry()) {
    return false;
  }
  if (stale) {
    fresh_only_ = true;
  } else {
    tried_.push_back(endpoint);
  }
  return true;
}

bool Retries::mayFollow(const RequestHead& request, const OriginPool& pool, std::size_t endpoint, bool reused) const {
  return (reused && isIdempotent(request.method, request.methodToken())) || pool.hasAlternative(tried_, endpoint);
}

}  // namespace gatewhy
