// SPDX-License-Identifier: Apache-2.0
// What one more destination of the log costs the worker's thread for an event:
// `time of two` less `time of one`. Destinations take everything at once here;
// what they do with it is done by threads of their own, which are not counted.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/log/event_log.h"

namespace gatewhy {
namespace {

class Nowhere final : public LogDestination {
 public:
  WriteResult write(std::string_view lines) override { return {.size = lines.size()}; }
  void awaitRoom(int /*timeout_ms*/) override {}
  [[nodiscard]] std::string name() const override { return "nowhere"; }
};

// 1.0 kB as JSON, as docs/scale.md counts it.
ExchangeEvent usualExchange() {
  ExchangeEvent event;
  event.timestamp = std::chrono::system_clock::now();
  event.request_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  event.trace_id = event.request_id;
  event.span_id = "00f067aa0ba902b7";
  event.method = "GET";
  event.path = "/shop/items/1234567";
  event.scheme = "https";
  event.server_address = "shop.example";
  event.client_address = "203.0.113.9";
  event.client_port = 51234;
  event.peer_address = "10.0.0.7:8443";
  event.response_body_size = 1024;
  event.protocol_version = "1.1";
  event.route = "shop.example/";
  event.origin = "shop";
  event.endpoint = "https://shop-1.internal:8443";
  event.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  event.outcome = Outcome::Success;
  event.status = 200;
  event.attempts = 1;
  event.timings.wait = 12.5;
  event.timings.receive = 0.2;
  event.timings.total = 13.4;
  return event;
}

std::unique_ptr<EventLog> logWith(int destinations, EventFormat second) {
  std::vector<std::unique_ptr<LogSink>> sinks;
  for (int i = 0; i < destinations; ++i) {
    constexpr std::size_t kQueue = 256UL * 1024 * 1024;
    LogSink::Options options{.format = i == 1 ? second : EventFormat::Json, .queue_bytes = kQueue};
    if (i == 1 && second == EventFormat::Json) {
      options.boot = "00c0ffee";  // as nats:// numbers its lines
    }
    sinks.push_back(std::make_unique<LogSink>(std::make_unique<Nowhere>(), std::move(options)));
  }
  return std::make_unique<EventLog>(std::move(sinks));
}

void append(benchmark::State& state, EventFormat second) {
  const auto log = logWith(static_cast<int>(state.range(0)), second);
  EventBatch batch(*log);
  const ExchangeEvent event = usualExchange();
  constexpr int kBeforeFlush = 20'000;
  int appended = 0;
  for (auto each : state) {
    batch.append(event, {}, 0);
    if (++appended % kBeforeFlush == 0) {
      state.PauseTiming();
      batch.tick();
      log->flush(std::chrono::seconds(10));
      state.ResumeTiming();
    }
  }
  state.counters["dropped"] = static_cast<double>(log->dropped());
}

BENCHMARK_CAPTURE(append, json, EventFormat::Json)->DenseRange(1, 4);
BENCHMARK_CAPTURE(append, second_is_text, EventFormat::Text)->Arg(2);

}  // namespace
}  // namespace gatewhy

BENCHMARK_MAIN();
