// SPDX-License-Identifier: Apache-2.0
// A rule for /int/ against servers that read paths in ways of their own: models
// written apart from the readings, one octet after the other. What is not
// refused belongs to the route that each model would pick.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "config/path_readings.h"
#include "diagnostics/octets.h"
#include "proxy/exchange/route_choice.h"
#include "require.h"

namespace {

using Segments = std::vector<std::string>;

// What a server does, in this order.
struct Server {
  bool cuts_raw_parameters, decodes_all, decodes_unreserved, turns, cuts_parameters, merges, resolves;
};

int digit(char c) {
  const std::string_view digits = "0123456789abcdef";
  const auto at = digits.find(gatewhy::octets::lower(c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

bool isPlain(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string cut(const std::string& path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == ';') {
      i = std::min(path.find('/', i), path.size());
    }
    if (i < path.size()) {
      out += path[i];
    }
  }
  return out;
}

std::string decode(const std::string& path, bool all) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && digit(path[i + 1]) >= 0 && digit(path[i + 2]) >= 0) {
      const int octet = digit(path[i + 1]) * 16 + digit(path[i + 2]);
      if (all || isPlain(octet)) {
        out += static_cast<char>(octet);
        i += 2;
        continue;
      }
    }
    out += path[i];
  }
  return out;
}

// The segments behind each '/'; nullopt by `refused` where ".." leaves the root.
Segments walk(const std::string& path, const Server& server, bool& refused) {
  Segments out;
  std::string segment;
  for (std::size_t i = 1; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') {
      segment += path[i];
      continue;
    }
    const bool last = i == path.size();
    if (server.resolves && (segment == "." || segment == "..")) {
      if (segment == "..") {
        refused = refused || out.empty();
        out.resize(out.empty() ? 0 : out.size() - 1);
      }
      if (last) {
        out.emplace_back();
      }
    } else if (last || !server.merges || !segment.empty()) {
      out.push_back(segment);
    }
    segment.clear();
  }
  return out;
}

// Does the server serve something below /int?
bool servesInt(std::string path, const Server& server, bool& refused) {
  if (server.cuts_raw_parameters) {
    path = cut(path);
  }
  if (server.decodes_all || server.decodes_unreserved) {
    path = decode(path, server.decodes_all);
  }
  if (server.turns) {
    std::replace(path.begin(), path.end(), '\\', '/');
  }
  if (server.cuts_parameters) {
    path = cut(path);
  }
  refused = refused || path.find('\0') != std::string::npos;
  const Segments segments = walk(path, server, refused);
  return !segments.empty() && segments.front() == "int";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  static const std::vector<RouteConfig> kRoutes = [] {
    std::vector<RouteConfig> routes(2);
    routes[0].path = "/int/";
    routes[0].name = "closed";
    routes[1].name = "open";
    return routes;
  }();
  static const Router kRouter(kRoutes);

  // Octets that no target has stand for the words that matter.
  constexpr std::array<std::string_view, 16> kWords = {"/int", "int", "/",  "..",  "%2e", "%2F", "%5c", "\\",
                                                       ";",    "%3b", "//", "/./", "%69", "%00", "%25", "a"};
  std::string path = "/";
  for (const char c : asText(data, std::min<std::size_t>(size, 200))) {
    if (octets::is(c, octets::kTarget) && c != '?') {
      path.push_back(c);
    } else {
      path.append(kWords[static_cast<unsigned char>(c) % kWords.size()]);
    }
  }
  const RouteChoice refusing = chooseRoute(kRouter, {.host = "h", .path = path}, PathPolicy::Refuse);
  const RouteChoice normal = chooseRoute(kRouter, {.host = "h", .path = path}, PathPolicy::Normalize);
  require(refusing.path.empty(), "what is not normalised is forwarded as sent");
  require(refusing.ambiguity.empty() == (refusing.route != nullptr), "one route, or a reason");
  for (unsigned bits = 0; bits < 128; ++bits) {
    const auto has = [bits](unsigned bit) { return (bits >> bit & 1U) != 0; };
    const Server server{has(0), has(1), has(2), has(3), has(4), has(5), has(6)};
    for (const RouteChoice* choice : {&refusing, &normal}) {
      if (choice->route == nullptr) {
        continue;
      }
      bool refused = false;
      const bool closed = servesInt(choice->path.empty() ? path : choice->path, server, refused);
      require(!refused, "what climbs or holds a NUL is refused here already");
      require(closed == (choice->route == &kRoutes[0]), "every server would serve what the route is for");
    }
  }
  return 0;
}
