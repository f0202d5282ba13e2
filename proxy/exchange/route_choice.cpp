// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/route_choice.h"

#include <fmt/format.h>

#include "config/path_readings.h"

namespace gatewhy {
namespace {

constexpr std::size_t kLongestPathQuote = 128;

std::string inQuotes(std::string_view path) {
  return fmt::format("'{}{}'", path.substr(0, kLongestPathQuote), path.size() > kLongestPathQuote ? "…" : "");
}

std::string routeWords(const RouteConfig* route) {
  return route == nullptr ? std::string("no route") : fmt::format("route '{}'", route->name);
}

// Why no route is asked at all; "" where the readings may decide.
std::string complaintOf(std::string_view path, const PathReadings& readings) {
  if (readings.has_nul) {
    return fmt::format("{} holds %00, where some servers end the path", inQuotes(path));
  }
  if (readings.climbs) {
    return fmt::format("{} leads above the root", inQuotes(path));
  }
  if (readings.too_many) {
    return fmt::format("{} can be read in too many ways to compare them", inQuotes(path));
  }
  return {};
}

// What is passed on must not leave what the prefix stood for.
std::string stripComplaint(const RouteConfig& route, std::string_view path) {
  const bool rewritten = route.rewrite && route.rewrite->regex == nullptr;
  if ((!route.strip_prefix && !rewritten) || route.path.empty()) {
    return {};
  }
  const std::string_view rest = withoutPrefix(path, route.path);
  if (rest.empty() || !hasSeveralReadings(rest) || !readingsOf(rest).climbs) {
    return {};
  }
  return fmt::format("{} is {}, and leads above the prefix '{}' that is {}", inQuotes(path), routeWords(&route),
                     route.path, rewritten ? "rewritten" : "stripped");
}

class ChoiceByReadings {
 public:
  ChoiceByReadings(const Router& router, const RouteQuery& sent, PathPolicy policy)
      : router_(router), sent_(sent), policy_(policy) {}

  [[nodiscard]] RouteChoice choose() const {
    const std::string_view path = sent_.path;
    const PathReadings readings = readingsOf(path);
    if (std::string complaint = complaintOf(path, readings); !complaint.empty()) {
      return refused(std::move(complaint));
    }
    const RouteConfig* route = matching(readings.texts.front());
    for (const std::string& text : readings.texts) {
      const RouteConfig* other = matching(text);
      if (other != route) {
        return differing(path, fmt::format("as {} it is {}, as {} {}", inQuotes(path), routeWords(route),
                                           inQuotes(text), routeWords(other)));
      }
    }
    if (route == nullptr) {
      return {};
    }
    std::string normal = policyOf(*route) == PathPolicy::Normalize ? rfcNormalPath(path) : std::string();
    if (std::string complaint = stripComplaint(*route, normal.empty() ? path : normal); !complaint.empty()) {
      return refused(std::move(complaint));
    }
    if (!normal.empty() && normal != path) {
      if (std::string complaint = normalComplaint(path, normal, route); !complaint.empty()) {
        return refused(std::move(complaint));
      }
    }
    return {.route = route, .path = normal == path ? std::string() : std::move(normal), .ambiguity = {}};
  }

 private:
  // What is sent instead must be no way past what was judged.
  [[nodiscard]] std::string normalComplaint(std::string_view path, const std::string& normal,
                                            const RouteConfig* route) const {
    const PathReadings readings = readingsOf(normal);
    std::string complaint = complaintOf(normal, readings);
    for (const std::string& text : readings.texts) {
      const RouteConfig* other = matching(text);
      if (complaint.empty() && other != route) {
        complaint = fmt::format("{} is {}, its normal form {} {}", inQuotes(path), routeWords(route), inQuotes(normal),
                                routeWords(other));
      }
    }
    return complaint;
  }

  [[nodiscard]] const RouteConfig* matching(std::string_view path) const {
    return router_.match({.host = sent_.host, .path = path, .request = sent_.request});
  }

  static RouteChoice refused(std::string complaint) {
    return {.route = nullptr, .path = {}, .ambiguity = std::move(complaint)};
  }

  [[nodiscard]] PathPolicy policyOf(const RouteConfig& route) const { return route.paths.value_or(policy_); }

  // Where readings differ, the plain path may say it in one way; the route that
  // this leads to decides whether that is wanted.
  [[nodiscard]] RouteChoice differing(std::string_view path, std::string complaint) const {
    std::string plain = plainPath(path);
    const RouteConfig* route = matching(comparablePath(plain));
    if (route == nullptr || policyOf(*route) != PathPolicy::Normalize) {
      return refused(std::move(complaint));
    }
    for (const std::string& text : readingsOf(plain).texts) {
      if (matching(text) != route) {
        return refused(std::move(complaint));
      }
    }
    return {.route = route, .path = std::move(plain), .ambiguity = {}};
  }

  const Router& router_;
  const RouteQuery& sent_;
  PathPolicy policy_;
};

}  // namespace

RouteChoice chooseRoute(const Router& router, const RouteQuery& sent, PathPolicy policy) {
  return hasSeveralReadings(sent.path) ? ChoiceByReadings(router, sent, policy).choose()
                                       : RouteChoice{.route = router.match(sent), .path = {}, .ambiguity = {}};
}

}  // namespace gatewhy
