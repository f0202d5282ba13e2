// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/route/route.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/load_unchecked.h"
#include "config/units.h"
#include "daemon/commands/route/route_plan.h"
#include "daemon/commands/text_style.h"
#include "daemon/exit_status.h"

namespace gatewhy {
namespace {

constexpr std::size_t kRouteColumn = 15;

std::string_view name(Balance balance) {
  switch (balance) {
    case Balance::RoundRobin:
      return "round_robin";
    case Balance::LeastRequests:
      return "least_requests";
    case Balance::RandomTwo:
      return "random_two";
    case Balance::Hash:
      return "hash";
  }
  return {};
}

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

void appendEdits(std::string& out, std::string_view label, const HeaderEdits& edits, const TextStyle& style) {
  for (const auto& [field, value] : edits.set) {
    appendWrapped(out, label, fmt::format("set {}: {}", field, value), kRouteColumn, style);
  }
  if (!edits.remove.empty()) {
    appendWrapped(out, label, "remove " + join(edits.remove), kRouteColumn, style);
  }
}

void appendHead(std::string& out, std::string_view title, const std::string& head, const TextStyle& style) {
  out += "\n" + paint(title, Ink::Bold, style) + "\n";
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line) && line != "\r";) {
    line.pop_back();
    appendWrapped(out, "", harmless(line), 2, style);
  }
}

void appendRoutes(std::string& out, const RoutePlan& plan, const TextStyle& style) {
  out += "\n" + paint("Routes", Ink::Bold, style) + " (first match wins)\n";
  std::size_t column = 0;
  for (const RouteView& view : plan.routes) {
    column = std::max(column, view.route->name.size());
  }
  column = std::min<std::size_t>(column, 30) + 7;
  for (std::size_t i = 0; i < plan.routes.size(); ++i) {
    const RouteView& view = plan.routes[i];
    const std::string label = fmt::format("{:>3}  {} ", i + 1, view.route->name);
    if (view.taken) {
      out += paint(fitted(label, std::max(column, columnsOf(label)), style) + "taken", Ink::Green, style) + "\n";
    } else {
      appendWrapped(out, label, view.why, column, style);
    }
  }
}

void appendReadings(std::string& out, const RoutePlan& plan, const TextStyle& style) {
  if (plan.readings.empty()) {
    return;
  }
  out += "\n" + paint("Readings", Ink::Bold, style) + " (servers may read the path as any of these)\n";
  constexpr std::size_t kMostShown = 20;
  for (std::size_t i = 0; i < std::min(plan.readings.size(), kMostShown); ++i) {
    const RoutePlan::Reading& reading = plan.readings[i];
    const std::string route = reading.route == nullptr ? "no route" : "route " + reading.route->name;
    appendWrapped(out, "", fmt::format("{}  {}", harmless(reading.path), route), 2, style);
  }
  if (plan.readings.size() > kMostShown) {
    appendWrapped(out, "", fmt::format("and {} more", plan.readings.size() - kMostShown), 2, style);
  }
}

void appendLogin(std::string& out, const RouteConfig& route, const Config& config, const TextStyle& style) {
  if (const auto& basic = route.basic_auth) {
    appendWrapped(out, "Login", fmt::format("with {}, realm \"{}\"; otherwise 401", basic->users_file, basic->realm),
                  kRouteColumn, style);
  }
  const auto& forward = route.forward_auth;
  if (!forward) {
    return;
  }
  appendWrapped(out, "Login", fmt::format("asks {}; what it answers but 2xx is the client's answer", forward->url),
                kRouteColumn, style);
  if (const OriginConfig& origin = config.origins[forward->origin]; !origin.implied) {
    appendWrapped(out, "  settings", "of the origin " + origin.name, kRouteColumn, style);
  }
  if (!forward->response_headers.empty()) {
    appendWrapped(out, "  says", join(forward->response_headers), kRouteColumn, style);
  }
}

// Of browsers: other clients get the status in their own form.
void appendOwnPage(std::string& out, const RoutePlan& plan, const TextStyle& style) {
  if (!plan.page.empty()) {
    appendWrapped(out, "  page", plan.page + ", for clients that ask for HTML", kRouteColumn, style);
  }
}

