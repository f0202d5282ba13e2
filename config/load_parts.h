// SPDX-License-Identifier: Apache-2.0
// The parts of load.cpp: each reads one section of the top level into Config.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/config_tree.h"
#include "config/section.h"

namespace gatewhy {

void readListeners(Reader& reader, Section& top, Config& config);
void readOrigins(Reader& reader, Section& top, Config& config);
// One, but for its name.
[[nodiscard]] OriginConfig readOrigin(Reader& reader, Section& section);
// Its health, eject, slow_start and panic.
void readHealthSettings(Reader& reader, Section& section, OriginConfig& origin);
// `auth` of a route. After its request_headers.
void readAuth(Reader& reader, Section& route_section, RouteConfig& route);
// Gives every auth.forward an origin: the one that has its place among its
// endpoints, else one of its own with what `defaults` has for origins. After
// the routes.
void placeLoginServices(Reader& reader, const YamlNode& root, Config& config);
// After the origins, whose names routes refer to.
void readRoutes(Reader& reader, Section& top, Config& config);
// host, hosts, path, path_exact, path_regex, match.
void readRouteMatch(Reader& reader, Section& section, RouteConfig& route);
// "methods" of `section`.
void readMethodList(Reader& reader, Section& section, std::vector<std::string>& methods);
// null, reported, where the text is not a regular expression.
[[nodiscard]] Pattern readPattern(Reader& reader, Position at, std::string_view key, const std::string& text);
// Whom and what a route serves: methods, clients, requires, rate_limit, upgrade.
void readRouteRules(Reader& reader, Section& section, RouteConfig& route);
// watch, workers, limits, trusted_proxies, dns, diagnostics, log, drain.
void readRest(Reader& reader, Section& top, Config& config);

void readLog(Reader& reader, Section& section, LogConfig& log);

// diagnostics.pages; its files are loadPages()'s.
void readPages(Section& section, PagesConfig& pages);
// Reads and checks the pages' files, and that every page a route names is one
// of them. After all the rest.
void loadPages(Reader& reader, Config& config, const FileAccess& files);
// The name of a page, as `respond.page` has it.
[[nodiscard]] std::string pageNameComplaint(const std::string& name);

// "*" or the host, then the path: unique within the configuration.
void nameRoutes(Config& config);

}  // namespace gatewhy
