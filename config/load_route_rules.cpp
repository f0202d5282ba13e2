// SPDX-License-Identifier: Apache-2.0
// The rules by which a route refuses requests.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/http_words.h"
#include "config/load_parts.h"
#include "config/url.h"

namespace gatewhy {
namespace {

// Of RFC 9110 section 9 and RFC 5789; others may be listed, but these are
// never meant in small letters.
constexpr std::array<std::string_view, 9> kCommonMethods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                         "OPTIONS", "CONNECT", "TRACE", "PATCH"};

std::string methodComplaint(const std::string& method) {
  if (!isToken(method)) {
    return fmt::format("'{}' is not a method", method);
  }
  if (method == "CONNECT" || method == "TRACE") {
    return fmt::format("'{}' is never forwarded", method);
  }
  const auto* common = std::find_if(kCommonMethods.begin(), kCommonMethods.end(),
                                    [&](std::string_view name) { return lowerCase(name) == lowerCase(method); });
  return common == kCommonMethods.end() || *common == method
             ? std::string()
             : fmt::format("methods are case-sensitive; write '{}'", *common);
}

void readBlocks(Reader& reader, Section& section, std::string_view key, std::vector<Cidr>& blocks) {
  for (const ReadValue& item : section.list(key)) {
    if (const auto text = readText(reader, item, cidrComplaint)) {
      blocks.push_back(*Cidr::parse(*text));
    }
  }
}

RateLimitConfig readRateLimit(Section& section) {
  RateLimitConfig limit;
  section.read("requests", limit.requests);
  section.read("per", limit.per);
  limit.burst = limit.requests;
  section.read("burst", limit.burst);
  section.readWord("key", limit.key);
  section.read("max_keys", limit.max_keys);
  return limit;
}

}  // namespace

void readMethodList(Reader& reader, Section& section, std::vector<std::string>& methods) {
  for (const ReadValue& item : section.list("methods")) {
    if (auto method = readText(reader, item, methodComplaint)) {
      if (std::find(methods.begin(), methods.end(), *method) != methods.end()) {
        reader.error(item.node->at, fmt::format("the method '{}' is listed twice", *method));
      } else {
        methods.push_back(*std::move(method));
      }
    }
  }
}

namespace {

struct TimeoutKey {
  std::string_view key;
  Millis OriginTimeouts::*field;
};
constexpr TimeoutKey kTimeoutKeys[] = {
    {"resolve", &OriginTimeouts::resolve},
    {"connect", &OriginTimeouts::connect},
    {"tls_handshake", &OriginTimeouts::tls_handshake},
    {"send", &OriginTimeouts::send},
    {"response_head", &OriginTimeouts::response_head},
    {"response_idle", &OriginTimeouts::response_idle},
    {"exchange", &OriginTimeouts::exchange},
};

void readTimeouts(Section& section, RouteConfig& route) {
  for (const TimeoutKey& row : kTimeoutKeys) {
    Millis value{0};
    if (section.read(row.key, value)) {
      route.timeouts.emplace_back(row.field, value);
    }
  }
}

}  // namespace

void readRouteRules(Reader& reader, Section& section, RouteConfig& route) {
  readMethodList(reader, section, route.methods);
  if (auto clients = section.section("clients")) {
    readBlocks(reader, *clients, "allow", route.clients.allow);
    readBlocks(reader, *clients, "deny", route.clients.deny);
  }
  if (auto demands = section.section("requires")) {
    demands->read("tls", route.requirements.tls);
    demands->readWord("http_version", route.requirements.http_minor);
    demands->read("content_length", route.requirements.content_length);
  }
  if (auto limit = section.section("rate_limit")) {
    route.rate_limit = readRateLimit(*limit);
  }
  section.read("upgrade", route.upgrade);
  if (auto limits = section.section("limits")) {
    PathPolicy paths = PathPolicy::Refuse;
    if (limits->readWord("paths", paths)) {
      route.paths = paths;
    }
    std::uint64_t body = 0;
    if (limits->read("request_body", body)) {
      route.request_body = body;
    }
  }
  if (auto timeouts = section.section("timeouts")) {
    readTimeouts(*timeouts, route);
  }
}

}  // namespace gatewhy