void appendDestination(std::string& out, const RoutePlan& plan, const Config& config, const TextStyle& style) {
  out += "\n";
  if (plan.refusal) {
    const Diagnosis& refusal = *plan.refusal;
    appendWrapped(out, "Refused here",
                  fmt::format("{} ({}): {}", refusal.sent_status, gatewhy::name(refusal.cause), refusal.summary),
                  kRouteColumn, style);
    if (!plan.allow.empty()) {
      appendWrapped(out, "", "Allow: " + plan.allow, kRouteColumn, style);
    }
    appendOwnPage(out, plan, style);
    appendWrapped(out, "  check first", info(refusal.cause).check_first, kRouteColumn, style);
    return;
  }
  if (plan.options_end_here) {
    appendWrapped(out, "Answered here", "200, because Max-Forwards is 0; Allow: " + plan.allow, kRouteColumn, style);
    return;
  }
  const RouteConfig& route = *plan.taken;
  appendLogin(out, route, config, style);
  if (route.respond) {
    if (plan.answer_head.empty()) {
      appendWrapped(out, "Answered here", "the connection is closed without an answer", kRouteColumn, style);
      return;
    }
    appendWrapped(out, "Answered here", fmt::format("a fixed answer: {}", route.respond->status), kRouteColumn, style);
    appendOwnPage(out, plan, style);
    appendHead(out, "The client gets", plan.answer_head, style);
    appendWrapped(out, "", fmt::format("and a body of {} bytes", plan.answer_body_size), 2, style);
    return;
  }
  const OriginConfig& origin = config.origins[plan.origin];
  appendWrapped(out, "Origin", fmt::format("{} ({})", origin.name, name(origin.balance)), kRouteColumn, style);
  for (const WeightedOrigin& share : route.origins) {
    appendWrapped(out, "  of", fmt::format("{}  weight {}", config.origins[share.origin].name, share.weight),
                  kRouteColumn, style);
  }
  for (const EndpointConfig& endpoint : origin.endpoints) {
    appendWrapped(
        out, "  endpoint",
        fmt::format("{}{}{}", endpoint.url, endpoint.weight == 1 ? "" : fmt::format("  weight {}", endpoint.weight),
                    endpoint.backup ? "  backup" : ""),
        kRouteColumn, style);
  }
  if (route.rate_limit) {
    appendWrapped(out, "Rate limit",
                  fmt::format("{} in {} for each {}; more get 429", route.rate_limit->requests,
                              formatDuration(route.rate_limit->per),
                              route.rate_limit->key == RateLimitKey::ClientAddress ? "client" : "route"),
                  kRouteColumn, style);
  }
  appendHead(out, "The origin gets", plan.forwarded_head, style);
  if (!route.response_headers.empty()) {
    out += "\n" + paint("The answer", Ink::Bold, style) + "\n";
    appendEdits(out, "  header", route.response_headers, style);
  }
}

std::string textOf(const RoutePlan& plan, const RouteOptions& options, const Config& config, const TextStyle& style) {
  std::string out = paint(fmt::format("{} {}", harmless(options.method), harmless(options.url)), Ink::Bold, style);
  out += fmt::format("\nhost '{}', path '{}', client {}\n\n", harmless(plan.host), harmless(plan.path), options.client);
  for (const ListenerView& listener : plan.listeners) {
    const std::string text = fmt::format("{} ({}{}){}", listener.address, listener.tls ? "https" : "http",
                                         listener.redirects_to_https ? ", redirects to https" : "",
                                         listener.why_not.empty() ? "" : "  no: " + listener.why_not);
    appendWrapped(out, "Listener", text, kRouteColumn, style);
  }
  appendReadings(out, plan, style);
  appendRoutes(out, plan, style);
  appendDestination(out, plan, config, style);
  return out;
}

// The fixed answer: what it says in its fields, by name.
nlohmann::ordered_json answerJson(const RoutePlan& plan) {
  nlohmann::ordered_json out{{"status", plan.taken->respond->status}};
  if (plan.answer_head.empty()) {
    return out;
  }
  out["fields"] = nlohmann::ordered_json::object();
  std::istringstream lines(plan.answer_head);
  std::string line;
  std::getline(lines, line);  // the status line
  while (std::getline(lines, line) && line != "\r") {
    const std::size_t colon = line.find(": ");
    out["fields"][line.substr(0, colon)] = line.substr(colon + 2, line.size() - colon - 3);
  }
  out["body_bytes"] = plan.answer_body_size;
  return out;
}

