// SPDX-License-Identifier: Apache-2.0
// What one head and one chunked body cost to parse.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "bench/micro_heads.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

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
