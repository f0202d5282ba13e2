// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/exchange/client_address.h"
#include "proxy/exchange/dropped_fields.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/path_rewrite.h"
#include "proxy/exchange/rate_limiter.h"
#include "proxy/exchange/route_choice.h"
#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

using Refusal = std::optional<Fault>;
using AddressBytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kLongestQuote = 64;  // of what the client wrote

DecisionFault refuse(Cause cause, std::string detail = {}) {
  return DecisionFault{.cause = cause, .detail = std::move(detail), .size = {}, .limit = {}};
}

Refusal judgeClient(const RequestHead& request, const ClientFacts& client, const Config& config) {
  if (client.refused) {
    const bool one = *client.refused == Cause::ClientConnectionLimit;
    auto fault = refuse(*client.refused, one ? "limits.connections_per_client" : "limits.connections");
    fault.limit = one ? config.limits.connections_per_client : config.limits.connections;
    fault.retry_after_s = 1;  // as soon as one of the others ends
    return fault;
  }
  if (!client.wants_certificate) {
    return std::nullopt;
  }
  if (!client.certificate.presented && client.requires_certificate) {
    return refuse(Cause::ClientCertificateMissing);
  }
  if (!client.certificate.problems.empty()) {
    TlsFault refused{.failure = TlsFailure::Certificate};
    refused.problems = client.certificate.problems;
    return refused;
  }
  // Without a name in the handshake the certificate was a guess, and the client took it.
  const bool judged = client.wants_certificate ||
                      (!client.tls_session.server_name.empty() && request.host != client.tls_session.server_name);
  if (judged && !request.host.empty() && client.certificate_covers && !client.certificate_covers(request.host)) {
    return refuse(Cause::ClientMisdirected, request.host);
  }
  return std::nullopt;
}

Refusal judgeMessage(const RequestHead& request, const Config& config, const RouteConfig* route) {
  if (request.method == Method::Connect || request.method == Method::Trace) {
    return refuse(Cause::ClientMethodUnsupported, fmt::format("{} is never forwarded", request.methodToken()));
  }
  const std::uint64_t limit = bodyLimit(config, route);
  if (limit != 0 && request.body == BodyKind::Length && request.content_length > limit) {
    auto fault = refuse(Cause::ClientBodyTooLarge);
    fault.size = request.content_length;
    fault.limit = limit;
    return fault;
  }
  if (passedHereBefore(request, config.diagnostics.name)) {
    return refuse(Cause::ProxyLoop,
                  fmt::format("'{}' (diagnostics.name) is already in CDN-Loop or Via", config.diagnostics.name));
  }
  return std::nullopt;
}

// ---- what a route demands -----------------------------------------------

// A redirect to the host that was asked for needs one.
Refusal judgeRedirect(const RequestHead& request, const RouteConfig& route) {
  if (!request.host.empty() || !route.respond || !route.respond->location) {
    return std::nullopt;
  }
  const auto& parts = route.respond->location->parts();
  const auto is_host = [](const TemplatePart& part) { return part.variable == Variable::Host; };
  return std::any_of(parts.begin(), parts.end(), is_host)
             ? Refusal(refuse(Cause::ClientHostInvalid, "a redirect to {host}, and the request has no Host"))
             : std::nullopt;
}

bool hasEmptyRules(const RouteConfig& route) {
  const RouteRequirements& needs = route.requirements;
  return !route.method_decides && route.clients.allow.empty() && route.clients.deny.empty() && !needs.tls &&
         needs.http_minor == 0 && !needs.content_length && !route.rate_limit && route.upgrade;
}

Refusal judgeAddress(const ClientRules& rules, const AddressBytes& address, std::string_view ip) {
  const auto covers = [&](const Cidr& block) { return block.contains(address); };
  const auto denied = std::find_if(rules.deny.begin(), rules.deny.end(), covers);
  if (denied != rules.deny.end()) {
    return refuse(Cause::RequestDenied, fmt::format("clients.deny {} covers {}", denied->text(), ip));
  }
  if (!rules.allow.empty() && std::none_of(rules.allow.begin(), rules.allow.end(), covers)) {
    return refuse(Cause::RequestDenied,
                  fmt::format("clients.allow does not cover {}", ip.empty() ? "a client without an address" : ip));
  }
  return std::nullopt;
}

Refusal judgeProtocol(const RequestHead& request, const RouteRequirements& needs, const ClientFacts& client) {
  if (needs.tls && !cameOverTls(request, client)) {
    return refuse(Cause::ClientUpgradeRequired, "requires.tls, but the request came over plain HTTP");
  }
  if (request.version_minor < needs.http_minor) {
    return refuse(Cause::ClientUpgradeRequired, fmt::format("requires.http_version 1.{}, but the request is HTTP/1.{}",
                                                            needs.http_minor, request.version_minor));
  }
  if (needs.content_length && request.body == BodyKind::Chunked) {
    return refuse(Cause::ClientLengthRequired, "requires.content_length, but the body is chunked");
  }
  return std::nullopt;
}

