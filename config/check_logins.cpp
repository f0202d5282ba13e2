// SPDX-License-Identifier: Apache-2.0
// Logins of routes: the file of users, what protects a password on its way here,
// and what must not be taken from clients where a login service says it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <string>

#include "config/check.h"
#include "config/htpasswd.h"
#include "config/url.h"

namespace gatewhy {
namespace {

bool isLocal(const ListenerConfig& listener) {
  const std::string& address = listener.address;
  return address.starts_with("unix:") || address.starts_with("127.") || address.starts_with("[::1]");
}

// Where a password may come in the clear; "" = nowhere that we know of.
std::string plainListener(const Config& config) {
  const auto open = std::find_if(config.listeners.begin(), config.listeners.end(), [](const ListenerConfig& listener) {
    return !listener.tls && !listener.redirect_to_https && !isLocal(listener);
  });
  return open == config.listeners.end() ? std::string() : open->address;
}

void checkKept(const RouteConfig& route, const std::string& path, CheckReport& report) {
  const auto& keep = route.request_headers.keep;
  const auto kept = std::find_if(keep.begin(), keep.end(),
                                 [](const std::string& name) { return lowerCase(name) == "authorization"; });
  if (kept != keep.end() && !route.basic_auth) {
    report.warning(fmt::format("{}.request_headers.keep[{}]", path, kept - keep.begin()),
                   fmt::format("'{}' needs no 'keep' without 'auth.basic': it passes anyway", *kept));
  }
}

// A variable of such a name would bring what the client claims.
void checkClaims(const RouteConfig& route, const std::string& path, CheckReport& report) {
  const auto& answered = route.forward_auth->response_headers;
  const auto is_answered = [&](const std::string& name) {
    return std::any_of(answered.begin(), answered.end(),
                       [&](const std::string& other) { return lowerCase(other) == lowerCase(name); });
  };
  const HeaderEdits& edits = route.request_headers;
  for (std::size_t i = 0; i < edits.set.size(); ++i) {
    const std::string& name = edits.set[i].first;
    const std::string place = fmt::format("{}.request_headers.set.{}", path, name);
    if (is_answered(name)) {
      report.error(place,
                   fmt::format("'{}' is set here and by the login service (auth.forward.response_headers)", name));
    }
    if (edits.templates.empty()) {
      continue;
    }
    for (const TemplatePart& part : edits.templates[i].parts()) {
      if (part.variable == Variable::Header && is_answered(part.name)) {
        report.error(place, fmt::format("{{header.{}}} is what the client sent, not what the login service says of it "
                                        "(auth.forward.response_headers)",
                                        part.name));
      }
    }
  }
}

void checkForward(const Config& config, const RouteConfig& route, const std::string& path, CheckReport& report) {
  if (!route.forward_auth) {
    return;
  }
  checkClaims(route, path, report);
  const ForwardAuthConfig& auth = *route.forward_auth;
  if (config.origins[auth.origin].implied && !config.origins[auth.origin].tls.verify &&
      auth.endpoint.scheme == EndpointScheme::Https) {
    report.warning(path + ".auth.forward.url",
                   "the login service's certificate is not checked: anyone on the way can let requests pass");
  }
}

}  // namespace

void checkLogins(const Config& config, CheckReport& report) {
  const std::string plain = config.trusted_proxies.empty() ? plainListener(config) : std::string();
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const RouteConfig& route = config.routes[i];
    const std::string path = fmt::format("routes[{}]", i);
    checkKept(route, path, report);
    checkForward(config, route, path, report);
    if (route.basic_auth && !plain.empty() && !route.requirements.tls) {
      report.warning(path + ".auth.basic",
                     fmt::format("passwords cross the network in the clear: the listener '{}' speaks plain HTTP; "
                                 "'requires: {{tls: true}}' refuses it",
                                 plain));
    }
  }
}

void checkUsersFiles(const Config& config, CheckReport& report) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& basic = config.routes[i].basic_auth;
    if (!basic || basic->users_file.empty() || !seen.insert(basic->users_file).second) {
      continue;  // an empty name was reported while reading
    }
    const std::string path = fmt::format("routes[{}].auth.basic.users_file", i);
    const Htpasswd users = readHtpasswd(basic->users_file);
    for (const std::string& problem : users.problems) {
      report.error(path, problem);
    }
    if (users.problems.empty() && users.entries.empty()) {
      report.warning(path, fmt::format("'{}' has no user: nobody can log in", basic->users_file));
    }
    struct stat status {};
    if (::stat(basic->users_file.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0) {
      report.warning(path, fmt::format("every user of this machine has access to the hashed passwords in '{}' (mode "
                                       "{:04o})",
                                       basic->users_file, status.st_mode & 07777U));
    }
  }
}

}  // namespace gatewhy
