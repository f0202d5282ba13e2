// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "config/claimed_fields.h"
#include "config/http_words.h"
#include "config/load_route.h"
#include "config/url.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::string_view kAuthorization = "authorization";  // dropped where auth.basic has judged it

std::string keptNameComplaint(const std::string& name) {
  if (!isToken(name)) {
    return fmt::format("'{}' is not a header name", name);
  }
  const bool plain = std::all_of(name.begin(), name.end(),
                                 [](char c) { return octets::isAlpha(c) || octets::isDigit(c) || c == '-'; });
  if (plain && claimOf(name) == Claim::None && lowerCase(name) != kAuthorization) {
    return fmt::format("'{}' needs no 'keep': it is not one of the fields that are dropped from strangers", name);
  }
  return "";
}

// A value with variables keeps its text as it is written, for whoever shows it.
void readValue(Reader& reader, const ReadValue& item, MessageSide side, std::string value, HeaderEdits& edits) {
  auto parsed =
      TextTemplate::parse(value, side == MessageSide::Request ? TemplatePlace::Request : TemplatePlace::Response);
  if (!parsed) {
    reader.error(item.node->at, fmt::format("'{}': {}", item.name, parsed.error()));
    return;
  }
  edits.set.emplace_back(item.name, parsed->hasVariables() ? std::move(value) : parsed->literal());
  edits.templates.push_back(std::move(parsed).value());
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
      readValue(reader, item, side, *std::move(value), edits);
    }
  }
  const auto varies = [](const TextTemplate& value) { return value.hasVariables(); };
  if (std::none_of(edits.templates.begin(), edits.templates.end(), varies)) {
    edits.templates.clear();
  }
  for (const ReadValue& item : section.list("remove")) {
    if (auto name = readText(reader, item, name_complaint)) {
      edits.remove.push_back(*std::move(name));
    }
  }
  if (side == MessageSide::Request) {
    for (const ReadValue& item : section.list("keep")) {
      if (auto name = readText(reader, item, keptNameComplaint)) {
        edits.keep.push_back(*std::move(name));
      }
    }
  }
}

// A path's place in the route's name; "=" and "~" as nginx writes them.
std::string pathName(const RouteConfig& route) {
  switch (route.path_match) {
    case PathMatch::Prefix:
      return route.path;
    case PathMatch::Exact:
      return "=" + route.path;
    case PathMatch::Regex:
      return "~" + route.path;
  }
  return {};
}

std::string hostName(const RouteConfig& route) {
  const auto patterns = hostPatterns(route);
  if (patterns.empty()) {
    return "*";
  }
  return patterns.size() == 1 ? patterns.front() : fmt::format("{}+{}", patterns.front(), patterns.size() - 1);
}

}  // namespace

RouteReader::RouteReader(Reader& reader, const Config& config) : reader_(reader) {
  for (std::size_t i = 0; i < config.origins.size(); ++i) {
    origins_.emplace(config.origins[i].name, i);
    names_.push_back(config.origins[i].name);
  }
}

RouteConfig RouteReader::read(Section& section) {
  RouteConfig route;
  readRouteMatch(reader_, section, route);
  readTarget(section, route);
  section.read("strip_prefix", route.strip_prefix);
  if (route.strip_prefix && route.path_match != PathMatch::Prefix) {
    reader_.error(section.at("strip_prefix"), "'strip_prefix' removes 'path', which this route does not have");
  }
  section.read("preserve_host", route.preserve_host);
  if (auto edits = section.section("request_headers")) {
    readEdits(reader_, *edits, MessageSide::Request, route.request_headers);
  }
  if (auto edits = section.section("response_headers")) {
    readEdits(reader_, *edits, MessageSide::Response, route.response_headers);
  }
  readRouteRules(reader_, section, route);
  readAuth(reader_, section, route);
  return route;
}

void nameRoutes(Config& config) {
  std::unordered_map<std::string, std::size_t> uses;
  for (RouteConfig& route : config.routes) {
    const std::string name = hostName(route) + pathName(route);
    const std::size_t use = ++uses[name];
    route.name = use == 1 ? name : fmt::format("{}#{}", name, use);
    // No host or prefix contains '#', but a regular expression may.
    while (use > 1 && !uses.try_emplace(route.name, 1).second) {
      route.name += "#";
    }
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
  const bool chooses = std::any_of(config.routes.begin(), config.routes.end(),
                                   [](const RouteConfig& route) { return !route.match.methods.empty(); });
  for (RouteConfig& route : config.routes) {
    route.method_decides = chooses || !route.methods.empty();
  }
}

}  // namespace gatewhy
