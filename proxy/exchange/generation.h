// SPDX-License-Identifier: Apache-2.0
// One loaded configuration with everything derived from it that workers
// share. Immutable but for the ledger; every exchange keeps the one it began
// with alive.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "proxy/exchange/finding_ledger.h"
#include "proxy/exchange/own_secret.h"
#include "proxy/exchange/rate_limiter.h"
#include "proxy/exchange/router.h"
#include "proxy/exchange/sticky_tokens.h"
#include "proxy/exchange/user_file.h"
#include "proxy/net/origin_tls_contexts.h"
#include "proxy/net/tls_context.h"
#include "proxy/origin/endpoint_state.h"

namespace gatewhy {

struct OriginRuntime {
  std::shared_ptr<const OriginTlsContext> tls;  // null where no endpoint is https, or set-up failed
  std::optional<TlsFault> tls_setup_fault;      // reported by every exchange that needs TLS
  std::vector<std::shared_ptr<EndpointState>> endpoints;
  std::shared_ptr<OriginState> state;
  std::shared_ptr<const StickyTokens> sticky;  // null where clients do not stick
};

// What outlives generations, by "origin name\nendpoint URL" and origin name.
class SharedStates {
 public:
  [[nodiscard]] std::shared_ptr<EndpointState> endpoint(const std::string& origin, const std::string& url);
  [[nodiscard]] std::shared_ptr<OriginState> origin(const std::string& name);
  [[nodiscard]] OriginTlsContexts::Made originTls(const OriginTls& settings) { return tls_.of(settings); }
  // Drops what no generation uses any more.
  void forgetUnused();
  // Where a key of its own is kept, if it needs one; "" = it ends with the process.
  void keepSecretIn(std::string directory) { state_directory_ = std::move(directory); }
  // The keys to sign with; the error is a sentence. Reads the disk.
  [[nodiscard]] Result<std::vector<std::string>, std::string> secrets(const Config& config);
  // Why the key of its own is not kept; "" where it is, or is not needed.
  [[nodiscard]] const std::string& secretProblem() const { return secret_.problem; }
  // By route name; a new one where the limit has changed.
  [[nodiscard]] std::shared_ptr<RateLimiter> rateLimiter(const std::string& route, const RateLimitConfig& limit);

 private:
  std::map<std::string, std::shared_ptr<EndpointState>> endpoints_;
  std::map<std::string, std::shared_ptr<OriginState>> origins_;
  OriginTlsContexts tls_;
  std::string state_directory_;
  OwnSecret secret_;
  std::map<std::string, std::weak_ptr<RateLimiter>> rate_limiters_;  // they go with their last generation
};

struct Generation {
  ConfigPtr config;
  Router router;
  std::vector<std::shared_ptr<const ListenerTlsContext>> listener_tls;  // by listener; null = plain
  std::vector<OriginRuntime> origins;                                   // by origin
  std::vector<std::shared_ptr<RateLimiter>> rate_limiters;              // by route; null = no limit
  std::vector<std::shared_ptr<UserFile>> users;                         // by route; null = no auth.basic; routes share
  // An origin as a route wants it: with the route's timeouts where it has some.
  [[nodiscard]] const OriginConfig& originFor(const RouteConfig& route, std::size_t origin) const;
  std::map<std::pair<const RouteConfig*, std::size_t>, OriginConfig> route_origins;  // of routes with timeouts
  std::unique_ptr<FindingLedger> findings;                                           // thread-safe

  // A listener whose certificates do not load is an error, as is a file of
  // users; an origin whose
  // client certificate or CA does not is kept as evidence for its exchanges.
  [[nodiscard]] static Result<std::shared_ptr<const Generation>, TlsFault> create(ConfigPtr config,
                                                                                  SharedStates& states);

 private:
  void addVariants(const RouteConfig& route);
  [[nodiscard]] std::optional<TlsFault> addUsers();
  [[nodiscard]] std::optional<TlsFault> addSessions(SharedStates& states);
  explicit Generation(ConfigPtr c) : config(std::move(c)), router(config->routes) {}
};
using GenerationPtr = std::shared_ptr<const Generation>;

}  // namespace gatewhy
