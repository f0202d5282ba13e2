// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/exchange/client_address.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/rate_limiter.h"
#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

using Refusal = std::optional<DecisionFault>;
using AddressBytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kLongestQuote = 64;  // of what the client wrote

DecisionFault refuse(Cause cause, std::string detail = {}) {
  return DecisionFault{.cause = cause, .detail = std::move(detail), .size = {}, .limit = {}};
}

Refusal judgeClient(const RequestHead& request, const ClientFacts& client, const Config& config) {
  if (client.overloaded) {
    auto fault = refuse(Cause::ProxyOverloaded, "limits.connections");
    fault.limit = config.limits.connections;
    return fault;
  }
  if (!client.wants_certificate) {
    return std::nullopt;
  }
  if (!client.certificate.presented && client.requires_certificate) {
    return refuse(Cause::ClientCertificateMissing);
  }
  if (!client.certificate.problems.empty()) {
    const X509Problem& problem = client.certificate.problems.front();
    return refuse(Cause::ClientCertificateInvalid, problem.name + ", subject " + problem.subject);
  }
  if (!request.host.empty() && client.certificate_covers && !client.certificate_covers(request.host)) {
    return refuse(Cause::ClientMisdirected, request.host);
  }
  return std::nullopt;
}

Refusal judgeMessage(const RequestHead& request, const Config& config) {
  if (request.method == Method::Connect || request.method == Method::Trace) {
    return refuse(Cause::ClientMethodUnsupported, fmt::format("{} is never forwarded", request.methodToken()));
  }
  if (config.limits.request_body != 0 && request.body == BodyKind::Length &&
      request.content_length > config.limits.request_body) {
    auto fault = refuse(Cause::ClientBodyTooLarge);
    fault.size = request.content_length;
    fault.limit = config.limits.request_body;
    return fault;
  }
  if (passedHereBefore(request, config.diagnostics.name)) {
    return refuse(Cause::ProxyLoop,
                  fmt::format("'{}' (diagnostics.name) is in CDN-Loop or Via already", config.diagnostics.name));
  }
  return std::nullopt;
}

// ---- what a route demands -----------------------------------------------

bool hasEmptyRules(const RouteConfig& route) {
  const RouteRequirements& needs = route.requirements;
  return route.methods.empty() && route.clients.allow.empty() && route.clients.deny.empty() && !needs.tls &&
         needs.http_minor == 0 && !needs.content_length && !route.rate_limit && route.upgrade;
}

Refusal judgeAddress(const ClientRules& rules, const AddressBytes& address, std::string_view ip) {
  const auto covers = [&](const Cidr& block) { return block.contains(address); };
  const auto denied = std::find_if(rules.deny.begin(), rules.deny.end(), covers);
  if (denied != rules.deny.end()) {
    return refuse(Cause::RequestDenied, fmt::format("clients.deny {} is for {}", denied->text(), ip));
  }
  if (!rules.allow.empty() && std::none_of(rules.allow.begin(), rules.allow.end(), covers)) {
    return refuse(Cause::RequestDenied,
                  fmt::format("clients.allow is not for {}", ip.empty() ? "a client without address" : ip));
  }
  return std::nullopt;
}

bool cameOverTls(const RequestHead& request, const ClientFacts& client) {
  return client.tls || (client.trusted && equalsIgnoreCase(request.valueOf(FieldId::XForwardedProto), "https"));
}

Refusal judgeProtocol(const RequestHead& request, const RouteRequirements& needs, const ClientFacts& client) {
  if (needs.tls && !cameOverTls(request, client)) {
    return refuse(Cause::ClientUpgradeRequired, "requires.tls, the request came over plain HTTP");
  }
  if (request.version_minor < needs.http_minor) {
    return refuse(Cause::ClientUpgradeRequired, fmt::format("requires.http_version 1.{}, the request is HTTP/1.{}",
                                                            needs.http_minor, request.version_minor));
  }
  if (needs.content_length && request.body == BodyKind::Chunked) {
    return refuse(Cause::ClientLengthRequired, "requires.content_length, the body is chunked");
  }
  return std::nullopt;
}

Refusal judgeMethod(const RequestHead& request, const RouteConfig& route) {
  const auto& methods = route.methods;
  if (methods.empty() || std::find(methods.begin(), methods.end(), request.methodToken()) != methods.end()) {
    return std::nullopt;
  }
  return refuse(Cause::ClientMethodUnsupported,
                fmt::format("the route's methods do not list {}", request.methodToken().substr(0, kLongestQuote)));
}

Refusal judgeUpgrade(const RequestHead& request, const RouteConfig& route) {
  if (route.upgrade || route.respond || !forwardsUpgrade(request)) {
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

}  // namespace

Admission admit(const RequestHead& request, const ClientFacts& client, const Generation& generation, TimePoint now) {
  const Config& config = *generation.config;
  Admission made;
  const auto forwarded = client.trusted ? forwardedClient(request, config.trusted_proxies) : std::nullopt;
  if (forwarded) {
    made.forwarded_client = forwarded->ip();
  }
  if ((made.refusal = judgeClient(request, client, config))) {
    return made;
  }
  made.route = generation.router.match(request.host, request.path());
  if ((made.refusal = judgeMessage(request, config))) {
    return made;
  }
  const auto hops_left = request.maxForwards();
  made.options_end_here = hops_left && *hops_left == 0;
  if (made.route == nullptr) {
    if (made.options_end_here && request.path() == "*") {
      return made;  // about this hop, not about a resource
    }
    made.refusal = refuse(Cause::NoRoute);
    return made;
  }
  const RouteConfig& route = *made.route;
  if (hasEmptyRules(route)) {
    return made;
  }
  const AddressBytes address = forwarded ? forwarded->bytes() : client.address;
  const std::string_view ip = forwarded ? made.forwarded_client : client.ip;
  if ((made.refusal = judgeAddress(route.clients, address, ip)) ||
      (made.refusal = judgeProtocol(request, route.requirements, client)) ||
      (made.refusal = judgeMethod(request, route)) || (made.refusal = judgeUpgrade(request, route))) {
    return made;
  }
  const auto index = static_cast<std::size_t>(made.route - config.routes.data());
  made.refusal = judgeRate(generation.rate_limiters[index].get(), address, ip, now);
  return made;
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