nlohmann::ordered_json loginJson(const RouteConfig& route, const Config& config) {
  if (const auto& basic = route.basic_auth) {
    return {{"basic", {{"users_file", basic->users_file}, {"realm", basic->realm}}}};
  }
  const ForwardAuthConfig& forward = *route.forward_auth;
  return {{"forward",
           {{"url", forward.url},
            {"origin", config.origins[forward.origin].name},
            {"request_headers", forward.request_headers},
            {"response_headers", forward.response_headers}}}};
}

nlohmann::ordered_json originJson(const RoutePlan& plan, const Config& config) {
  const OriginConfig& origin = config.origins[plan.origin];
  nlohmann::ordered_json out{{"origin", origin.name}};
  for (const WeightedOrigin& share : plan.taken->origins) {
    out["origins"].push_back({{"name", config.origins[share.origin].name}, {"weight", share.weight}});
  }
  out["balance"] = name(origin.balance);
  for (const EndpointConfig& endpoint : origin.endpoints) {
    out["endpoints"].push_back({{"url", endpoint.url}, {"weight", endpoint.weight}, {"backup", endpoint.backup}});
  }
  out["forwarded_head"] = plan.forwarded_head;
  return out;
}

std::string jsonOf(const RoutePlan& plan, const RouteOptions& options, const Config& config) {
  nlohmann::ordered_json out{
      {"method", options.method}, {"url", options.url}, {"host", plan.host}, {"path", plan.path}};
  for (const ListenerView& listener : plan.listeners) {
    nlohmann::ordered_json item{
        {"address", listener.address}, {"tls", listener.tls}, {"takes", listener.why_not.empty()}};
    if (listener.redirects_to_https) {
      item["redirects_to_https"] = true;
    }
    if (!listener.why_not.empty()) {
      item["why_not"] = listener.why_not;
    }
    out["listeners"].push_back(std::move(item));
  }
  for (const RoutePlan::Reading& reading : plan.readings) {
    nlohmann::ordered_json item{{"path", reading.path}};
    item["route"] = reading.route == nullptr ? nlohmann::ordered_json() : nlohmann::ordered_json(reading.route->name);
    out["readings"].push_back(std::move(item));
  }
  for (const RouteView& view : plan.routes) {
    nlohmann::ordered_json item{{"name", view.route->name}, {"fits", view.fits}, {"taken", view.taken}};
    if (!view.why.empty()) {
      item["why_not"] = view.why;
    }
    out["routes"].push_back(std::move(item));
  }
  if (plan.taken != nullptr) {
    out["route"] = plan.taken->name;
  }
  if (plan.refusal) {
    out["refusal"] = {{"cause", gatewhy::name(plan.refusal->cause)},
                      {"status", plan.refusal->sent_status},
                      {"summary", plan.refusal->summary}};
    if (!plan.allow.empty()) {
      out["refusal"]["allow"] = plan.allow;
    }
  } else if (plan.options_end_here) {
    out["respond"] = {{"status", 200}, {"fields", {{"Allow", plan.allow}}}};
  } else if (plan.taken->respond) {
    out["respond"] = answerJson(plan);
  } else {
    out.update(originJson(plan, config));
  }
  if (!plan.refusal && plan.taken != nullptr && (plan.taken->basic_auth || plan.taken->forward_auth)) {
    out["login"] = loginJson(*plan.taken, config);
  }
  if (!plan.page.empty()) {
    out["page"] = plan.page;
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int runRoute(const RouteOptions& options) {
  const LoadedConfig loaded = loadShown(options.config);
  for (const ConfigProblem& problem : loaded.problems) {
    fmt::print(stderr, "{}\n", format(problem));
  }
  if (loaded.config == nullptr) {
    return kExitConfig;
  }
  const auto plan = planRoute(
      loaded.config,
      RouteQuestion{
          .method = options.method, .url = options.url, .client = options.client, .headers = options.headers});
  if (!plan) {
    fmt::print(stderr, "gatewhy: {}\n", plan.error());
    return kExitUsage;
  }
  const std::string text = options.json ? jsonOf(*plan, options, *loaded.config)
                                        : textOf(*plan, options, *loaded.config, styleOf(STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return plan->taken == nullptr ? kExitFailure : kExitOk;
}

}  // namespace gatewhy
