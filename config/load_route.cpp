// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unordered_map>
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

void readEdits(Reader& reader, Section& section, MessageSide side, HeaderEdits& edits) {
  const auto name_complaint = [side](const std::string& name) { return fieldNameComplaint(name, side); };
  std::unordered_map<std::string, int> lines;
  for (const ReadValue& item : section.map("set")) {
    const std::string complaint = name_complaint(item.name);
    if (!complaint.empty()) {
      reader.error(item.name_at, complaint);
    }
    const auto [first, added] = lines.emplace(lowerCase(item.name), item.name_at.line);
    if (!added) {
      reader.error(item.name_at,
                   fmt::format("the header '{}' is set twice (first on line {})", item.name, first->second));
    }
    if (auto value = readText(reader, item, fieldValueComplaint)) {
      edits.set.emplace_back(item.name, *std::move(value));
    }
  }
  for (const ReadValue& item : section.list("remove")) {
    if (auto name = readText(reader, item, name_complaint)) {
      edits.remove.push_back(*std::move(name));
    }
  }
}

FixedResponse readRespond(Reader& reader, Section& section) {
  FixedResponse respond;
  std::uint32_t status = respond.status;
  section.read("status", status);
  respond.status = static_cast<std::uint16_t>(status);
  Millis retry_after{0};
  if (section.read("retry_after", retry_after) && retry_after.count() > 0) {
    if (retry_after.count() % 1000 != 0) {
      reader.error(section.at("retry_after"),
                   "'respond.retry_after' must be whole seconds: Retry-After has no finer unit");
    }
    respond.retry_after = std::chrono::duration_cast<std::chrono::seconds>(retry_after);
  }
  section.read("upgrade", respond.upgrade, protocolsComplaint);
  return respond;
}

class RouteReader {
 public:
  RouteReader(Reader& reader, const Config& config) : reader_(reader) {
    for (std::size_t i = 0; i < config.origins.size(); ++i) {
      origins_.emplace(config.origins[i].name, i);
      names_.push_back(config.origins[i].name);
    }
  }

  RouteConfig read(Section& section) {
    RouteConfig route;
    section.read("host", route.host, routeHostComplaint);
    route.host = lowerCase(route.host);
    section.read("path", route.path, pathPrefixComplaint);
    readTarget(section, route);
    section.read("strip_prefix", route.strip_prefix);
    section.read("preserve_host", route.preserve_host);
    if (auto edits = section.section("request_headers")) {
      readEdits(reader_, *edits, MessageSide::Request, route.request_headers);
    }
    if (auto edits = section.section("response_headers")) {
      readEdits(reader_, *edits, MessageSide::Response, route.response_headers);
    }
    readRouteRules(reader_, section, route);
    return route;
  }

 private:
  void readTarget(Section& section, RouteConfig& route) {
    if (auto respond = section.section("respond")) {
      route.respond = readRespond(reader_, *respond);
    }
    std::string origin;
    if (section.read("origin", origin)) {
      const auto found = origins_.find(origin);
      if (found != origins_.end()) {
        route.origin = found->second;
      } else {
        reader_.error(section.at("origin"),
                      fmt::format("unknown origin '{}'{}", origin, reader_.suggestion(origin, names_)));
      }
    }
    if (section.has("origin") && section.has("respond")) {
      reader_.error(section.at("respond"), "'respond' and 'origin' exclude each other");
    } else if (!section.has("origin") && !section.has("respond")) {
      reader_.error(section.at(), "the route needs 'origin' or 'respond'");
    }
  }

  Reader& reader_;
  std::unordered_map<std::string_view, std::size_t> origins_;
  std::vector<std::string_view> names_;  // for suggestions
};

}  // namespace

void nameRoutes(Config& config) {
  std::unordered_map<std::string, std::size_t> uses;
  for (RouteConfig& route : config.routes) {
    const std::string name = (route.host.empty() ? "*" : route.host) + route.path;
    const std::size_t use = ++uses[name];
    // No host or path contains '#', so the suffix cannot collide.
    route.name = use == 1 ? name : fmt::format("{}#{}", name, use);
  }
}

void readRoutes(Reader& reader, Section& top, Config& config) {
  if (top.has("routes")) {
    RouteReader route_reader(reader, config);
    for (const ReadValue& item : top.list("routes")) {
      const std::size_t problems = reader.problems().size();
      if (auto section = Section::open(reader, item)) {
        config.routes.push_back(route_reader.read(*section));
        if (reader.problems().size() > problems) {
          reader.noteBroken(fmt::format("routes[{}]", config.routes.size() - 1));
        }
      }
    }
  } else {
    if (config.origins.size() > 1) {
      reader.error(top.at("origins"), "with more than one origin, 'routes' must say what goes where");
    }
    config.routes.emplace_back();
  }
  nameRoutes(config);
}

}  // namespace gatewhy