Refusal judgeMethod(const RequestHead& request, const RouteConfig& route) {
  const auto& methods = route.methods;
  const std::string_view method = request.methodToken();
  if (!methods.empty() && std::find(methods.begin(), methods.end(), method) == methods.end()) {
    return refuse(Cause::ClientMethodUnsupported,
                  fmt::format("the route's methods do not list {}", method.substr(0, kLongestQuote)));
  }
  // Some frameworks take "delete" for DELETE, which may have a route of its own.
  const bool listed = !methods.empty() || !route.match.methods.empty();
  if (!listed && std::any_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
    return refuse(Cause::ClientMethodUnsupported, fmt::format("a route's match.methods decides, and servers do not "
                                                              "agree on what {} is: methods are case-sensitive",
                                                              method.substr(0, kLongestQuote)));
  }
  return std::nullopt;
}

Refusal judgeUpgrade(const RequestHead& request, const RouteConfig& route) {
  bool refused = false;
  if (route.respond) {
    refused = request.must_switch && route.respond->status / 100 == 2;
  } else if (forwardsUpgrade(request)) {
    refused = !route.upgrade;
  } else {
    refused = request.must_switch;  // else it passes without
  }
  if (!refused) {
    return std::nullopt;
  }
  return refuse(Cause::UpgradeNotAllowed,
                fmt::format("asked for {}", request.valueOf(FieldId::Upgrade).substr(0, kLongestQuote)));
}

Refusal judgeRate(RateLimiter* limiter, const AddressBytes& address, std::string_view ip, TimePoint now) {
  if (limiter == nullptr) {
    return std::nullopt;
  }
  const RateLimitConfig& limit = limiter->config();
  const bool by_client = limit.key == RateLimitKey::ClientAddress;
  const auto wait = limiter->take(by_client ? RateLimiter::keyOf(address) : 0, now);
  if (!wait) {
    return std::nullopt;
  }
  auto fault =
      refuse(Cause::RateLimited, fmt::format("rate_limit of {} in {} ms for {}", limit.requests, limit.per.count(),
                                             !by_client                               ? "the route"
                                             : ip.find(':') != std::string_view::npos ? fmt::format("the /64 of {}", ip)
                                                                                      : std::string(ip)));
  fault.retry_after_s = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(*wait).count());
  return fault;
}

// Where a CA looks for the answer to its challenge (RFC 8555 section 8.3): over
// plain HTTP, from a client that need not know the certificate.
bool isAcmeChallenge(std::string_view path) {
  return path.starts_with("/.well-known/acme-challenge/") && path.find_first_of("%;\\", 0) == std::string_view::npos &&
         path.find("..") == std::string_view::npos;
}

// A client stays with its origin: the choice is by its address.
std::size_t originFor(const RouteConfig& route, std::string_view client) {
  std::uint64_t total = 0;
  for (const WeightedOrigin& origin : route.origins) {
    total += origin.weight;
  }
  std::uint64_t place = std::hash<std::string_view>{}(client) % total;
  for (const WeightedOrigin& origin : route.origins) {
    if (place < origin.weight) {
      return origin.origin;
    }
    place -= origin.weight;
  }
  return route.origins.back().origin;
}

// Of the route that `made` has, where it rewrites the path.
Refusal rewriteTarget(Admission& made, const RequestHead& request, const ClientFacts& client, const Config& config,
                      std::string_view request_id) {
  const RouteConfig& route = *made.route;
  if (!route.rewrite || route.respond) {
    return std::nullopt;
  }
  const bool forwarded = !made.forwarded_client.empty();
  const VariableSource source{.request = request,
                              .client = client,
                              .client_address = forwarded ? made.forwarded_client : client.ip,
                              .forwarded = forwarded,
                              .scheme = cameOverTls(request, client) ? "https" : "http",
                              .request_id = request_id,
                              .route = route.name,
                              .origin = config.origins[made.origin].name,
                              .status = 0,
                              .cause = {}};
  RewrittenPath rewritten = rewritePath(route, made.path.empty() ? request.path() : made.path, source);
  if (!rewritten.complaint.empty()) {
    return refuse(Cause::ClientTargetAmbiguous, std::move(rewritten.complaint));
  }
  if (!rewritten.path.empty()) {
    made.path = std::move(rewritten.path);
  }
  return std::nullopt;
}

}  // namespace

bool cameOverTls(const RequestHead& request, const ClientFacts& client) {
  return client.tls || (client.trusted && equalsIgnoreCase(nearestValue(request, FieldId::XForwardedProto), "https"));
}

