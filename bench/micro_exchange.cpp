// SPDX-License-Identifier: Apache-2.0
// What is done once per exchange, without sockets: heads written anew, a
// failure classified, the event put into a line.
#include <benchmark/benchmark.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "bench/micro_heads.h"
#include "diagnostics/classify.h"
#include "diagnostics/diagnosis.h"
#include "diagnostics/event.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

constexpr std::string_view kRequestId = "01JDG5W3Q4ZK8V7T0N2M6R9XBC";

void requestHeadWritten(benchmark::State& state) {
  RequestParser parser{HeadLimits{}};
  parser.reset();
  if (parser.feed(kBrowserRequest).status != ParseStatus::Done) {
    state.SkipWithError("the head was refused");
    return;
  }
  const RouteConfig route;
  const EndpointConfig endpoint{.url = "http://10.0.0.7:8080", .host = "10.0.0.7", .port = 8080};
  const ForwardContext context{.hop_name = "gatewhy",
                               .client_ip = "203.0.113.9",
                               .scheme = "http",
                               .request_id = kRequestId,
                               .route = &route,
                               .endpoint = &endpoint};
  TextBuffer out;
  for (auto _ : state) {
    out.clear();
    appendRequestHead(out, parser.head(), context);
    benchmark::DoNotOptimize(out.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
}

void responseHeadWritten(benchmark::State& state) {
  ResponseParser parser{HeadLimits{}};
  parser.reset();
  if (parser.feed(kResponse).status != ParseStatus::Done) {
    state.SkipWithError("the head was refused");
    return;
  }
  const HeaderEdits edits;
  const ResponseContext context{.hop_name = "gatewhy", .request_id = kRequestId, .edits = &edits};
  TextBuffer out;
  for (auto _ : state) {
    out.clear();
    appendResponseFields(out, parser.head(), context, AnswerLength::Known);
    benchmark::DoNotOptimize(out.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
}

Observation refused() {
  Observation observation;
  observation.phase = Phase::Connect;
  observation.fault = ConnectFault{.call = ConnectCall::SoError, .error = ECONNREFUSED, .elapsed_ms = 0.087};
  observation.connection.peer_address = "10.0.0.7:8080";
  return observation;
}

Observation untrusted() {
  Observation observation;
  observation.phase = Phase::TlsHandshake;
  TlsFault fault;
  fault.failure = TlsFailure::Certificate;
  fault.problems.push_back({.code = 18, .name = "self-signed certificate", .subject = "CN=shop", .issuer = "CN=shop"});
  fault.wanted_name = "shop.internal";
  observation.fault = fault;
  return observation;
}

void classified(benchmark::State& state, const Observation& observation) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(classify(observation));
  }
}
void refusedClassified(benchmark::State& state) {
  classified(state, refused());
}
void untrustedClassified(benchmark::State& state) {
  classified(state, untrusted());
}

// With its summary, statuses and evidence; the observation is copied too.
void refusedDiagnosed(benchmark::State& state) {
  const Observation observation = refused();
  const StatusPolicy policy;
  for (auto _ : state) {
    benchmark::DoNotOptimize(diagnose(observation, policy).status);
  }
}

ExchangeEvent exchange() {
  ExchangeEvent event;
  event.timestamp = std::chrono::system_clock::time_point{std::chrono::seconds{1769817599}};
  event.request_id = kRequestId;
  event.method = "GET";
  event.request_body_size = 0;
  event.path = "/shop/items";
  event.query = "category=books&page=3";
  event.scheme = "http";
  event.server_address = "shop.example.com";
  event.protocol_version = "1.1";
  event.client_address = "203.0.113.9";
  event.client_port = 47110;
  event.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  event.status = 200;
  event.response_body_size = 1024;
  event.generated_by = GeneratedBy::Origin;
  event.origin_status = 200;
  event.route = "shop.example.com/";
  event.origin = "shop";
  event.endpoint = "http://10.0.0.7:8080";
  event.peer_address = "10.0.0.7:8080";
  event.connection_reused = true;
  event.attempts = 1;
  event.timings = {.send = 0.012, .wait = 1.234, .receive = 0.045, .total = 1.301};
  return event;
}

void written(benchmark::State& state, const ExchangeEvent& event) {
  TextBuffer out;
  for (auto _ : state) {
    out.clear();
    appendJson(out, event);
    benchmark::DoNotOptimize(out.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
}
void eventOfSuccess(benchmark::State& state) {
  written(state, exchange());
}
void eventOfRefusal(benchmark::State& state) {
  const Diagnosis diagnosis = diagnose(refused(), StatusPolicy{});
  ExchangeEvent event = exchange();
  event.status = diagnosis.sent_status;
  event.generated_by = GeneratedBy::Proxy;
  event.origin_status = 0;
  event.outcome = Outcome::Failure;
  event.connection_reused = false;
  event.diagnosis = &diagnosis;
  written(state, event);
}

BENCHMARK(requestHeadWritten);
BENCHMARK(responseHeadWritten);
BENCHMARK(refusedClassified);
BENCHMARK(untrustedClassified);
BENCHMARK(refusedDiagnosed);
BENCHMARK(eventOfSuccess);
BENCHMARK(eventOfRefusal);

}  // namespace
}  // namespace gatewhy

BENCHMARK_MAIN();
