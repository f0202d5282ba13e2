// SPDX-License-Identifier: Apache-2.0
// What the daemon would do with a request, found out by the daemon's own
// router, admission and head writer. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "diagnostics/diagnosis.h"
#include "diagnostics/result.h"

namespace gatewhy {

struct RouteQuestion {
  std::string method, url, client;
  std::vector<std::string> headers;
};

// One listener: would this request come in there?
struct ListenerView {
  std::string address;
  bool tls = false;
  bool redirects_to_https = false;
  std::string why_not;  // "" = it would
};

// One route, in the order of the file.
struct RouteView {
  const RouteConfig* route = nullptr;  // of the configuration
  bool fits = false;
  bool taken = false;
  std::string why;  // in words, "" for the one that is taken
};

struct RoutePlan {
  std::string host, path;  // as routing sees them
  // How servers may read the path, as sent first, and where each leads; one
  // where there is nothing to read differently.
  struct Reading {
    std::string path;
    const RouteConfig* route = nullptr;  // of the configuration; null = none
  };
  std::vector<Reading> readings;
  std::vector<ListenerView> listeners;
  std::vector<RouteView> routes;
  const RouteConfig* taken = nullptr;  // of the configuration, or a listener's redirect_to_https
  std::size_t origin = 0;              // of the configuration, where the request is passed on
  std::optional<Diagnosis> refusal;    // this hop's own; NoRoute too
  std::string allow;                   // the methods that the route takes, where the method is refused or asked about
  bool options_end_here = false;       // OPTIONS with Max-Forwards: 0 is answered with `allow`
  std::string forwarded_head;          // what the origin gets; "" where nothing is forwarded
  std::string answer_head;             // what the client gets of a fixed answer; "" where nothing is sent
  std::uint64_t answer_body_size = 0;
  std::string page;  // the file of the operator's page that a browser gets instead of the built-in one; "" = none
};

// `config` outlives the plan. The error says what is wrong with the question.
[[nodiscard]] Result<RoutePlan, std::string> planRoute(const ConfigPtr& config, const RouteQuestion& question);

}  // namespace gatewhy