std::uint64_t bodyLimit(const Config& config, const RouteConfig* route) {
  return route != nullptr && route->request_body ? *route->request_body : config.limits.request_body;
}

const RouteConfig& httpsRedirect() {
  static const RouteConfig kRoute = [] {
    RouteConfig route;
    route.name = "redirect_to_https";
    route.respond =
        FixedResponse{.status = 308,
                      .retry_after = {},
                      .upgrade = {},
                      .location = TextTemplate::parse("https://{host}{uri}", TemplatePlace::Request).value()};
    return route;
  }();
  return kRoute;
}

Admission admit(const RequestHead& request, const ClientFacts& client, const Generation& generation, TimePoint now,
                std::string_view request_id) {
  const Config& config = *generation.config;
  Admission made;
  const auto forwarded = client.trusted ? forwardedClient(request, config.trusted_proxies) : std::nullopt;
  if (forwarded) {
    made.forwarded_client = forwarded->ip();
  }
  if ((made.refusal = judgeClient(request, client, config))) {
    return made;
  }
  if (client.redirects_to_https && !cameOverTls(request, client) && !isAcmeChallenge(request.path())) {
    made.route = &httpsRedirect();
    made.refusal = judgeMessage(request, config, made.route);
    if (!made.refusal) {
      made.refusal = judgeRedirect(request, *made.route);
    }
    return made;
  }
  RouteChoice choice = chooseRoute(
      generation.router, {.host = request.host, .path = request.path(), .request = &request}, config.limits.paths);
  made.route = choice.route;
  made.path = std::move(choice.path);
  if ((made.refusal = judgeMessage(request, config, made.route))) {
    return made;
  }
  const auto hops_left = request.maxForwards();
  made.options_end_here = hops_left && *hops_left == 0;
  if (made.route == nullptr) {
    if (made.options_end_here && request.path() == "*" && choice.ambiguity.empty()) {
      return made;  // about this hop, not about a resource
    }
    made.refusal = choice.ambiguity.empty() ? refuse(Cause::NoRoute)
                                            : refuse(Cause::ClientTargetAmbiguous, std::move(choice.ambiguity));
    return made;
  }
  const RouteConfig& route = *made.route;
  made.origin = route.origins.empty() ? route.origin : originFor(route, forwarded ? made.forwarded_client : client.ip);
  if ((made.refusal = rewriteTarget(made, request, client, config, request_id))) {
    return made;
  }
  if (!route.respond) {
    DroppedFields dropped = droppedFields(request, route, client.trusted, config.limits.underscores);
    made.dropped = std::move(dropped.indices);
    if (!dropped.refused.empty()) {
      made.refusal = refuse(Cause::ClientRequestMalformed,
                            fmt::format("limits.underscores: refuse, the field '{}'",
                                        std::string_view(dropped.refused).substr(0, kLongestQuote)));
      return made;
    }
  }
  if ((made.refusal = judgeRedirect(request, route))) {
    return made;
  }
  const AddressBytes address = forwarded ? forwarded->bytes() : client.address;
  made.client_key = RateLimiter::keyOf(address);
  if (hasEmptyRules(route)) {
    return made;
  }
  const std::string_view ip = forwarded ? made.forwarded_client : client.ip;
  if ((made.refusal = judgeAddress(route.clients, address, ip)) ||
      (made.refusal = judgeProtocol(request, route.requirements, client)) ||
      (made.refusal = judgeMethod(request, route)) || (made.refusal = judgeUpgrade(request, route))) {
    return made;
  }
  const std::size_t index = generation.router.indexOf(route);
  made.refusal = judgeRate(generation.rate_limiters[index].get(), address, ip, now);
  return made;
}

HeadLimits requestHeadLimits(const ClientLimits& limits) {
  return {.section = limits.request_head, .start_line = 0, .field = 0, .fields = limits.fields};
}

Observation refusalSeen(Fault refusal) {
  const auto* decision = std::get_if<DecisionFault>(&refusal);
  const Phase phase = decision != nullptr ? info(decision->cause).phase : Phase::ClientRequest;
  return {.phase = phase, .fault = std::move(refusal)};
}

DecisionFault memoryFault(const MemoryUse& use) {
  DecisionFault fault = refuse(Cause::ProxyMemoryExhausted, "more than 85 % of the memory limit is used");
  fault.size = use.used;
  fault.limit = use.limit;
  return fault;
}

std::string allowedMethods(const RouteConfig* route) {
  if (route == nullptr || route->methods.empty()) {
    return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";  // any but two tokens: the common ones stand for all
  }
  return fmt::format("{}", fmt::join(route->methods, ", "));
}

std::string demandedProtocols(const RouteConfig& route, const RequestHead& request, const ClientFacts& client) {
  return route.requirements.tls && !cameOverTls(request, client) ? "TLS/1.2, HTTP/1.1" : "HTTP/1.1";
}

}  // namespace gatewhy
