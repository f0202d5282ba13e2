// SPDX-License-Identifier: Apache-2.0
// What one head and one chunked body cost to parse.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr std::string_view kBrowserRequest =
    "GET /shop/items?category=books&page=3 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://shop.example.com/\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Server: origin\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Cache-Control: no-cache\r\n"
    "ETag: \"0123456789\"\r\n"
    "Vary: Accept-Encoding\r\n"
    "\r\n";

template <typename Parser>
void parseHead(benchmark::State& state, std::string_view bytes) {
  Parser parser{HeadLimits{}};
  for (auto _ : state) {
    parser.reset();
    const ParseStep step = parser.feed(bytes);
    if (step.status != ParseStatus::Done) {
      state.SkipWithError("the head was refused");
      break;
    }
    benchmark::DoNotOptimize(parser.head().fields.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void requestHead12Fields(benchmark::State& state) {
  parseHead<RequestParser>(state, kBrowserRequest);
}
void responseHead7Fields(benchmark::State& state) {
  parseHead<ResponseParser>(state, kResponse);
}
void requestHeadMinimal(benchmark::State& state) {
  parseHead<RequestParser>(state, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

void chunkedBody64KiB(benchmark::State& state) {
  std::string bytes;
  for (int chunk = 0; chunk < 16; ++chunk) {
    bytes += "1000\r\n" + std::string(4096, 'x') + "\r\n";
  }
  bytes += "0\r\n\r\n";
  BodyDecoder decoder;
  for (auto _ : state) {
    decoder.start(BodyKind::Chunked, 0);
    std::string_view left = bytes;
    while (!decoder.done() && !left.empty()) {
      left.remove_prefix(decoder.feed(left).consumed);
    }
    benchmark::DoNotOptimize(decoder.received());
  }
}

BENCHMARK(requestHead12Fields);
BENCHMARK(requestHeadMinimal);
BENCHMARK(responseHead7Fields);
BENCHMARK(chunkedBody64KiB);

}  // namespace
}  // namespace gatewhy

BENCHMARK_MAIN();
