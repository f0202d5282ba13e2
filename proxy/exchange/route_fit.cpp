// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/route_fit.h"

#include <re2/re2.h>

#include <algorithm>

#include "config/path_readings.h"
#include "config/query_text.h"
#include "proxy/exchange/variables.h"

namespace gatewhy {
namespace {

bool patternFits(std::string_view pattern, std::string_view host) noexcept {
  if (!pattern.starts_with("*.")) {
    return pattern == host;
  }
  pattern.remove_prefix(1);
  return host.size() > pattern.size() && host.ends_with(pattern);
}

bool isAsked(std::string_view wanted, std::string_view value) {
  return wanted == "*" || wanted == value;
}

bool hasHeader(const RequestHead& request, const std::pair<std::string, std::string>& wanted) {
  return std::any_of(request.fields.begin(), request.fields.end(), [&](const Field& field) {
    return equalsIgnoreCase(request.name(field), wanted.first) && isAsked(wanted.second, request.value(field));
  });
}

bool hasParameter(const RequestHead& request, const std::pair<std::string, std::string>& wanted) {
  QueryReader reader(request.query());
  while (reader.next()) {
    if (reader.name() == wanted.first && isAsked(wanted.second, reader.value())) {
      return true;
    }
  }
  return false;
}

bool hasCookie(const RequestHead& request, const std::pair<std::string, std::string>& wanted) {
  const std::string_view value = cookieOf(request, wanted.first);
  return value.data() != nullptr && isAsked(wanted.second, value);
}

}  // namespace

bool hostFits(const RouteConfig& route, std::string_view host) noexcept {
  const auto patterns = hostPatterns(route);
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                         [host](const std::string& pattern) { return patternFits(pattern, host); });
}

bool pathFits(const RouteConfig& route, std::string_view path) {
  switch (route.path_match) {
    case PathMatch::Prefix:
      return isBelow(path, comparablePath(route.path));
    case PathMatch::Exact:
      return path == comparablePath(route.path);
    case PathMatch::Regex:
      return re2::RE2::PartialMatch(re2::StringPiece(path.data(), path.size()), *route.regex);
  }
  return false;
}

RouteFit conditionsFit(const RouteConfig& route, const RequestHead* request) {
  const RouteMatch& match = route.match;
  if (match.empty()) {
    return RouteFit::Matches;
  }
  const auto holds = [&](const auto& conditions, auto has) {
    return conditions.empty() ||
           (request != nullptr && std::all_of(conditions.begin(), conditions.end(),
                                              [&](const auto& wanted) { return has(*request, wanted); }));
  };
  const auto has_method = [](const RequestHead& head, const std::string& method) {
    return head.methodToken() == method;
  };
  if (!match.methods.empty() &&
      (request == nullptr || std::none_of(match.methods.begin(), match.methods.end(),
                                          [&](const std::string& method) { return has_method(*request, method); }))) {
    return RouteFit::MethodDiffers;
  }
  if (!holds(match.headers, hasHeader)) {
    return RouteFit::HeaderDiffers;
  }
  if (!holds(match.query, hasParameter)) {
    return RouteFit::QueryDiffers;
  }
  return holds(match.cookies, hasCookie) ? RouteFit::Matches : RouteFit::CookieDiffers;
}

}  // namespace gatewhy
