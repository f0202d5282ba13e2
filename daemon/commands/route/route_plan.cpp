// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/route/route_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "config/path_readings.h"
#include "config/url.h"
#include "daemon/request_text.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/router.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/exchange/upgrade.h"
#include "proxy/exchange/variables.h"
#include "proxy/http/h1_writer.h"
#include "proxy/net/address.h"

namespace gatewhy {
namespace {

struct Target {
  bool tls = false;
  std::optional<std::uint16_t> port;  // as written
  std::string authority, target;
};

Result<Target, std::string> targetOf(std::string_view url) {
  url = url.substr(0, url.find('#'));
  Target out;
  out.tls = url.starts_with("https://");
  if (!out.tls && !url.starts_with("http://")) {
    return Failure{fmt::format("'{}' is not a URL; write http://HOST/PATH or https://HOST/PATH", url)};
  }
  url.remove_prefix(out.tls ? 8 : 7);
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  out.authority = url.substr(0, end);
  out.target = url.substr(end);
  if (!out.target.starts_with('/')) {
    out.target.insert(0, 1, '/');
  }
  const auto place = splitHostPort(out.authority);
  if (!place) {
    return Failure{place.error()};
  }
  out.port = place->port;
  return out;
}

ListenerView viewOf(const ListenerConfig& listener, const Target& target) {
  ListenerView view{.address = listener.address,
                    .tls = listener.tls.has_value(),
                    .redirects_to_https = listener.redirect_to_https,
                    .why_not = {}};
  const auto address = Address::parse(listener.address);
  if (view.tls != target.tls) {
    view.why_not = view.tls ? "speaks TLS, the URL is http" : "speaks plain HTTP, the URL is https";
  } else if (target.port && address && address->family() != AF_UNIX && address->port() != *target.port) {
    view.why_not = fmt::format("port {}, the URL says {}", address->port(), *target.port);
  }
  return view;
}

std::string hostWords(const RouteConfig& route) {
  std::string words;
  for (const std::string& pattern : hostPatterns(route)) {
    words += words.empty() ? "" : " or ";
    words += pattern.starts_with("*.") ? "below " + pattern.substr(2) : "'" + pattern + "'";
  }
  return words;
}

std::string pathWords(const RouteConfig& route) {
  switch (route.path_match) {
    case PathMatch::Prefix:
      return fmt::format("is not below '{}'", route.path);
    case PathMatch::Exact:
      return fmt::format("is not '{}'", route.path);
    case PathMatch::Regex:
      return fmt::format("does not match '{}'", route.path);
  }
  return {};
}

std::string conditionWords(const std::vector<std::pair<std::string, std::string>>& conditions,
                           std::string_view between) {
  std::string words;
  for (const auto& [name, value] : conditions) {
    words += fmt::format("{}{}{}{}", words.empty() ? "" : ", ", name, between, value);
  }
  return words;
}

std::string whyNot(const RouteConfig& route, RouteFit fit, const RoutePlan& plan) {
  switch (fit) {
    case RouteFit::HostDiffers:
      return fmt::format("host differs: '{}' is not {}", plan.host, hostWords(route));
    case RouteFit::PathDiffers:
      return fmt::format("path differs: '{}' {}", plan.path, pathWords(route));
    case RouteFit::MethodDiffers:
      return fmt::format("match.methods does not list it: {}", fmt::join(route.match.methods, ", "));
    case RouteFit::HeaderDiffers:
      return "match.headers does not hold: " + conditionWords(route.match.headers, ": ");
    case RouteFit::QueryDiffers:
      return "match.query does not hold: " + conditionWords(route.match.query, "=");
    case RouteFit::CookieDiffers:
      return "match.cookies does not hold: " + conditionWords(route.match.cookies, "=");
    case RouteFit::Matches:
      if (plan.taken == &httpsRedirect()) {
        return "would match, but the listener redirects to https";
      }
      return plan.taken == nullptr ? "would match the path as it was sent" : "would match, but an earlier one is taken";
  }
  return {};
}

VariableSource sourceFor(const RequestHead& head, const RouteConfig& route, const ClientFacts& client,
                         const Admission& admission, std::string_view request_id) {
  const bool forwarded = !admission.forwarded_client.empty();
  return {.request = head,
          .client = client,
          .client_address = forwarded ? std::string_view(admission.forwarded_client) : std::string_view(client.ip),
          .forwarded = forwarded,
          .scheme = cameOverTls(head, client) ? "https" : "http",
          .request_id = request_id,
          .route = route.name,
          .origin = {},
          .status = route.respond ? route.respond->status : std::uint16_t{0},
          .cause = {}};
}

std::string headFor(const RequestHead& head, const RouteConfig& route, const Config& config, const ClientFacts& client,
                    const Admission& admission) {
  const OriginConfig& origin = config.origins[admission.origin];
  VariableSource source = sourceFor(head, route, client, admission, "<new>");
  source.origin = origin.name;
  HeaderEdits edits = expand(route.request_headers, source);
  if (route.forward_auth) {
    for (const std::string& name : route.forward_auth->response_headers) {
      edits.set.emplace_back(name, "<of the login service>");
    }
  }
  TextBuffer out;
  appendRequestHead(out, head,
                    ForwardContext{.hop_name = config.diagnostics.name,
                                   .client_ip = client.ip,
                                   .scheme = client.tls ? "https" : "http",
                                   .trusted_peer = client.trusted,
                                   .request_id = "<new>",
                                   .traceparent = "<new>",
                                   .edits = &edits,
                                   .dropped = admission.dropped,
                                   .path = admission.path,
                                   .route = &route,
                                   .endpoint = &origin.endpoints.front(),
                                   .upgrade = forwardsUpgrade(head)});
  return std::string(out.view());
}

// The fixed answer as the daemon writes it, but for what differs each time.
void planAnswer(RoutePlan& plan, const DiagnosticsConfig& diagnostics, const RequestHead& head,
                const ClientFacts& client, const Admission& admission) {
  const std::string any_id(32, '0');  // as long as those that the daemon makes
  const SynthesizedResponse made =
      synthesizeFixed(*plan.taken, diagnostics, sourceFor(head, *plan.taken, client, admission, any_id));
  plan.answer_body_size = made.body.size();
  writeAnswerHead(made.head(false), h1Framing(made.length, false), H1Connection::Unsaid,
                  [&plan](std::string_view piece) { plan.answer_head += piece; });
  const auto blur = [&](std::string_view name, std::string_view text) {
    const std::size_t at = plan.answer_head.find(fmt::format("\r\n{}: ", name));
    if (!isEdited(plan.taken->response_headers, name) && at != std::string::npos) {
      const std::size_t value = at + name.size() + 4;
      plan.answer_head.replace(value, plan.answer_head.find('\r', value) - value, text);
    }
  };
  blur("Date", "<now>");
  blur("X-Request-ID", "<new>");
}

// The operator's page that a browser gets; "" = the built-in one.
std::string pageFileFor(const PagesConfig& pages, const std::string& named, std::uint16_t status) {
  const OwnPage* page = named.empty() ? nullptr : pages.named(named);
  page = page == nullptr ? pages.forStatus(status) : page;
  return page == nullptr ? std::string() : page->file;
}

}  // namespace

Result<RoutePlan, std::string> planRoute(const ConfigPtr& config, const RouteQuestion& question) {
  const auto target = targetOf(question.url);
  if (!target) {
    return Failure{target.error()};
  }
  const auto client_address = Address::fromIp(question.client, 0);
  if (!client_address) {
    return Failure{fmt::format("--client '{}' is not an IP address", question.client)};
  }
  const bool connect = question.method == "CONNECT";
  const std::string authority =
      connect && !target->port ? target->authority + (target->tls ? ":443" : ":80") : target->authority;
  const auto head = requestHead(question.method, connect ? authority : target->target, authority, question.headers);
  if (!head) {
    return Failure{head.error()};
  }

  ClientFacts facts;
  facts.ip = client_address->ip();
  facts.address = client_address->bytes();
  facts.tls = target->tls;
  facts.trusted = std::any_of(config->trusted_proxies.begin(), config->trusted_proxies.end(),
                              [&](const Cidr& block) { return block.contains(facts.address); });

  for (const ListenerConfig& listener : config->listeners) {
    facts.redirects_to_https =
        facts.redirects_to_https || (listener.redirect_to_https && viewOf(listener, *target).why_not.empty());
  }

  // Certificates decide nothing here and need not be on this machine. The
  // copy's routes are the originals' by index.
  auto bare = std::make_shared<Config>(*config);
  for (ListenerConfig& listener : bare->listeners) {
    listener.tls.reset();
  }
  for (RouteConfig& route : bare->routes) {
    route.basic_auth.reset();  // likewise the files of users
  }
  SharedStates states;
  const auto generation = Generation::create(bare, states);
  if (!generation) {
    return Failure{generation.error().detail};
  }
  const Admission admission = admit(*head, facts, **generation, EventLoop::now(), "new");

  RoutePlan plan;
  plan.host = head->host;
  plan.path = head->path();
  for (const ListenerConfig& listener : config->listeners) {
    plan.listeners.push_back(viewOf(listener, *target));
  }
  if (admission.route == &httpsRedirect()) {
    plan.taken = admission.route;
  } else if (admission.route != nullptr) {
    plan.taken = &config->routes[(*generation)->router.indexOf(*admission.route)];
  }
  if (hasSeveralReadings(head->path())) {
    for (const std::string& text : readingsOf(head->path()).texts) {
      const RouteConfig* route = (*generation)->router.match({.host = head->host, .path = text, .request = &*head});
      plan.readings.push_back(
          {.path = text, .route = route == nullptr ? nullptr : &config->routes[(*generation)->router.indexOf(*route)]});
    }
  }
  const bool as_sent = admission.path.empty() || (plan.taken != nullptr && plan.taken->rewrite);
  const std::string comparable = comparablePath(as_sent ? head->path() : std::string_view(admission.path));
  for (const RouteConfig& route : config->routes) {
    const RouteFit fit = fitOf(route, {.host = head->host, .path = comparable, .request = &*head});
    const bool taken = &route == plan.taken;
    plan.routes.push_back(RouteView{.route = &route,
                                    .fits = fit == RouteFit::Matches,
                                    .taken = taken,
                                    .why = taken ? "" : whyNot(route, fit, plan)});
  }
  if (admission.refusal) {
    plan.refusal = diagnose(refusalSeen(*admission.refusal), config->diagnostics.policy);
    plan.page = pageFileFor(config->diagnostics.pages, "", plan.refusal->sent_status);
    if (plan.refusal->cause == Cause::ClientMethodUnsupported) {
      plan.allow = allowedMethods(admission.route);
    }
  } else if (admission.options_end_here && (plan.taken == nullptr || !plan.taken->respond)) {
    plan.options_end_here = true;
    plan.allow = allowedMethods(admission.route);
  } else if (plan.taken->respond) {
    if (!sendsNothing(plan.taken->respond->status)) {
      const FixedResponse& fixed = *plan.taken->respond;
      plan.page = fixed.body ? "" : pageFileFor(config->diagnostics.pages, fixed.page, fixed.status);
      planAnswer(plan, config->diagnostics, *head, facts, admission);
    }
  } else {
    plan.origin = admission.origin;
    plan.forwarded_head = headFor(*head, *plan.taken, *config, facts, admission);
  }
  return plan;
}

}  // namespace gatewhy
