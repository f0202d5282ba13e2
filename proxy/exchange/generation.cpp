// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/generation.h"

#include <algorithm>

namespace gatewhy {

std::shared_ptr<EndpointState> SharedStates::endpoint(const std::string& origin, const std::string& url) {
  auto& slot = endpoints_[origin + '\n' + url];
  if (!slot) {
    slot = std::make_shared<EndpointState>();
  }
  return slot;
}

std::shared_ptr<OriginState> SharedStates::origin(const std::string& name) {
  auto& slot = origins_[name];
  if (!slot) {
    slot = std::make_shared<OriginState>();
  }
  return slot;
}

std::shared_ptr<RateLimiter> SharedStates::rateLimiter(const std::string& route, const RateLimitConfig& limit) {
  auto& slot = rate_limiters_[route];
  auto limiter = slot.lock();
  if (!limiter || limiter->config() != limit) {
    limiter = std::make_shared<RateLimiter>(limit);
    slot = limiter;
  }
  return limiter;
}

Result<GenerationPtr, TlsFault> Generation::create(ConfigPtr config, SharedStates& states) {
  std::shared_ptr<Generation> made(new Generation(std::move(config)));
  made->findings = std::make_unique<FindingLedger>(made->config->routes);
  for (const ListenerConfig& listener : made->config->listeners) {
    if (!listener.tls) {
      made->listener_tls.emplace_back();
      continue;
    }
    auto context = ListenerTlsContext::create(*listener.tls);
    if (!context) {
      return Failure{std::move(context).error()};
    }
    made->listener_tls.push_back(std::move(context).value());
  }
  for (const OriginConfig& origin : made->config->origins) {
    OriginRuntime runtime;
    runtime.state = states.origin(origin.name);
    bool https = false;
    for (const EndpointConfig& endpoint : origin.endpoints) {
      runtime.endpoints.push_back(states.endpoint(origin.name, endpoint.url));
      https = https || endpoint.scheme == EndpointScheme::Https;
    }
    if (https) {
      auto context = OriginTlsContext::create(origin.tls);
      if (context) {
        runtime.tls = std::move(context).value();
      } else {
        runtime.tls_setup_fault = std::move(context).error();
      }
    }
    made->origins.push_back(std::move(runtime));
  }
  for (const RouteConfig& route : made->config->routes) {
    made->rate_limiters.push_back(route.rate_limit ? states.rateLimiter(route.name, *route.rate_limit) : nullptr);
  }
  return GenerationPtr(std::move(made));
}

}  // namespace gatewhy
