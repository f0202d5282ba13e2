// SPDX-License-Identifier: Apache-2.0
// Which requests a route is for: hosts, path, match.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/http_words.h"
#include "config/load_parts.h"
#include "config/url.h"

namespace gatewhy {
namespace {

std::string routeHostComplaint(const std::string& host) {
  std::string_view name = host;
  if (const std::size_t scheme = host.find("://"); scheme != std::string::npos) {
    const std::string_view authority = name.substr(scheme + 3);
    const auto place = splitHostPort(authority.substr(0, authority.find_first_of("/?#")));
    return fmt::format("'{}' is a URL; write the host only{}", host, place ? ": " + place->host : "");
  }
  if (name == "*") {
    return "leave the key out to match any host";
  }
  if (name.starts_with("*.")) {
    name.remove_prefix(2);
  } else if (name.starts_with('[')) {
    const auto literal = splitHostPort(name);
    return literal && !literal->port ? std::string() : fmt::format("'{}' is not an IPv6 address in brackets", host);
  }
  if (name.find(':') != std::string_view::npos) {
    return fmt::format("'{}' has a port; routes match the host only", host);
  }
  if (name.find('*') != std::string_view::npos) {
    return fmt::format("'{}' is not a host; a wildcard is one '*.' at the beginning", host);
  }
  return hostComplaint(name);
}

void readHosts(Reader& reader, Section& section, RouteConfig& route) {
  section.read("host", route.host, routeHostComplaint);
  route.host = canonicalHost(route.host);
  for (const ReadValue& item : section.list("hosts")) {
    const auto host = readText(reader, item, routeHostComplaint);
    if (!host) {
      continue;
    }
    std::string lower = canonicalHost(*host);
    if (std::find(route.hosts.begin(), route.hosts.end(), lower) != route.hosts.end()) {
      reader.error(item.node->at, fmt::format("the host '{}' is listed twice", *host));
    }
    route.hosts.push_back(std::move(lower));
  }
  if (section.has("host") && section.has("hosts")) {
    reader.error(section.at("hosts"), "'host' and 'hosts' exclude each other");
  }
}

void readPath(Reader& reader, Section& section, RouteConfig& route) {
  constexpr std::array<std::string_view, 3> kKeys{"path", "path_exact", "path_regex"};
  const auto written = [&](std::string_view key) { return section.has(key); };
  if (std::count_if(kKeys.begin(), kKeys.end(), written) > 1) {
    reader.error(section.at(), "'path', 'path_exact' and 'path_regex' exclude each other");
  }
  section.read("path", route.path, pathPrefixComplaint);
  if (section.read("path_exact", route.path, pathPrefixComplaint)) {
    route.path_match = PathMatch::Exact;
  }
  if (section.read("path_regex", route.path)) {
    route.path_match = PathMatch::Regex;
    route.regex = readPattern(reader, section.at("path_regex"), "path_regex", route.path);
    if (route.regex == nullptr) {
      route.path_match = PathMatch::Prefix;  // reported; so that nothing else stumbles over it
      route.path.clear();
    }
  }
}

std::string matchedFieldComplaint(const std::string& name) {
  return isToken(name) ? std::string() : fmt::format("'{}' is not a header name", name);
}

std::string cookieNameComplaint(const std::string& name) {
  return isToken(name) ? std::string() : fmt::format("'{}' is not the name of a cookie", name);
}

std::string anyName(const std::string& name) {
  return name.empty() ? "the name is empty" : "";
}

void readConditions(Reader& reader, Section& match, std::string_view key,
                    const std::function<std::string(const std::string&)>& name_complaint,
                    std::vector<std::pair<std::string, std::string>>& conditions) {
  for (const ReadValue& item : match.map(key)) {
    if (const std::string complaint = name_complaint(item.name); !complaint.empty()) {
      reader.error(item.name_at, complaint);
    }
    if (auto value = readText(reader, item, [](const std::string&) { return std::string(); })) {
      conditions.emplace_back(item.name, *std::move(value));
    }
  }
}

}  // namespace

Pattern readPattern(Reader& reader, Position at, std::string_view key, const std::string& text) {
  re2::RE2::Options options(re2::RE2::Latin1);  // octets: a path need not be UTF-8
  options.set_log_errors(false);
  auto pattern = std::make_shared<const re2::RE2>(text, options);
  if (!pattern->ok()) {
    reader.error(at, fmt::format("'{}': '{}' is not a regular expression (RE2): {}", key, text, pattern->error()));
    return nullptr;
  }
  return pattern;
}

void readRouteMatch(Reader& reader, Section& section, RouteConfig& route) {
  readHosts(reader, section, route);
  readPath(reader, section, route);
  if (auto match = section.section("match")) {
    readMethodList(reader, *match, route.match.methods);
    readConditions(reader, *match, "headers", matchedFieldComplaint, route.match.headers);
    readConditions(reader, *match, "query", anyName, route.match.query);
    readConditions(reader, *match, "cookies", cookieNameComplaint, route.match.cookies);
    if (route.match.empty()) {
      reader.error(match->at(), "'match' is empty: it needs methods, headers, query or cookies");
    }
  }
}

}  // namespace gatewhy
