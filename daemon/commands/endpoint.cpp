// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/endpoint.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "daemon/commands/admin_client.h"
#include "daemon/exit_status.h"
#include "diagnostics/result.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Whoever answers there may be anybody.
std::string shownText(const OrderedJson& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? printableText(found->get<std::string>()) : std::string();
}

OrderedJson listOf(const OrderedJson& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_array() ? *found : OrderedJson::array();
}

// "down since 2026-…, connection_refused: …"
std::string standingText(const OrderedJson& endpoint) {
  std::string text = shownText(endpoint, "state");
  if (shownText(endpoint, "check") == "unknown") {
    return text + ", not checked yet";
  }
  if (const std::string since = shownText(endpoint, "since"); !since.empty()) {
    text += " since " + since;
  }
  if (const auto left = endpoint.find("ejected_for_ms"); left != endpoint.end() && left->is_number()) {
    text += fmt::format(", for another {:.1f} s", left->get<double>() / 1000);
  }
  if (const std::string cause = shownText(endpoint, "cause"); !cause.empty()) {
    text += ", " + cause;
  }
  if (const std::string summary = shownText(endpoint, "summary"); !summary.empty()) {
    text += ": " + summary;
  }
  return text;
}

Result<std::string, std::string> listing(const AdminClient& client, const EndpointOptions& options) {
  const auto answer = client.get("/api/v1/origins");
  if (!answer) {
    return Failure{answer.error()};
  }
  std::string text;
  bool origin_found = false;
  for (const OrderedJson& origin : listOf(*answer, "origins")) {
    const std::string name = shownText(origin, "name");
    if (!options.origin.empty() && name != options.origin) {
      continue;
    }
    origin_found = true;
    for (const OrderedJson& endpoint : listOf(origin, "endpoints")) {
      const std::string url = shownText(endpoint, "url");
      if (options.url.empty() || url == options.url) {
        const auto hosts = listOf(endpoint, "hosts");
        for (const OrderedJson& host : hosts) {
          const bool drained = shownText(endpoint, "state") == "drained";
          text += fmt::format("{:<16} {:<40} {}\n", name, fmt::format("{} ({})", url, shownText(host, "address")),
                              standingText(drained ? endpoint : host));
        }
        if (hosts.empty()) {
          text += fmt::format("{:<16} {:<40} {}\n", name, url, standingText(endpoint));
        }
      }
    }
  }
  if (text.empty()) {
    return Failure{origin_found ? fmt::format("the origin '{}' has no endpoint '{}'", options.origin, options.url)
                                : fmt::format("there is no origin '{}'", options.origin)};
  }
  return text;
}

Result<std::string, std::string> order(const AdminClient& client, const EndpointOptions& options) {
  std::string target = "/api/v1/endpoints?origin=" + queryEncoded(options.origin);
  if (!options.url.empty()) {
    target += "&endpoint=" + queryEncoded(options.url);
  }
  const auto answer = client.request("POST", target, {"X-Gatewhy-Action: " + options.action});
  if (!answer) {
    return Failure{answer.error()};
  }
  const OrderedJson body = OrderedJson::parse(answer->body, nullptr, false);
  constexpr std::uint16_t kDone = 200;
  if (answer->status != kDone) {
    const std::string detail = shownText(body, "detail");
    return Failure{detail.empty() ? fmt::format("{} answers {}", client.text(), answer->status) : detail};
  }
  const bool drained = options.action == "drain";
  std::string text;
  for (const OrderedJson& endpoint : listOf(body, "endpoints")) {
    const bool changed = endpoint.value("changed", false);
    text +=
        fmt::format("{} is {}{}\n", shownText(endpoint, "url"),
                    drained ? "drained: it gets no new requests until `gatewhy endpoint ready`, or a restart" : "ready",
                    changed ? "" : " (it was already)");
  }
  return text;
}

}  // namespace

int runEndpoint(const EndpointOptions& options) {
  const auto client = adminClient(options.admin, options.config);
  if (!client) {
    fmt::print(stderr, "gatewhy: {}\n", client.error());
    return kExitFailure;
  }
  const auto said = options.action == "list" ? listing(*client, options) : order(*client, options);
  if (!said) {
    fmt::print(stderr, "gatewhy: {}\n", said.error());
    return kExitFailure;
  }
  fmt::print("{}", *said);
  return kExitOk;
}

}  // namespace gatewhy
