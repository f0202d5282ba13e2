// SPDX-License-Identifier: Apache-2.0
// What choosing a route costs: with one, and with a thousand, regular
// expressions and conditions among them; and what a path costs that has to be
// read in several ways.
#include <benchmark/benchmark.h>
#include <re2/re2.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/route_choice.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

std::vector<RouteConfig> routesFor(std::size_t count) {
  std::vector<RouteConfig> routes;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    RouteConfig route;
    const std::string number = std::to_string(i);
    route.host = i % 3 == 0 ? "" : "shop" + std::to_string(i % 50) + ".example";
    route.path = "/api/service" + number + "/";
    if (i % 10 == 1) {
      route.path = "^/old" + number + "/[0-9]+$";
      route.path_match = PathMatch::Regex;
      route.regex = std::make_shared<const re2::RE2>(route.path, re2::RE2::Latin1);
    } else if (i % 10 == 2) {
      route.path_match = PathMatch::Exact;
    } else if (i % 10 == 3) {
      route.match.headers = {{"X-Canary", number}};
    }
    routes.push_back(std::move(route));
  }
  routes.emplace_back();
  return routes;
}

void choose(benchmark::State& state, std::string_view path) {
  const std::vector<RouteConfig> routes = routesFor(static_cast<std::size_t>(state.range(0)));
  const Router router(routes);
  RequestParser parser{HeadLimits{}};
  const std::string head =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: shop1.example\r\nAccept: */*\r\nX-Canary: 903\r\n\r\n";
  if (parser.feed(head).status != ParseStatus::Done) {
    state.SkipWithError("not a request");
    return;
  }
  const RequestHead& request = parser.head();
  const RouteQuery query{.host = request.host, .path = request.path(), .request = &request};
  for (auto _ : state) {
    benchmark::DoNotOptimize(chooseRoute(router, query, PathPolicy::Refuse));
  }
}

BENCHMARK_CAPTURE(choose, plain, "/cart/items/12345")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(choose, deepest, "/api/service4/items/12345")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(choose, regex, "/old901/12345")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(choose, condition, "/api/service903/items/12345")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(choose, encoded, "/cart/caf%C3%A9%20noir")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(choose, everySpelling, "/cart//a;b/%2e/c\\d/%2f../e")->Arg(1)->Arg(1000);

}  // namespace
}  // namespace gatewhy

BENCHMARK_MAIN();
