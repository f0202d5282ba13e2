// SPDX-License-Identifier: Apache-2.0
// `auth` of a route: users of a file, or a login service that is asked.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/http_words.h"
#include "config/load_parts.h"
#include "config/schema.h"
#include "config/url.h"

namespace gatewhy {
namespace {

std::string realmComplaint(const std::string& realm) {
  const bool shown = std::all_of(realm.begin(), realm.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return shown && !realm.empty() ? std::string() : "a realm is ASCII text, and not empty";
}

void readBasic(Section& section, RouteConfig& route) {
  BasicAuth& auth = route.basic_auth.emplace();
  section.read("users_file", auth.users_file);
  section.read("realm", auth.realm, realmComplaint);
  const auto& keep = route.request_headers.keep;
  auth.forward =
      std::any_of(keep.begin(), keep.end(), [](const std::string& name) { return lowerCase(name) == "authorization"; });
}

struct UrlParts {
  std::string place;   // "https://login.internal:9000"
  std::string target;  // "/verify?for=shop"
};

UrlParts partsOf(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t end =
      scheme == std::string::npos ? url.size() : std::min(url.find_first_of("/?#", scheme + 3), url.size());
  UrlParts parts{.place = url.substr(0, end), .target = url.substr(end)};
  if (!parts.target.starts_with('/')) {
    parts.target.insert(0, 1, '/');
  }
  return parts;
}

std::string loginUrlComplaint(const std::string& url) {
  const UrlParts parts = partsOf(url);
  if (url.find("://") == std::string::npos) {
    return fmt::format("'{}' is not a URL; write http://HOST:PORT/PATH or https://HOST:PORT/PATH", url);
  }
  if (const auto endpoint = parseEndpoint(parts.place); !endpoint) {
    return endpoint.error();
  }
  for (const char c : parts.target) {
    if (c <= ' ' || c >= 0x7F || std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos) {
      return fmt::format("'{}' holds a character that no URL has; write it percent-encoded", url);
    }
  }
  return parts.target.find('#') == std::string::npos ? std::string()
                                                     : "remove what begins with '#': it is never sent to a server";
}

void readNames(Reader& reader, Section& section, std::string_view key, std::vector<std::string>& names) {
  if (!section.has(key)) {
    return;
  }
  names.clear();
  for (const ReadValue& item : section.list(key)) {
    const auto complaint = [&](const std::string& name) {
      const bool twice = std::any_of(names.begin(), names.end(),
                                     [&](const std::string& other) { return lowerCase(other) == lowerCase(name); });
      return twice ? fmt::format("'{}' is listed twice", name) : fieldNameComplaint(name, MessageSide::Request);
    };
    if (auto name = readText(reader, item, complaint)) {
      names.push_back(*std::move(name));
    }
  }
}

void readForward(Reader& reader, Section& section, RouteConfig& route) {
  ForwardAuthConfig& auth = route.forward_auth.emplace();
  if (section.read("url", auth.url, loginUrlComplaint)) {
    UrlParts parts = partsOf(auth.url);
    auth.endpoint = parseEndpoint(parts.place).value();
    auth.target = std::move(parts.target);
  }
  readNames(reader, section, "request_headers", auth.request_headers);
  readNames(reader, section, "response_headers", auth.response_headers);
  // What the login service says, clients must not: this also drops their
  // spellings with '_' (limits.underscores).
  auto& remove = route.request_headers.remove;
  remove.insert(remove.end(), auth.response_headers.begin(), auth.response_headers.end());
}

bool samePlace(const EndpointConfig& one, const EndpointConfig& other) {
  return one.scheme == other.scheme && one.host == other.host && one.port == other.port;
}

std::size_t originAt(const EndpointConfig& place, const Config& config) {
  const auto has_it = [&](const OriginConfig& origin) {
    return std::any_of(origin.endpoints.begin(), origin.endpoints.end(),
                       [&](const EndpointConfig& endpoint) { return samePlace(endpoint, place); });
  };
  return static_cast<std::size_t>(std::find_if(config.origins.begin(), config.origins.end(), has_it) -
                                  config.origins.begin());
}

const YamlNode* memberOf(const YamlNode* map, std::string_view key) {
  if (map == nullptr) {
    return nullptr;
  }
  const auto found = std::find_if(map->entries.begin(), map->entries.end(),
                                  [key](const YamlEntry& entry) { return entry.key == key; });
  return found == map->entries.end() ? nullptr : &found->value;
}

// As if it stood in `origins` with this endpoint alone.
OriginConfig impliedOrigin(Reader& reader, const EndpointConfig& place, const YamlNode* defaults) {
  YamlNode node{.kind = YamlNode::Kind::Map, .at = {}};
  for (const YamlEntry& entry : defaults == nullptr ? std::vector<YamlEntry>() : defaults->entries) {
    if (entry.key != "endpoints" && schemaRow("origins.*." + entry.key) != nullptr) {
      node.entries.push_back(entry);
    }
  }
  YamlNode url{.kind = YamlNode::Kind::Scalar, .at = {}, .quoted = true, .text = place.url};
  YamlNode endpoints{.kind = YamlNode::Kind::Sequence, .at = {}};
  endpoints.items.push_back(std::move(url));
  node.entries.push_back({.key = "endpoints", .at = {}, .value = std::move(endpoints)});
  OriginConfig origin;
  if (auto section = Section::open(reader, {&node, "", "origins.*", place.url, {}})) {
    origin = readOrigin(reader, *section);
  }
  origin.name = place.url;
  origin.implied = true;
  return origin;
}

}  // namespace

void readAuth(Reader& reader, Section& route_section, RouteConfig& route) {
  if (!route_section.isMap("auth")) {
    bool on = false;
    if (route_section.read("auth", on) && on) {
      reader.error(route_section.at("auth"), "'auth' needs 'basic' or 'forward'; false switches a default off");
    }
    return;
  }
  auto section = route_section.section("auth");
  if (!section->has("basic") && !section->has("forward")) {
    reader.error(section->at(), "'auth' needs 'basic' or 'forward'");
    return;
  }
  const bool both = section->has("basic") && section->has("forward");
  // Of `defaults` and the route itself, the route.
  const bool other_default = both && section->at("basic").inherited != section->at("forward").inherited;
  if (both && !other_default) {
    reader.error(section->at("forward"), "'basic' and 'forward' exclude each other");
    return;
  }
  const bool basic = section->has("basic") && !(other_default && section->at("basic").inherited);
  if (auto kind = section->section(basic ? "basic" : "forward")) {
    basic ? readBasic(*kind, route) : readForward(reader, *kind, route);
  }
}

void placeLoginServices(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* defaults = memberOf(memberOf(&root, "defaults"), "origin");
  for (RouteConfig& route : config.routes) {
    if (!route.forward_auth || route.forward_auth->target.empty()) {
      continue;  // its URL has been complained about
    }
    ForwardAuthConfig& auth = *route.forward_auth;
    auth.origin = originAt(auth.endpoint, config);
    if (auth.origin == config.origins.size()) {
      config.origins.push_back(impliedOrigin(reader, auth.endpoint, defaults));
    }
  }
}

}  // namespace gatewhy
