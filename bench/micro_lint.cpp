// SPDX-License-Identifier: Apache-2.0
// What the response lint adds to a response that is parsed anyway.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "diagnostics/http_date.h"
#include "proxy/exchange/response_check.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr std::string_view kRequest =
    "GET /shop/items HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\nUser-Agent: bench\r\n\r\n";

constexpr std::string_view kPage =  // 12 fields
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Server: origin/1.2\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: public, max-age=600\r\n"
    "ETag: \"0123456789abcdef\"\r\n"
    "Last-Modified: Sun, 05 Jan 2025 10:00:00 GMT\r\n"
    "Vary: Accept-Encoding\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Strict-Transport-Security: max-age=31536000\r\n"
    "Accept-Ranges: bytes\r\n"
    "\r\n";

constexpr std::string_view kSmall =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 17\r\n"
    "\r\n";

constexpr std::string_view kLogin =
    "HTTP/1.1 302 Moved Temporarily\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Location: https://shop.example/account?from=login\r\n"
    "Set-Cookie: __Host-session=0123456789abcdef0123456789abcdef; Path=/; Secure; HttpOnly; SameSite=Lax\r\n"
    "Set-Cookie: theme=dark; Max-Age=31536000\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

constexpr std::string_view kBroken =
    "HTTP/1.1 401 OK\r\n"
    "Content-Type: text\r\n"
    "Content-Type: text\r\n"
    "ETag: abc\r\n"
    "Set-Cookie: a=b; SameSite=None\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

void parse(benchmark::State& state, std::string_view bytes) {
  ResponseParser parser{HeadLimits{}};
  for (auto _ : state) {
    parser.reset();
    if (parser.feed(bytes).status != ParseStatus::Done) {
      state.SkipWithError("the head was refused");
      break;
    }
    benchmark::DoNotOptimize(parser.head().fields.data());
  }
}

// The whole check of one response: construction, head and end.
void lint(benchmark::State& state, std::string_view bytes, std::size_t findings) {
  RequestParser request{HeadLimits{}};
  ResponseParser response{HeadLimits{}};
  const auto now = parseHttpDate("Mon, 06 Jan 2025 10:00:01 GMT");
  if (request.feed(kRequest).status != ParseStatus::Done || response.feed(bytes).status != ParseStatus::Done) {
    state.SkipWithError("a head was refused");
    return;
  }
  const RouteConfig route;
  FindingSet found;
  for (auto _ : state) {
    ResponseCheck check(true);
    check.head(request.head(), route, response.head(), *now);
    check.end(response.head().content_length, false);
    found = check.found();
    benchmark::DoNotOptimize(found);
  }
  if (found.size() != findings) {
    state.SkipWithError("not the findings expected");
  }
}

BENCHMARK_CAPTURE(parse, page12Fields, kPage);
BENCHMARK_CAPTURE(lint, page12Fields, kPage, 0);
BENCHMARK_CAPTURE(parse, small3Fields, kSmall);
BENCHMARK_CAPTURE(lint, small3Fields, kSmall, 0);
BENCHMARK_CAPTURE(parse, loginWithCookies, kLogin);
BENCHMARK_CAPTURE(lint, loginWithCookies, kLogin, 0);
BENCHMARK_CAPTURE(lint, broken, kBroken, 7);

}  // namespace
}  // namespace gatewhy

BENCHMARK_MAIN();
