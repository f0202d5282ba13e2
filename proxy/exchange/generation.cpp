// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/generation.h"

#include <algorithm>

#include "config/secrets_file.h"

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

void SharedStates::forgetUnused() {
  const auto unused = [](const auto& entry) { return entry.second.use_count() == 1; };
  std::erase_if(endpoints_, unused);
  std::erase_if(origins_, unused);
  tls_.beginGeneration();
}

void Generation::addVariants(const RouteConfig& route) {
  if (route.timeouts.empty() || route.respond) {
    return;
  }
  std::vector<std::size_t> indices{route.origin};
  for (const WeightedOrigin& share : route.origins) {
    indices.push_back(share.origin);
  }
  for (const std::size_t index : indices) {
    OriginConfig& variant = route_origins[{&route, index}];
    variant = config->origins[index];
    for (const auto& [field, value] : route.timeouts) {
      variant.timeouts.*field = value;
    }
  }
}

Result<std::vector<std::string>, std::string> SharedStates::secrets(const Config& config) {
  if (!config.secrets.file.empty()) {
    return readSecrets(config.secrets.file);
  }
  if (secret_.key.empty()) {
    secret_ = ownSecret(state_directory_, config.user, config.group);
  }
  if (secret_.key.empty()) {
    return Failure{secret_.problem};
  }
  return std::vector<std::string>{secret_.key};
}

std::optional<TlsFault> Generation::addSessions(SharedStates& states) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < config->origins.size(); ++i) {
    const OriginConfig& origin = config->origins[i];
    if (!origin.sticky) {
      continue;
    }
    if (keys.empty()) {
      auto read = states.secrets(*config);
      if (!read) {
        TlsFault fault{.failure = TlsFailure::Setup};
        fault.reason = read.error();
        fault.detail = "secrets.file";
        return fault;
      }
      keys = std::move(read).value();
    }
    origins[i].sticky = std::make_shared<const StickyTokens>(origin, keys);
  }
  return std::nullopt;
}

std::optional<TlsFault> Generation::addUsers() {
  std::map<std::string, std::shared_ptr<UserFile>> files;
  for (const RouteConfig& route : config->routes) {
    if (!route.basic_auth) {
      users.emplace_back();
      continue;
    }
    std::shared_ptr<UserFile>& file = files[route.basic_auth->users_file];
    if (!file) {
      auto loaded = UserFile::load(route.basic_auth->users_file);
      if (!loaded) {
        TlsFault fault{.failure = TlsFailure::Setup};
        fault.reason = loaded.error();
        fault.detail = "auth.basic.users_file";
        return fault;
      }
      file = std::move(loaded).value();
    }
    users.push_back(file);
  }
  return std::nullopt;
}

const OriginConfig& Generation::originFor(const RouteConfig& route, std::size_t origin) const {
  if (!route.timeouts.empty()) {
    if (const auto found = route_origins.find({&route, origin}); found != route_origins.end()) {
      return found->second;
    }
  }
  return config->origins[origin];
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
  states.forgetUnused();
  for (const OriginConfig& origin : made->config->origins) {
    OriginRuntime runtime;
    runtime.state = states.origin(origin.name);
    bool https = false;
    for (const EndpointConfig& endpoint : origin.endpoints) {
      runtime.endpoints.push_back(states.endpoint(origin.name, endpoint.url));
      https = https || endpoint.scheme == EndpointScheme::Https;
    }
    if (https) {
      OriginTlsContexts::Made made_tls = states.originTls(origin.tls);
      runtime.tls = std::move(made_tls.context);
      runtime.tls_setup_fault = std::move(made_tls.fault);
    }
    made->origins.push_back(std::move(runtime));
  }
  for (const RouteConfig& route : made->config->routes) {
    made->addVariants(route);
    made->rate_limiters.push_back(route.rate_limit ? states.rateLimiter(route.name, *route.rate_limit) : nullptr);
  }
  if (auto fault = made->addSessions(states)) {
    return Failure{std::move(*fault)};
  }
  if (auto fault = made->addUsers()) {
    return Failure{std::move(*fault)};
  }
  return GenerationPtr(std::move(made));
}

}  // namespace gatewhy
